"""The line to a relay, on real sockets: no peer holds it longer than it is given, and no unasked word is an answer."""

import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from syndicate.mail.wire import HungUp, OutOfStep, Wire

Pair = tuple[Wire, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A wire, and the peer's end of it."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        wire = Wire.dial("127.0.0.1", door.getsockname()[1], 5)
        peer, _ = door.accept()
    with peer:
        peer.settimeout(5)
        yield wire, peer
    wire.close()


def test_a_command_goes_out_as_one_line_and_its_answer_comes_back(pair: Pair) -> None:
    wire, peer = pair
    teller = threading.Timer(0.05, peer.sendall, [b"250-one\r\n250 two\r\n"])
    teller.start()
    assert wire.ask(b"EHLO us", 5).lines == (b"one", b"two")
    assert peer.recv(100) == b"EHLO us\r\n"
    assert wire.in_step
    with pytest.raises(ValueError, match="one line"):
        wire.ask(b"RSET\r\nDATA", 5)


@pytest.mark.parametrize("piece", [b"2", b"x\r\n250-"])
def test_a_peer_that_never_ends_its_reply_holds_nobody_longer_than_the_time(pair: Pair, piece: bytes) -> None:
    wire, peer = pair
    over = threading.Event()

    def drip() -> None:
        peer.sendall(b"250-")
        while not over.wait(0.02):
            peer.sendall(piece)

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        wire.answer(0.3)
    assert time.monotonic() - began < 1
    over.set()
    dripping.join()


def test_a_peer_that_reads_nothing_holds_nobody_longer_than_the_time(pair: Pair) -> None:
    wire, _ = pair
    body = bytes(30_000_000)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        wire.write([body], 60, stall=0.2)
    with pytest.raises(TimeoutError):
        wire.write([body], 0.2, stall=60)
    assert time.monotonic() - began < 2


def test_a_peer_that_reads_a_little_at_a_time_holds_nobody_longer_than_the_time(pair: Pair) -> None:
    wire, peer = pair
    over = threading.Event()

    def sip() -> None:
        while not over.wait(0.01):
            peer.recv(100_000)

    sipping = threading.Thread(target=sip)
    sipping.start()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        wire.write([bytes(100_000_000)], 0.5, stall=0.4)
    assert time.monotonic() - began < 2
    over.set()
    sipping.join()


def test_a_second_reply_behind_the_first_is_not_the_answer_to_what_is_asked_next(pair: Pair) -> None:
    wire, peer = pair
    peer.sendall(b"220 hello\r\n250 ok\r\n")
    assert wire.answer(5).code == 220
    assert not wire.in_step
    with pytest.raises(OutOfStep) as found:
        wire.ask(b"EHLO us", 5)
    assert found.value.said is not None
    assert found.value.said.code == 250
    peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.recv(1)  # and nothing was asked


def test_words_that_came_between_two_commands_are_found_before_the_next(pair: Pair) -> None:
    wire, peer = pair
    peer.sendall(b"421 closing\r\n")
    _arrived(wire)
    with pytest.raises(OutOfStep):
        wire.write([b"body\r\n.\r\n"], 5, stall=5)


def test_a_peer_that_hung_up_between_two_commands_is_found_before_the_next(pair: Pair) -> None:
    wire, peer = pair
    peer.shutdown(socket.SHUT_WR)
    _arrived(wire)
    with pytest.raises(HungUp):
        wire.write([b"body\r\n.\r\n"], 5, stall=5)
    peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.recv(1)


def test_many_parts_arrive_whole_and_in_order_however_slowly_they_are_read(pair: Pair) -> None:
    wire, peer = pair
    parts = [bytes([number % 256]) * (number % 7000) for number in range(3000)]
    got = bytearray()

    def read() -> None:
        while len(got) < sum(map(len, parts)):
            got.extend(peer.recv(50_000))

    reading = threading.Thread(target=read)
    reading.start()
    wire.write(parts, 20, stall=5)
    reading.join(20)
    assert got == b"".join(parts)


def test_words_that_come_while_a_body_goes_out_end_it_before_its_last_byte(pair: Pair) -> None:
    wire, peer = pair

    def interrupt() -> None:
        peer.recv(1000)
        peer.sendall(b"552 too big\r\n")
        while peer.recv(1_000_000):
            pass

    reading = threading.Thread(target=interrupt)
    reading.start()
    with pytest.raises(OutOfStep):
        wire.write([bytes(50_000_000)], 20, stall=5)
    wire.close()
    reading.join(5)


def test_who_waits_is_woken_from_another_thread(pair: Pair) -> None:
    wire, _ = pair
    began = time.monotonic()
    threading.Timer(0.1, wire.shut).start()
    with pytest.raises(HungUp):
        wire.answer(20)
    assert time.monotonic() - began < 5


def test_the_first_address_that_answers_is_taken_and_none_uses_up_the_time_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door, socket.socket() as deaf:
        deaf.bind(("127.0.0.2", door.getsockname()[1]))
        deaf.listen(0)
        fillers = [_begin("127.0.0.2", door.getsockname()[1]) for _ in range(4)]  # its backlog is full: it is silent
        places = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, door.getsockname()[1]))
            for host in ("127.0.0.2", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        began = time.monotonic()
        wire = Wire.dial("relay.example", door.getsockname()[1], 1.0)
        assert 0.3 < time.monotonic() - began < 1
        assert wire.here == "[127.0.0.1]"
        wire.close()
        for filler in fillers:
            filler.close()


def _begin(host: str, port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex((host, port))
    return sock


def _arrived(wire: Wire) -> None:
    """Wait until the kernel has moved what the peer did."""
    assert select.select([wire._sock], [], [], 5)[0]
