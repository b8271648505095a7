"""The built-in mail catcher: an SMTP server on this machine that keeps every mail as a file and delivers none."""

import asyncio
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from syndicate.errors import SyndicateError

ENVELOPES = "envelopes.jsonl"


class CatcherFault(SyndicateError):
    """The catcher could not start."""


@dataclass(frozen=True)
class Caught:
    """One mail that arrived: the file with its bytes as received, and its envelope."""

    path: Path
    sender: str
    recipient: str


class Catcher:
    """Listens on 127.0.0.1 (`port` 0: any free one) and keeps mails in `folder` as 0001.eml, 0002.eml, …

    A mail is on the disk before it is answered with 250. Envelopes stand in `envelopes.jsonl` beside the mails, as
    nothing may be added to the bytes."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed: OSError | None = None

    def start(self) -> None:
        """Listen; `port` is known afterwards. Raises CatcherFault if the port is taken."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="catcher", daemon=True)
        self._thread.start()
        ready.wait()
        if self._failed:
            raise CatcherFault(f"the mail catcher cannot listen on port {self.port}: {self._failed.strerror}")

    def stop(self) -> None:
        """Listen no more."""
        if self._loop and self._thread:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def caught(self) -> list[Caught]:
        """Every mail kept so far, in the order of arrival."""
        return caught(self.folder)

    def _run(self, ready: threading.Event) -> None:
        loop = self._loop = asyncio.new_event_loop()
        keeper = _Keeper(self.folder)
        try:
            server = loop.run_until_complete(
                loop.create_server(
                    lambda: SMTP(keeper, hostname="catcher", loop=loop, data_size_limit=2**26), "127.0.0.1", self.port
                )
            )
        except OSError as error:
            self._failed = error
            loop.close()
            ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        try:
            loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0.01))
            loop.close()


class _Keeper:
    """Writes each mail. The folder is made with the first one: who starts a catcher may still be making the place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = 0

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._last = (self._last or len(list(self._folder.glob("*.eml")))) + 1
        name = f"{self._last:04}.eml"
        data = envelope.content
        _keep(self._folder / name, data if isinstance(data, bytes) else str(data).encode())
        rows = "".join(
            json.dumps({"file": name, "from": envelope.mail_from, "to": to}) + "\n" for to in envelope.rcpt_tos
        )
        with (self._folder / ENVELOPES).open("a", encoding="utf-8") as file:
            file.write(rows)
        return "250 kept"


def _keep(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def caught(folder: Path) -> list[Caught]:
    """The mails that a catcher has kept in this folder, in the order of arrival."""
    list_of = folder / ENVELOPES
    if not list_of.exists():
        return []
    rows = [json.loads(line) for line in list_of.read_text(encoding="utf-8").splitlines()]
    return [Caught(folder / row["file"], row["from"], row["to"]) for row in rows]
