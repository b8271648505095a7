"""A receiving SMTP server for tests, its own process: it writes what it got to a file and syncs it before it answers.

    python tests/sink.py RECORD.jsonl [--delay SECONDS] [--seed N]

Prints its port, then serves on 127.0.0.1 until its standard input ends.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any


class Sink:
    """Answers like a plain relay; waits up to `delay` seconds before and after it records a message."""

    def __init__(self, record: Path, delay: float, seed: int) -> None:
        self._file = record.open("a", encoding="utf-8")
        self._delay = delay
        self._chance = random.Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = ""
        writer.write(b"220 sink ready\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250 8BITMIME\r\n")
            elif verb == b"RCPT":
                to = line.decode().split("<")[1].split(">")[0]
                writer.write(b"250 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await writer.drain()
                data = await reader.readuntil(b"\r\n.\r\n")
                await self._pause()
                self._keep(to, data)
                await self._pause()
                writer.write(b"250 kept\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()

    async def _pause(self) -> None:
        if self._delay:
            await asyncio.sleep(self._chance.uniform(0, self._delay))

    def _keep(self, to: str, data: bytes) -> None:
        found = re.search(rb"^Message-ID:\s*<([^>]+)>", data, re.MULTILINE | re.IGNORECASE)
        name = found.group(1).decode() if found else None
        row = {"to": to, "message_id": name, "size": len(data), "at": time.monotonic()}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class SinkProcess:
    """Starts this file as a process of its own, for the time of a `with` block."""

    def __init__(self, record: Path, *, delay: float = 0.0, seed: int = 1) -> None:
        self.record = record
        self._seen = self._count = 0
        words = [sys.executable, __file__, str(record), "--delay", str(delay), "--seed", str(seed)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> "SinkProcess":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def count(self) -> int:
        """How many mails it has recorded; cheap to ask again and again."""
        if self.record.exists():
            with self.record.open("rb") as file:
                file.seek(self._seen)
                data = file.read()
            self._seen += len(data)
            self._count += data.count(b"\n")
        return self._count

    def received(self) -> list[dict[str, Any]]:
        """What it has recorded, in order: `to`, `message_id`, `size` and `at`, the monotonic second at which it had the
        whole mail. A line that it is writing at this moment is not there yet."""
        if not self.record.exists():
            return []
        *whole, _ = self.record.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in whole]


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("record", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    sink = Sink(words.record, words.delay, words.seed)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, limit=2**24)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_main())
