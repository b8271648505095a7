"""The demo's own folder: made anew at each play, and never anybody else's."""

import json
import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

from subscribers import consent
from subscribers.addresses import parse
from syndicate.app.founding import Answers, found
from syndicate.app.parts import App
from syndicate.clippings.store import NewClipping, add, publish
from syndicate.config import Config
from syndicate.datelines import Dateline
from syndicate.errors import SyndicateError
from syndicate.mail.sign import dns_record
from syndicate.sender.errors import AnotherSender
from syndicate.sender.lock import SenderLock

PEOPLE = 200
URL = "https://news.example.org"

_MARKER = "this-is-a-demo.txt"
_MARK = "Made by `syndicate demo`. It is removed and made anew the next time; keep nothing here.\n"


class NotADemo(SyndicateError):
    """The folder holds something that a demo must not remove."""


@dataclass(frozen=True)
class Filed:
    """The sample clippings: ids of those published, the newest last, and of those left as drafts to try with."""

    published: tuple[str, ...]
    drafts: tuple[str, ...]


def make(
    folder: Path, *, smtp_port: int, web_port: int, clock: Callable[[], datetime], environ: Mapping[str, str]
) -> Path:
    """Remove an earlier demo in `folder` and make a new site there. Returns the path of its config.toml.

    Raises NotADemo if the folder holds anything else, or a demo that is running."""
    _clear(folder)
    answers = Answers(url=URL, smtp_host="127.0.0.1", smtp_port=smtp_port, web_port=web_port)
    path = found(folder, answers, clock=clock, environ=environ)
    (folder / _MARKER).write_text(_MARK, encoding="utf-8")
    return path


def _clear(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / _MARKER).is_file():
        raise NotADemo(f"{folder} is not an earlier demo: name another folder with --dir, or remove it yourself")
    database = folder / "syndicate.db"
    if database.exists():
        try:
            SenderLock(database).release()
        except AnotherSender:
            raise NotADemo(f"a demo is running in {folder}: end it first, or name another folder with --dir") from None
    shutil.rmtree(folder)


def fill(app: App, now: datetime) -> Filed:
    """File the sample clippings, published over the last months, and add the sample subscribers."""
    samples = tomllib.loads(files("syndicate.demo").joinpath("samples.toml").read_text(encoding="utf-8"))["clippings"]
    published, drafts = [], []
    # The oldest first: that is the order in which an office would have filed them.
    for sample in sorted(samples, key=lambda one: -int(one["days_ago"])):
        at = now - timedelta(days=sample["days_ago"])
        with app.database.write() as session:
            clipping = add(session, _new(sample), now=at)
            if sample.get("draft"):
                drafts.append(clipping.id)
            else:
                publish(session, clipping.id, now=at)
                published.append(clipping.id)
    with app.database.write() as session:
        for number in range(1, PEOPLE + 1):
            consent.add(
                session,
                parse(f"reader{number:03}@example.net"),
                [app.config.digests[0].slug],
                hash_of=app.keys.address_hash,
                language=app.config.site.language,
                consent="sample subscriber of the demo",
                way="command",
                now=now - timedelta(days=number % 90),
            )
    return Filed(tuple(published), tuple(drafts))


def _new(sample: Mapping[str, str]) -> NewClipping:
    return NewClipping(
        headline=sample["headline"],
        section=sample["section"],
        link=sample.get("link"),
        publication=sample.get("publication"),
        place=sample.get("place"),
        dateline=Dateline.iso(sample["dateline"]),
        byline=sample.get("byline"),
        deck=sample.get("deck"),
        summary=sample.get("summary"),
    )


def write_dkim_names(config: Config, path: Path) -> None:
    """Write what the DNS would answer, so that the mails can be verified without one."""
    dkim = config.mail.dkim
    names = {f"{key.selector}._domainkey.{dkim.domain}": dns_record(key.key_file) for key in dkim.keys}
    path.write_text(json.dumps(names, indent=2) + "\n", encoding="utf-8")
