"""Compositions and the mails made of them: the same in every attempt, and nothing personal where it does not belong."""

import dataclasses
import email
import email.policy
from datetime import UTC, timedelta
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mails import EDITION, KEYS, LETTER, MAIL_SITE, PERSON, confirmation, digest, page

from subscribers.tokens import TokenKeys
from syndicate.keys import SiteKeys
from syndicate.mail.compose import BadComposition, Composition, Piece
from syndicate.mail.leave import leave_mailto
from syndicate.mail.lines import END, is_clean, stuffed
from syndicate.mail.personal import (
    Outgoing,
    Person,
    confirm_url,
    delivery_mail,
    delivery_message_id,
    letter_mail,
    letter_message_id,
    preferences_url,
    unsubscribe_url,
)
from syndicate.mail.return_path import ReturnPath, read_return_path
from syndicate.mail.slots import SLOTS, split_at_marks

ROTATED = SiteKeys(TokenKeys({1: b"1" * 32, 2: b"2" * 32}, 2), b"a" * 32)


@pytest.fixture(scope="module")
def weekly() -> Composition:
    return digest(page(5))


@pytest.fixture(scope="module")
def asking() -> Composition:
    return confirmation()


def delivered(composition: Composition, person: Person = PERSON, keys: SiteKeys = KEYS) -> Outgoing:
    return delivery_mail(
        composition, person=person, edition=EDITION, site=MAIL_SITE, subscriber_id=77, keys=keys, signing=()
    )


def parsed(mail: Outgoing) -> EmailMessage:
    message = email.message_from_bytes(mail.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def bodies(message: EmailMessage) -> tuple[str, str]:
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


def test_a_delivery_is_filled_with_what_is_the_persons(weekly: Composition) -> None:
    mail = delivered(weekly)
    message = parsed(mail)
    leave = unsubscribe_url(MAIL_SITE, KEYS, uid=PERSON.uid, digest="weekly")
    assert KEYS.read_unsubscribe(leave.rsplit("/", 1)[1]) == (PERSON.uid, "weekly")
    assert message["To"] == mail.to == "ann@example.net"
    by_mail = leave_mailto(KEYS, subscriber_id=77, uid=PERSON.uid, digest="weekly", domain=MAIL_SITE.bounce_domain)
    assert message["List-Unsubscribe"] == f"<{leave}>, <{by_mail}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for body in bodies(message):
        assert body.count(leave) == 2, "near the top and at the end"
        assert preferences_url(MAIL_SITE, KEYS, uid=PERSON.uid) in body
        assert "on 3 May 2026." in body
        assert "zLxSq7" not in body
        assert "ann@" not in body


def test_the_filled_bodies_are_the_composed_ones_but_for_the_slots(weekly: Composition) -> None:
    values = {
        "unsubscribe": unsubscribe_url(MAIL_SITE, KEYS, uid=PERSON.uid, digest="weekly"),
        "preferences": preferences_url(MAIL_SITE, KEYS, uid=PERSON.uid),
        "since": "3 May 2026",
    }
    assert weekly.slots == set(values)
    for shown, mailed in zip((weekly.text, weekly.html), bodies(parsed(delivered(weekly))), strict=True):
        pieces = split_at_marks(shown)
        assert {slot for _, slot in pieces} == {*values, ""}
        expected = "".join(words + values.get(slot, "") for words, slot in pieces)
        assert mailed.replace("\r\n", "\n").rstrip("\n") == expected.rstrip("\n")


def test_every_attempt_is_the_same_to_the_byte_and_every_person_another(weekly: Composition) -> None:
    again = Composition.from_bytes(weekly.to_bytes())
    assert again == weekly
    assert again.hash == weekly.hash == digest(page(5)).hash
    assert delivered(again) == delivered(weekly)
    other = delivered(weekly, dataclasses.replace(PERSON, uid="ponmlkjihgfedcba"))
    assert parsed(other)["Message-ID"] != parsed(delivered(weekly))["Message-ID"]
    assert other.envelope_from == delivered(weekly).envelope_from, "it names the row's id, not the address"


def test_the_hash_sees_every_change(weekly: Composition) -> None:
    shown = page(5)
    changed = [
        dataclasses.replace(shown, note="Start with the second."),
        dataclasses.replace(shown, view_url="https://news.example.org/editions/weekly/49"),
        dataclasses.replace(shown, number=49),
    ]
    assert len({weekly.hash, *(digest(one).hash for one in changed)}) == 4


def test_a_message_id_outlives_the_rotation_of_keys() -> None:
    before = delivery_message_id(MAIL_SITE, KEYS, edition_uid="e", subscriber_uid="s")
    assert before == delivery_message_id(MAIL_SITE, ROTATED, edition_uid="e", subscriber_uid="s")
    assert before.endswith("@news.example.org")
    assert before != delivery_message_id(MAIL_SITE, KEYS, edition_uid="s", subscriber_uid="e")
    assert letter_message_id(MAIL_SITE, KEYS, letter_uid="e") != before


@pytest.mark.parametrize(
    ("keys", "unsubscribe", "preferences", "confirm"),
    [
        (KEYS, "atzktyvdmhsugio4jvudubmi45q", "aglc6dm3yoow54j2ve4l3vaxrcm", "a3xcfzkx3o5riyjsjdtcg26tawq"),
        (ROTATED, "bb3e7swoucubzgaijhxtf4sdwty", "b5s3jimfu3rpkedzknybne2ru5m", "bkwd26wbjr7hzwy4cuu3wc25dhe"),
    ],
)
def test_links_and_names_are_for_ever(keys: SiteKeys, unsubscribe: str, preferences: str, confirm: str) -> None:
    """They stand in mail that is out there."""
    uid, url = "abcdefghijklmnop", MAIL_SITE.url
    found = unsubscribe_url(MAIL_SITE, keys, uid=uid, digest="weekly-digest")
    assert found == f"{url}/unsubscribe/{uid}-weekly-digest-{unsubscribe}"
    assert preferences_url(MAIL_SITE, keys, uid=uid) == f"{url}/preferences/{uid}-{preferences}"
    assert confirm_url(MAIL_SITE, keys, letter_uid=uid) == f"{url}/confirm/{uid}-{confirm}"
    identity = delivery_message_id(MAIL_SITE, keys, edition_uid="ponmlkjihgfedcba", subscriber_uid=uid)
    assert identity == "dlrhqlxhrkfooqfo@news.example.org"
    assert letter_message_id(MAIL_SITE, keys, letter_uid=uid) == "zowsh4hjwrnuc4du@news.example.org"


def test_the_lines_on_the_wire_keep_to_the_limits(weekly: Composition) -> None:
    long = delivered(weekly, dataclasses.replace(PERSON, address="a" * 64 + "@" + "b" * 180 + ".example"))
    assert long.data.count(b"\r\n") == long.data.count(b"\n") == long.data.count(b"\r")
    head, _, body = long.data.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert long.data.isascii()


@pytest.mark.parametrize(
    "address", ["a@example.net\r\nBcc: b@example.net", "a@example.net\n\nHello", "<a@example.net>"]
)
def test_an_address_cannot_add_a_header(weekly: Composition, address: str) -> None:
    message = parsed(delivered(weekly, dataclasses.replace(PERSON, address=address)))
    assert message["Bcc"] is None
    assert message.keys() == parsed(delivered(weekly)).keys()


def test_a_confirmation_carries_its_link_and_no_list_fields() -> None:
    letter = confirmation()
    mail = letter_mail(letter, to="ann@example.net", letter=LETTER, site=MAIL_SITE, keys=KEYS, signing=())
    message = parsed(mail)
    link = confirm_url(MAIL_SITE, KEYS, letter_uid=LETTER.uid)
    assert KEYS.read_confirm(link.rsplit("/", 1)[1]) == LETTER.uid
    assert message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in message if name.startswith(("List-", "Precedence"))]
    for body in bodies(message):
        assert link in body
        assert "Weekly digest" in body
        assert "Do nothing" in body
        assert "1 Example Street" in body
        assert "ann@" not in body
    assert read_return_path(mail.envelope_from.split("@")[0], KEYS) == ReturnPath(letter_id=LETTER.id)


def test_a_trial_of_a_digest_is_a_letter_with_its_slots_filled(weekly: Composition) -> None:
    values = dict.fromkeys(("unsubscribe", "preferences", "since"), "https://news.example.org/trial")
    mail = letter_mail(weekly, to="ed@example.org", letter=LETTER, site=MAIL_SITE, keys=KEYS, signing=(), values=values)
    assert parsed(mail)["List-Unsubscribe"] is None
    with pytest.raises(KeyError, match="preferences"):
        letter_mail(weekly, to="ed@example.org", letter=LETTER, site=MAIL_SITE, keys=KEYS, signing=())


def test_a_value_is_escaped_in_html_and_plain_in_text() -> None:
    letter = confirmation()
    header, body = letter.fill("a@b.example", "i", {"confirm": "https://x/?a&b<"}, None)
    text, html = bodies(parsed(Outgoing("", "", (header, b"\r\n", *body))))
    assert "https://x/?a&b<" in text
    assert html.count("https://x/?a&amp;b&lt;") == 3


def test_since_is_the_day_of_the_callers_zone(weekly: Composition) -> None:
    late = PERSON.since.replace(hour=23).astimezone(UTC) + timedelta(hours=2)
    assert "on 4 May 2026." in bodies(parsed(delivered(weekly, dataclasses.replace(PERSON, since=late))))[0]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"format": 99}', b"\xff", b'{"format": 1, "pieces": 3}'])
def test_bytes_that_are_no_composition_are_one_clear_line(data: bytes) -> None:
    with pytest.raises(BadComposition) as bad:
        Composition.from_bytes(data)
    assert "\n" not in str(bad.value)


def test_the_date_is_the_editions_and_not_that_of_the_attempt(weekly: Composition) -> None:
    assert parsed(delivered(weekly))["Date"] == "Thu, 19 Nov 2026 14:00:00 +0000"


@given(st.dictionaries(st.sampled_from(sorted(SLOTS)), st.text(st.characters(exclude_categories=["Cs"]), max_size=200)))
@settings(max_examples=80, deadline=None)
def test_each_part_of_a_mail_goes_over_the_wire_as_it_is_whatever_is_personal(
    asking: Composition, values: dict[str, str]
) -> None:
    filled = {"confirm": "https://x.test/"} | values
    mail = letter_mail(asking, to="a@b.example", letter=LETTER, site=MAIL_SITE, keys=KEYS, signing=(), values=filled)
    assert mail.clean
    assert all(is_clean(part) for part in mail.parts if part)
    assert mail.data + END == stuffed(mail.data)


def test_a_composition_with_a_line_that_begins_with_a_dot_is_looked_at_again(weekly: Composition) -> None:
    assert delivered(weekly).clean
    for line in (b".hidden\r\n", b"a\r\n.\r\n", b"bare\nend\r\n", b"no end"):
        odd = dataclasses.replace(weekly, pieces=(*weekly.pieces, Piece("text", line)))
        assert not delivered(odd).clean
