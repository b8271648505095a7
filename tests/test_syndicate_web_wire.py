"""The public site behind a real socket: what only a raw connection can do to it."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from public_site import LiveSite, live_site
from starlette.responses import PlainTextResponse, Response

from syndicate.database import Database
from syndicate.web import connections
from syndicate.web.connections import PatientProtocol
from syndicate.web.public import forms

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


@dataclass(frozen=True)
class Wire:
    """A site and the port on which it answers."""

    site: LiveSite
    port: int

    def send(self, text: str, *, then_close: bool = False) -> bytes:
        """Send these bytes on a connection of their own; the whole answer, or nothing if we hang up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            line.sendall(text.encode())
            if then_close:
                return b""
            answer = b""
            while piece := line.recv(65_536):
                answer += piece
        return answer


@pytest.fixture
def wire(sqlite_database: Database, tmp_path: Path) -> Iterator[Wire]:
    site = live_site(sqlite_database, tmp_path)
    listener = socket.create_server(("127.0.0.1", 0))
    settings = uvicorn.Config(site.app, http=PatientProtocol, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield Wire(site, listener.getsockname()[1])
    server.should_exit = True
    thread.join()


def request(method: str, target: str, more: str = "", body: str = "") -> str:
    return f"{method} {target} HTTP/1.1\r\nHost: any.host\r\nConnection: close\r\n{more}\r\n{body}"


@pytest.mark.parametrize("target", ["http://evil.test/about", "HTTPS://evil.test/about", "http:///about?x=1"])
def test_a_target_that_names_a_host_is_answered_as_the_page_it_names(wire: Wire, target: str) -> None:
    # What changes from one answer to the next is the date alone.
    def page(text: bytes) -> bytes:
        return text.split(b"\r\n\r\n", 1)[1]

    answer = wire.send(request("GET", target))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert page(answer) == page(wire.send(request("GET", "/about")))


def test_a_target_that_is_a_host_alone_is_the_home_page(wire: Wire) -> None:
    assert wire.send(request("GET", "http://any.host")).startswith(b"HTTP/1.1 200 ")
    refused = wire.send(request("GET", "http://any.host/%00"))
    assert refused.startswith(b"HTTP/1.1 400 ")


def test_a_visitor_who_hangs_up_in_a_form_changes_nothing_and_is_no_fault_of_ours(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    site = wire.site
    uid = site.subscriber("ann@example.org")
    with site.database.write() as session:
        site.signup.ask(session, "ben@example.org", ["weekly"], way="form", words="Yes.", now=site.clock())
    confirm = site.confirm_path(site.letters()[0])
    before = site.fingerprint()
    for path in ("/subscribe", confirm, site.unsubscribe_path(uid), site.preferences_path(uid)):
        wire.send(request("POST", path, f"{FORM}Content-Length: 500\r\n", "List-Unsub"), then_close=True)
        wire.send(request("POST", path, f"{FORM}Transfer-Encoding: chunked\r\n", "5\r\nab"), then_close=True)
    assert wire.send(request("GET", "/healthz")).startswith(b"HTTP/1.1 200 ")
    time.sleep(0.1)
    assert site.fingerprint() == before
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_form_that_never_comes_whole_is_not_waited_for(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "PATIENCE_SECONDS", 0.2)
    before = wire.site.fingerprint()
    answer = wire.send(request("POST", "/subscribe", f"{FORM}Content-Length: 500\r\n", "email=a"))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"That took too long" in answer
    assert wire.site.fingerprint() == before


def test_a_confirmation_with_a_body_beyond_measure_confirms_nothing(wire: Wire) -> None:
    site = wire.site
    with site.database.write() as session:
        site.signup.ask(session, "ben@example.org", ["weekly"], way="form", words="Yes.", now=site.clock())
    path = site.confirm_path(site.letters()[0])
    before = site.fingerprint()
    chunks = "4000\r\n" + "a" * 0x4000 + "\r\n"
    answer = wire.send(request("POST", path, f"{FORM}Transfer-Encoding: chunked\r\n", chunks * 5))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert site.fingerprint() == before


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_far_too_much_before_listening_is_told_so(wire: Wire, chunked: bool) -> None:
    """As curl and Python's own client do it: the whole body first, then the answer is read."""
    piece = "a" * 65_536
    if chunked:
        head, body = f"{FORM}Transfer-Encoding: chunked\r\n", f"10000\r\n{piece}\r\n" * 100 + "0\r\n\r\n"
    else:
        head, body = f"{FORM}Content-Length: {100 * len(piece)}\r\n", piece * 100
    assert wire.send(request("POST", "/subscribe", head, body)).startswith(b"HTTP/1.1 413 ")


def test_who_announces_far_too_much_and_waits_is_told_at_once(wire: Wire) -> None:
    head = f"{FORM}Content-Length: 9000000\r\nExpect: 100-continue\r\n"
    began = time.monotonic()
    assert wire.send(request("POST", "/subscribe", head)).startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize("first", ["", request("GET", "/healthz").replace("Connection: close\r\n", "")])
@pytest.mark.parametrize("start", ["", "GET / HTTP/1.1\r\nHost: any"])
def test_a_request_whose_head_never_comes_whole_is_not_waited_for(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, first: str, start: str
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", wire.port), timeout=3) as line:
        if first and start:
            line.sendall(first.encode())
            answer = b""
            while not answer.endswith(b"ok\n"):
                piece = line.recv(1000)
                assert piece
                answer += piece
        line.sendall(start.encode())
        assert line.recv(1000) == b""


def test_a_slow_answer_is_no_slow_request(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)

    def slow() -> Response:
        time.sleep(0.4)
        return PlainTextResponse("at last")

    wire.site.app.add_api_route("/slow", slow, response_model=None)
    assert wire.send(request("GET", "/slow")).endswith(b"at last")


def test_connections_beyond_measure_are_closed_and_the_others_go_on(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 3)
    held = [socket.create_connection(("127.0.0.1", wire.port), timeout=5) for _ in range(3)]
    time.sleep(0.1)
    try:
        # Closed, or reset, as the system likes.
        one_more = socket.create_connection(("127.0.0.1", wire.port), timeout=5)
        with one_more, contextlib.suppress(ConnectionResetError):
            assert one_more.recv(1) == b""
        held[0].sendall(request("GET", "/healthz").encode())
        assert held[0].recv(100).startswith(b"HTTP/1.1 200 ")
    finally:
        for line in held:
            line.close()
