"""The log of the commands that run for long: on stderr, one line an event, with its time."""

import logging
import sys
from datetime import UTC, datetime


class OneLine(logging.Formatter):
    """`2026-11-24T12:00:00Z warning syndicate.sender.process: …`; a traceback is folded into the same line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        text = record.getMessage()
        if record.exc_info:
            text = f"{text} | {self.formatException(record.exc_info)}"
        folded = " | ".join(line.strip() for line in text.splitlines() if line.strip())
        return f"{moment:%Y-%m-%dT%H:%M:%SZ} {record.levelname.lower()} {record.name}: {folded}"


def start_log() -> None:
    """From now on this process logs to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # Both tell each minute, and at each request, that all is as ever.
    for chatty in ("apscheduler", "uvicorn", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def no_log() -> None:
    """Commands that answer and leave say what they have to say themselves."""
    logging.getLogger().addHandler(logging.NullHandler())
