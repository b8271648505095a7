"""DKIM, verified by a library that is not ours."""

import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from mails import AT

from syndicate.mail.sign import DkimKeyFault, SigningKey, dns_record, load_keys, make_key, sign

HEADER = (
    b"Date: Thu, 19 Nov 2026 14:00:00 +0000\r\nFrom: Coalition  News <news@example.org>\r\n"
    b"Subject: one\r\n  two\r\nTo: ann@example.net\r\nMessage-ID: <x@news.example.org>\r\n"
    b"List-Unsubscribe: <https://news.example.org/u/1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\n"
)
BODIES = [
    b"",
    b"\r\n\r\n",
    b"Hello.\r\n",
    b".\r\n..two\r\n.three\r\n\r\n\r\n",
    b"no end",
    b"a  b \r\n\tc\r\n",
]


@dataclass(frozen=True)
class Key:
    selector: str
    key_file: Path


@dataclass(frozen=True)
class Settings:
    domain: str
    keys: tuple[Key, ...]
    sign: bool = True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an RSA key of our making and an ed25519 key."""
    where = tmp_path_factory.mktemp("dkim")
    make_key(where / "rsa.pem")
    save(where / "ed.pem", ed25519.Ed25519PrivateKey.generate())
    return where


def save(
    path: Path,
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    encryption: KeySerializationEncryption | None = None,
) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
    return path


def settings_of(folder: Path) -> Settings:
    return Settings("example.org", (Key("s1", folder / "rsa.pem"), Key("e1", folder / "ed.pem")))


@pytest.fixture(scope="module")
def keys(folder: Path) -> tuple[SigningKey, ...]:
    return load_keys(settings_of(folder))


def verified(folder: Path, mail: bytes) -> list[bool]:
    records = {
        b"s1._domainkey.example.org.": dns_record(folder / "rsa.pem").encode(),
        b"e1._domainkey.example.org.": dns_record(folder / "ed.pem").encode(),
    }

    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        return records.get(name)

    def verdict(number: int) -> bool:
        try:
            return bool(dkim.DKIM(mail).verify(idx=number, dnsfunc=look_up))
        except dkim.ValidationError:
            return False

    return [verdict(number) for number in (0, 1)]


@pytest.mark.parametrize("body", BODIES)
def test_both_signatures_verify(folder: Path, keys: tuple[SigningKey, ...], body: bytes) -> None:
    mail = sign(HEADER, body, keys, AT) + b"\r\n" + body
    assert verified(folder, mail) == [True, True]
    assert all(len(line) <= 78 for line in mail.partition(b"Date:")[0].split(b"\r\n"))
    assert mail.count(b"\r\n") == mail.count(b"\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"three", b"thrEe"),
        (b"\r\n..two", b"\r\n.two"),
        (b"ann@", b"bob@"),
        (b"/u/1", b"/u/2"),
        (b"One-Click", b"Two-Click"),
        (b"x@news", b"y@news"),
        (b"19 Nov", b"18 Nov"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nFrom: else@example.org\r\n"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nSubject: else\r\n"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nList-Unsubscribe: <https://evil.example>\r\n"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nReply-To: else@example.org\r\n"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
    ],
)
def test_a_changed_byte_or_an_added_field_breaks_both(
    folder: Path, keys: tuple[SigningKey, ...], old: bytes, new: bytes
) -> None:
    body = BODIES[3]
    mail = sign(HEADER, body, keys, AT) + b"\r\n" + body
    assert old in mail
    assert verified(folder, mail.replace(old, new)) == [False, False]


@pytest.mark.parametrize(
    "value", [b"x", b" x", b"\tx", b" x\ty ", b"  x  y\t\t", b" x\r\n y", b" x \r\n\ty", b"", b" \t ", b" x: y:"]
)
def test_white_space_in_a_field_is_signed_as_receivers_read_it(
    folder: Path, keys: tuple[SigningKey, ...], value: bytes
) -> None:
    header = HEADER.replace(b"Subject: one\r\n  two", b"Subject:" + value)
    assert verified(folder, sign(header, b"x\r\n", keys, AT) + b"\r\nx\r\n") == [True, True]


def test_a_signature_is_the_same_in_every_attempt_and_dated_as_told(keys: tuple[SigningKey, ...]) -> None:
    at = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
    signed = sign(HEADER, b"x\r\n", keys, at)
    assert signed == sign(HEADER, b"x\r\n", keys, at)
    assert f"t={int(at.timestamp())};".encode() in signed
    assert b" l=" not in signed
    assert signed.endswith(HEADER)


def test_without_keys_nothing_is_added(folder: Path) -> None:
    assert load_keys(Settings("example.org", settings_of(folder).keys, sign=False)) == ()
    assert sign(HEADER, b"", (), AT) == HEADER


def test_a_new_key_is_for_its_owner_alone_and_never_written_over(folder: Path) -> None:
    path = folder / "rsa.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        make_key(path)
    assert path.read_bytes() == before
    assert dns_record(path).startswith("v=DKIM1; k=rsa; p=MII")
    assert dns_record(folder / "ed.pem").startswith("v=DKIM1; k=ed25519; p=")


def test_a_key_shows_nothing_of_itself(keys: tuple[SigningKey, ...]) -> None:
    assert repr(keys[0]) == "SigningKey(selector='s1', domain='example.org')"


def test_what_is_no_good_key_is_one_clear_line(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    locked = save(tmp_path / "locked.pem", weak, BestAvailableEncryption(b"pw"))
    (tmp_path / "junk.pem").write_text("junk")
    curve = save(tmp_path / "ec.pem", ec.generate_private_key(ec.SECP256R1()))
    faults = {
        tmp_path / "absent.pem": "no DKIM key at .*openssl genrsa",
        tmp_path: "cannot read the DKIM key",
        locked: "no private key in PEM without a password",
        tmp_path / "junk.pem": "no private key in PEM",
        curve: "a key that DKIM does not know",
    }
    for path, words in faults.items():
        with pytest.raises(DkimKeyFault, match=words) as fault:
            dns_record(path)
        assert str(path) in str(fault.value)
        assert "\n" not in str(fault.value)


def test_an_rsa_key_under_1024_bits_is_refused(tmp_path: Path) -> None:
    # An old key of 512 bits, made for this test; today's libraries refuse to make one.
    weak = tmp_path / "weak.pem"
    weak.write_text(WEAK)
    with pytest.raises(DkimKeyFault, match="512 bits"):
        dns_record(weak)


WEAK = """-----BEGIN RSA PRIVATE KEY-----
MIIBOgIBAAJBAPOurrOUlBvWlZ5k/IbG5U2jw8XPO9XhfGIEvFt9zfv22oMEYdpX
wiuBJB6HeQO1ngX0Cy91ahJoT+4UoSes9CECAwEAAQJAH1ZbiSSWV24lF5WNFBgH
7RAeYRXhcAPrZv+M6YcoMjqwaCgD8ajOXFF2oB542DMnYt8AeF5/wRc2JiYWMdCF
sQIhAP0mz3FMtNau30GJBtYgeBcdrQSlUbL5Ur3V++9Jipu3AiEA9myYsBuGfQJo
sNevv7kzk5px71otrKlV/RgW3KN9HucCIHbkEkrYxpmI2WtS6nYIG75nfomPBtay
R4zGgaK4/DLzAiAa9LwrH4exqw7KsX1fKqIytkVaWnH+njNy0SzHC/dG5wIhAKe6
oa5EMSpwrfretMsKsaDtchfTt22kmc8RcFPuVsQn
-----END RSA PRIVATE KEY-----
"""
