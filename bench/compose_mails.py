"""What one mail costs before it reaches a line: joining, tokens and links, filling, signing."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from path_site import composition, lay

from syndicate.keys import load_secret
from syndicate.mail.leave import leave_mailto
from syndicate.mail.personal import (
    EditionRef,
    MailSite,
    Person,
    delivery_mail,
    delivery_message_id,
    preferences_url,
    unsubscribe_url,
)
from syndicate.mail.return_path import delivery_return
from syndicate.mail.sign import SigningKey, load_keys, sign

_CALLS = 2_000
_SIGNED_CALLS = 200

Row = tuple[str, str, str]


def _microseconds(call: Callable[[], object], calls: int = _CALLS) -> float:
    """The median of single calls."""
    took = []
    for _ in range(calls):
        began = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - began)
    return statistics.median(took) / 1000


def mails(folder: Path, size: int) -> list[Row]:
    """The rows of the table: what, the median, what is wanted. `size` is that of the mail in bytes."""
    config = lay(folder)
    now = datetime.now(UTC)
    made, _ = composition(config, now, size)
    keys, site, signing = load_secret(config.site.secret_file), MailSite.of(config), load_keys(config.mail.dkim)
    ref = EditionRef(12, "benchbenchbench1", "weekly", now)
    count = iter(range(10**9))

    def person() -> Person:
        return Person(f"u{next(count):015}", "somebody@example.net", now)

    def links() -> None:
        uid = f"u{next(count):015}"
        unsubscribe_url(site, keys, uid=uid, digest="weekly")
        preferences_url(site, keys, uid=uid)
        leave_mailto(keys, subscriber_id=7, uid=uid, digest="weekly", domain=site.bounce_domain)
        delivery_message_id(site, keys, edition_uid=ref.uid, subscriber_uid=uid)
        delivery_return(keys, edition_id=12, subscriber_id=7)

    def mail(with_keys: tuple[SigningKey, ...]) -> Callable[[], object]:
        return lambda: delivery_mail(
            made, person=person(), edition=ref, site=site, subscriber_id=7, keys=keys, signing=with_keys
        )

    values = dict.fromkeys(made.slots, "https://valley.test/unsubscribe/" + "x" * 60)
    leave = values["unsubscribe"]
    header, body = made.fill("somebody@example.net", "abcdefgh@valley.test", values, leave)
    parts = (header, b"\r\n", *body)
    rows = [
        (f"joining the {len(parts)} parts of {sum(map(len, parts)):,} bytes", b"".join, (parts,), "<= 10 µs"),
        ("tokens and links (5 of them)", links, (), "<= 20 µs"),
        ("filling: the header, and values encoded for their places", made.fill, ("a@b.test", "x@y", values, leave), ""),
        ("a whole mail, not signed", mail(()), (), ""),
    ]
    shown = [
        (title, f"{_microseconds(lambda f=call, w=words: f(*w)):.1f} µs", goal)  # type: ignore[misc]
        for title, call, words, goal in rows
    ]
    # Each mail has a header of its own, so that nothing is signed that was seen before.
    headers = [
        made.fill(f"reader{number}@example.net", f"m{number}@valley.test", values, f"{leave}{number}")[0]
        for number in range(_SIGNED_CALLS)
    ]
    return shown + _signing(headers, b"".join(body), signing, now, mail(signing))


def _signing(
    headers: list[bytes], body: bytes, signing: tuple[SigningKey, ...], at: datetime, mail: Callable[[], object]
) -> list[Row]:
    (key,) = signing
    both = (key, SigningKey("e1", key.domain, Ed25519PrivateKey.generate()))
    bare, signed, whole, two = [], [], [], []
    scheme, digest = padding.PKCS1v15(), SHA256()
    for header in headers:
        bare.append(_microseconds(lambda header=header: key.private_key.sign(header, scheme, digest), 1))  # type: ignore[call-arg, arg-type]
        signed.append(_microseconds(lambda header=header: sign(header, body, signing, at), 1))
        whole.append(_microseconds(mail, 1))
        two.append(_microseconds(lambda header=header: sign(header, body, both, at), 1))
    base, mine = statistics.median(bare), statistics.median(signed)
    return [
        ("bare RSA-2048", f"{base:.0f} µs", ""),
        ("signing a mail with it", f"{mine:.0f} µs: {base / mine:.2f} × the bare rate", ">= 0.80 ×"),
        ("signing with ed25519 beside it", f"{statistics.median(two):.0f} µs", ""),
        ("a whole mail, signed with RSA", f"{statistics.median(whole):.0f} µs", ""),
    ]
