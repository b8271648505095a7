"""Real sockets on the loopback: aiosmtpd where mail must arrive, scripted servers where a session must break."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smtp_servers import DROP, EHLO, GREETING, MAIL, PERSON, SENDER, TO_DATA, TO_MAIL, TO_RCPT, receiver, scripted

from syndicate.mail.lines import stuffed
from syndicate.mail.smtp import ConnectionLost, Relay, RelayDown, Reply


def test_one_session_carries_several_mails_and_each_arrives_byte_for_byte() -> None:
    dotted = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\nend"
    with receiver() as (mailbox, relay):
        connection = relay.connect(clock=lambda: 12.5)
        first = connection.deliver(SENDER, PERSON, MAIL)
        second = connection.deliver(SENDER, "bob@example.net", dotted)
        connection.close()
    assert (first.code, first.text, first.stage, first.accepted) == (250, "2.0.0 kept as 7", "dot", True)
    assert second.accepted
    assert (connection.sent, connection.opened, connection.usable) == (2, 12.5, False)
    assert mailbox.mails == [(SENDER, [PERSON], MAIL), (SENDER, ["bob@example.net"], dotted + b"\r\n")]


def test_a_mail_in_clean_parts_arrives_as_one() -> None:
    parts = (b"Subject: x\r\n\r\n", b"", b"a" * 998 + b"\r\n", b"end\r\n", b"\r\n")
    with receiver() as (mailbox, relay):
        connection = relay.connect()
        assert connection.deliver(SENDER, PERSON, *parts, clean=True).accepted
        assert connection.deliver(SENDER, PERSON, *parts).accepted
        connection.close()
    assert [data for _, _, data in mailbox.mails] == [b"".join(parts)] * 2


@given(st.lists(st.sampled_from(["", ".", "..", ".a", "a", "a.", "\t."]), max_size=8))
@settings(max_examples=60, deadline=None)
def test_what_is_stuffed_is_read_back_as_it_was(lines: list[str]) -> None:
    data = "".join(line + "\r\n" for line in lines).encode()
    wire = stuffed(data)
    assert wire.endswith(b".\r\n")
    rows = wire.split(b"\r\n")
    assert rows.index(b".") == len(rows) - 2, "the final dot is the only line of one dot"
    assert b"".join(row.removeprefix(b".") + b"\r\n" for row in rows[:-2]) == data


@pytest.mark.parametrize("data", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\nb\r\n"])
def test_bare_line_ends_are_never_put_on_the_wire(data: bytes) -> None:
    with scripted(GREETING, EHLO) as server:
        connection = server.relay().connect()
        with pytest.raises(ValueError, match="CRLF"):
            connection.deliver(SENDER, PERSON, data)
        connection.abort()
        connection.close()
    assert server.heard[1:] == [b""]


@pytest.mark.parametrize(
    ("stage", "script"),
    [
        ("mail", (GREETING, EHLO, ("MAIL", "451 4.3.0 later"))),
        ("rcpt", (*TO_MAIL, ("RCPT", "550-5.1.1 no\r\n550 5.1.1 such person"))),
        ("data", (*TO_RCPT, ("DATA", "452 4.3.1 full"))),
    ],
)
def test_a_refusal_names_its_stage_and_leaves_the_session_usable(
    stage: str, script: tuple[tuple[str, str], ...]
) -> None:
    with scripted(*script, ("RSET", "250 ok"), *TO_DATA[2:], ("DOT", "250 kept"), ("QUIT", "221 bye")) as server:
        connection = server.relay().connect()
        refusal = connection.deliver(SENDER, PERSON, MAIL)
        assert connection.usable
        after = connection.deliver(SENDER, PERSON, MAIL)
        connection.close()
    assert (refusal.stage, refusal.accepted) == (stage, False)
    assert refusal.code == int(script[-1][1][:3])
    assert "\n" not in refusal.text
    assert after.accepted
    assert connection.sent == 1


def test_a_refusal_at_the_dot_needs_no_reset() -> None:
    with scripted(*TO_DATA, ("DOT", "554 5.7.1 spam"), ("QUIT", "221 bye")) as server:
        connection = server.relay().connect()
        reply = connection.deliver(SENDER, PERSON, MAIL)
        assert connection.usable
        connection.close()
    assert (reply.code, reply.stage, connection.sent) == (554, "dot", 1)


@pytest.mark.parametrize("reset", ["500 what", DROP])
def test_a_session_that_cannot_be_reset_is_closed(reset: str) -> None:
    with scripted(*TO_MAIL, ("RCPT", "550 no"), ("RSET", reset)) as server:
        connection = server.relay().connect()
        assert connection.deliver(SENDER, PERSON, MAIL).code == 550
        assert not connection.usable


@pytest.mark.parametrize(
    ("stage", "script"),
    [
        ("mail", (GREETING, EHLO, ("MAIL", "421 closing"))),
        ("rcpt", (*TO_MAIL, ("RCPT", "421 closing"))),
        ("data", (*TO_RCPT, ("DATA", "421 closing"))),
        ("dot", (*TO_DATA, ("DOT", "421 closing"))),
    ],
)
def test_a_421_is_reported_and_ends_the_session(stage: str, script: tuple[tuple[str, str], ...]) -> None:
    with scripted(*script) as server:
        connection = server.relay().connect()
        reply = connection.deliver(SENDER, PERSON, MAIL)
        assert (reply.code, reply.stage, connection.usable) == (421, stage, False)
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
        assert not lost.value.after_dot
    assert server.heard[-1] == b"", "nothing was said after the 421"


def test_data_must_be_answered_with_go_on() -> None:
    with scripted(*TO_RCPT, ("DATA", "250 ok")) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
    assert (lost.value.stage, lost.value.after_dot) == ("data", False)


@pytest.mark.parametrize(
    "address", ["a b@example.org", "a>@example.org", "a\r\nRCPT TO:<c@d.e>", "", "jörg@example.org"]
)
def test_an_address_that_no_command_can_carry_is_refused_without_asking(address: str) -> None:
    with scripted(GREETING, EHLO, ("QUIT", "221 bye")) as server:
        connection = server.relay().connect()
        reply = connection.deliver(SENDER, address, MAIL)
        assert (reply.code, reply.stage, connection.usable) == (553, "rcpt", True)
        connection.close()


def test_an_address_beyond_ascii_goes_to_a_relay_that_takes_them() -> None:
    with receiver(enable_SMTPUTF8=True) as (mailbox, relay):
        connection = relay.connect()
        assert connection.deliver(SENDER, "jörg@example.net", MAIL).accepted
        connection.close()
    assert mailbox.mails[0][1] == ["jörg@example.net"]


def test_a_relay_that_is_not_there_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(RelayDown) as down:
        Relay("127.0.0.1", port, "none", helo="x").connect()
    assert str(down.value) == (
        f"the relay 127.0.0.1:{port} cannot be reached (Connection refused): "
        "is it running? Else check mail.smtp.host and mail.smtp.port"
    )


@pytest.mark.parametrize(
    "script",
    [
        (("", "554 5.7.1 go\taway"),),
        (GREETING, ("EHLO", "500 no"), ("HELO", "550 not you")),
        (("", DROP),),
        (GREETING, ("EHLO", DROP)),
        (("", "421 busy"),),
    ],
)
def test_a_relay_that_refuses_at_the_door_is_down(script: tuple[tuple[str, str], ...]) -> None:
    with scripted(*script) as server, pytest.raises(RelayDown) as down:
        server.relay().connect()
    assert not down.value.authentication
    assert f"127.0.0.1:{server.port}" in str(down.value)
    assert "\n" not in str(down.value)
    assert str(down.value).isprintable()


def test_a_host_name_that_cannot_be_is_one_clear_line() -> None:
    with pytest.raises(RelayDown, match="host name"):
        Relay("a" * 70 + ".example", 25, "none", helo="x").connect()


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (550, "5.7.1 spam", "5.7.1"),
        (450, "4.2.0", "4.2.0"),
        (250, "2.0.0 kept as 7", "2.0.0"),
        (553, "sorry, no mailbox here by that name. (#5.1.1)", "5.1.1"),
        (550, "no such person", None),
        (550, "4.7.1 later", None),
        (550, "we do not like 5.7.1", None),
        (550, "5.7.1.9 is your address", None),
        (550, "5.71234.1 what", None),
        (550, "5.07.1 what", None),
        (550, "", None),
    ],
)
def test_a_reply_gives_the_status_that_its_words_begin_with(code: int, text: str, status: str | None) -> None:
    assert Reply(code, text, "rcpt").enhanced == status
