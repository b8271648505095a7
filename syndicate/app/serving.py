"""A site in one process: pages, tick and sender, from start to an orderly end."""

import logging
import socket
import threading
import time
from collections.abc import Callable

import uvicorn

from syndicate.app.parts import App
from syndicate.engine.embedded import EmbeddedSender
from syndicate.errors import SyndicateError
from syndicate.scheduler import Tick
from syndicate.web.connections import PatientProtocol
from syndicate.web.public.application import create
from syndicate.web.public.site import PublicSite

log = logging.getLogger(__name__)


class PortTaken(SyndicateError):
    """Somebody else listens there."""


class Server:
    """The roles of a site that run in this process: `web`, `tick`, `sender`, each as asked for.

    `start` raises PortTaken (one line) before anything runs. `address` is where the pages are."""

    def __init__(
        self,
        app: App,
        *,
        host: str,
        port: int,
        web: bool = True,
        tick: bool = True,
        sender: bool = True,
        mount: Callable[[object], object] | None = None,
    ) -> None:
        self._app = app
        self._engine = EmbeddedSender(app.sender) if sender else None
        self._tick = Tick(self._on_tick) if tick else None
        self._host, self._port = host, port
        self._wants_web = web
        self._mount = mount
        self._web: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.address = ""

    def start(self) -> None:
        """Start every role; returns once the pages answer."""
        if self._engine:
            self._app.mail_maker()  # a missing key is said now, not at the first mail
        if self._wants_web:
            self._start_web()
        if self._engine:
            self._engine.start()
        if self._tick:
            self._tick.start()

    def stop(self) -> None:
        """No new work; what is on the wire is settled; the pages answer until the sender is done."""
        if self._tick:
            self._tick.stop()
        if self._engine:
            self._engine.stop()
        if self._web and self._thread:
            self._web.should_exit = True
            self._thread.join()

    def wake(self) -> None:
        """Something new is to be sent."""
        if self._engine:
            self._engine.wake()

    def _sender_fault(self) -> str | None:
        if self._engine is None:
            return None
        health = self._engine.health()
        return None if health.running else health.error

    def _on_tick(self) -> None:
        try:
            self._app.tick()
        finally:
            self.wake()  # what failed has not kept back what could be started

    def _start_web(self) -> None:
        app = self._app
        listener = _listen(self._host, self._port)
        host, port = listener.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        site = PublicSite(
            config=app.config,
            keys=app.keys,
            database=app.database,
            signup=app.signup,
            stops=app.stops,
            documents=app.documents,
            clock=app.clock,
            wake=self.wake,
            sender_fault=self._sender_fault,
        )
        pages: object = create(site)
        settings = uvicorn.Config(
            self._mount(pages) if self._mount else pages,  # type: ignore[arg-type]
            http=PatientProtocol,
            ws="none",
            backlog=128,  # asyncio logs as many lines a second when there are no open files left
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
        self._web = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._web.run, args=([listener],), name="web", daemon=True)
        self._thread.start()
        while not self._web.started:
            if not self._thread.is_alive():
                raise SyndicateError("the web server did not start: see the log")
            time.sleep(0.01)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything else starts."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen()  # two that start at the same moment may both bind
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise PortTaken(
            f"cannot listen on {host} port {port} ({error.strerror}): choose another with --port, or end what is there"
        ) from None
    return listener
