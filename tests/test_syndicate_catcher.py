"""The mail catcher keeps what it is given, byte for byte."""

import smtplib
from pathlib import Path

import pytest

from syndicate.catcher import Catcher, CatcherFault, caught
from syndicate.mail.smtp import Relay


def test_a_mail_is_kept_as_it_was_sent_and_its_envelope_beside_it(tmp_path: Path) -> None:
    catcher = Catcher(tmp_path / "mail")
    catcher.start()
    try:
        data = b"Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n"
        connection = Relay("127.0.0.1", catcher.port, "none").connect()
        assert connection.deliver("b+x@example.org", "alice@example.net", data).accepted
        assert connection.deliver("b+y@example.org", "bob@example.net", data).accepted
        connection.close()
    finally:
        catcher.stop()
    first, second = caught(tmp_path / "mail")
    assert first.path.read_bytes() == data
    assert (first.sender, first.recipient) == ("b+x@example.org", "alice@example.net")
    assert (second.path.name, second.recipient) == ("0002.eml", "bob@example.net")


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    first = Catcher(tmp_path / "one")
    first.start()
    try:
        with pytest.raises(CatcherFault, match=str(first.port)):
            Catcher(tmp_path / "two", first.port).start()
    finally:
        first.stop()


def test_a_plain_smtp_client_is_served(tmp_path: Path) -> None:
    catcher = Catcher(tmp_path)
    catcher.start()
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.sendmail("a@example.org", ["b@example.net", "c@example.net"], "Subject: hi\n\nhello\n")
    catcher.stop()
    assert [mail.recipient for mail in catcher.caught()] == ["b@example.net", "c@example.net"]
