"""A relay that takes its time over each mail: for commands that are stopped while mails are on the wire."""

import asyncio
import threading

from aiosmtpd.smtp import SMTP, Envelope, Session


class SlowRelay:
    """Listens on 127.0.0.1 until `stop`; answers a mail after `delay` seconds, and keeps who it was for."""

    def __init__(self, delay: float) -> None:
        self.recipients: list[str] = []
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: SMTP(self, hostname="slow", loop=self._loop), "127.0.0.1", 0)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        await asyncio.sleep(self._delay)
        self.recipients += envelope.rcpt_tos
        return "250 kept"

    def stop(self) -> None:
        """Listen no more; mails that are not answered yet never are."""

        async def end() -> None:
            self._server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
