"""A session that breaks, falls silent or is cut: it is said whether the mail can have been accepted."""

import socket
import threading
import time

import pytest
from smtp_servers import DROP, EHLO, GREETING, MAIL, PERSON, SENDER, TO_DATA, TO_MAIL, TO_RCPT, scripted

from syndicate.mail.smtp import ConnectionLost, Relay


@pytest.mark.parametrize(
    ("stage", "script", "after_dot"),
    [
        ("mail", (GREETING, EHLO, ("MAIL", DROP)), False),
        ("rcpt", (*TO_MAIL, ("RCPT", DROP)), False),
        ("data", (*TO_RCPT, ("DATA", DROP)), False),
        ("dot", (*TO_DATA, ("DOT", DROP)), True),
    ],
)
def test_a_lost_connection_says_whether_the_dot_was_out(
    stage: str, script: tuple[tuple[str, str], ...], after_dot: bool
) -> None:
    with scripted(*script) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
    assert (lost.value.stage, lost.value.after_dot, connection.usable) == (stage, after_dot, False)
    assert f"127.0.0.1:{server.port}" in str(lost.value)


def test_a_connection_that_breaks_inside_the_body_was_not_accepted() -> None:
    huge = b"x" * 76 + b"\r\n"
    with scripted(*TO_DATA, ("", DROP)) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, huge * 200_000)
    assert (lost.value.stage, lost.value.after_dot, connection.sent) == ("data", False, 0)


@pytest.mark.parametrize("answer", ["hello", "354 more", "2", "999 what"])
def test_gibberish_after_the_dot_is_an_unknown_end_and_before_it_none(answer: str) -> None:
    with scripted(*TO_DATA, ("DOT", answer)) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
    assert lost.value.after_dot
    with scripted(*TO_MAIL, ("RCPT", answer)) as server:
        connection = server.relay().connect()
        with pytest.raises(ConnectionLost) as lost:
            connection.deliver(SENDER, PERSON, MAIL)
    assert not lost.value.after_dot
    assert not connection.usable


class Slow:
    """A server that greets, takes what comes and answers the final dot after `pause` seconds."""

    def __init__(self, pause: float) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.at_the_dot = threading.Event()
        self._thread = threading.Thread(target=self._play, args=(pause,))
        self._thread.start()

    def _play(self, pause: float) -> None:
        with self._door, self._door.accept()[0] as line, line.makefile("rb") as words:
            line.settimeout(5)
            line.sendall(b"220 hello\r\n")
            for answer in (b"250 me", b"250 ok", b"250 ok", b"354 go on"):
                words.readline()
                line.sendall(answer + b"\r\n")
            while words.readline() not in (b".\r\n", b""):
                pass
            self.at_the_dot.set()
            time.sleep(pause)
            try:
                line.sendall(b"250 kept\r\n")
                words.read()
            except OSError:
                pass

    def join(self) -> None:
        self._thread.join(5)


def test_the_dot_has_a_patience_of_its_own() -> None:
    server = Slow(0.5)
    connection = Relay("127.0.0.1", server.port, "none", helo="x", timeout=0.2, dot_timeout=4).connect()
    assert connection.deliver(SENDER, PERSON, MAIL).accepted
    connection.abort()
    connection.close()
    server.join()


def test_silence_after_the_dot_is_an_unknown_end() -> None:
    server = Slow(0.4)
    connection = Relay("127.0.0.1", server.port, "none", helo="x", timeout=3, dot_timeout=0.1).connect()
    with pytest.raises(ConnectionLost) as lost:
        connection.deliver(SENDER, PERSON, MAIL)
    assert lost.value.after_dot
    server.join()


def test_an_abort_from_another_thread_wakes_who_waits_at_the_dot() -> None:
    server = Slow(0.5)
    connection = Relay("127.0.0.1", server.port, "none", helo="x", timeout=5, dot_timeout=60).connect()
    ended: list[ConnectionLost] = []

    def work() -> None:
        try:
            connection.deliver(SENDER, PERSON, MAIL)
        except ConnectionLost as lost:
            ended.append(lost)

    worker = threading.Thread(target=work)
    started = time.monotonic()
    worker.start()
    assert server.at_the_dot.wait(5)
    connection.abort()
    worker.join(5)
    assert time.monotonic() - started < 4
    assert [lost.after_dot for lost in ended] == [True]
    server.join()


def test_nothing_is_said_after_an_abort() -> None:
    with scripted(*TO_DATA, ("DOT", "250 kept")) as server:
        connection = server.relay().connect()
        connection.deliver(SENDER, PERSON, MAIL)
        connection.abort()
        connection.close()
    assert server.heard[-1] == b""
