"""The demo from beginning to end."""

import json
import logging
import os
import shutil
import sys
import time
from pathlib import Path

from subscribers.ids import new_uid
from syndicate.app.parts import App, open_site, utc_now
from syndicate.app.serving import Server
from syndicate.app.stopping import rest, stoppable
from syndicate.catcher import Catcher
from syndicate.demo import folder as demo_folder
from syndicate.demo.accounts import disagreements
from syndicate.demo.visitor import DemoFailed, Visitor
from syndicate.editions.report import Report, report
from syndicate.publishing.static import build
from syndicate.web.mailbox import with_mailbox

_SEND_SECONDS = 120.0


def run_demo(directory: Path, *, once: bool, port: int | None) -> int:
    """Make the site in `directory` and play it: publish, have somebody subscribe and confirm, send one edition over
    SMTP, compare the accounts with the mailbox. With `once` end there, else go on serving until told to stop.

    Returns the exit status: 0 only if all of it is right. Raises SyndicateError with one line."""
    folder = directory.resolve()
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's own
    # The catcher must be up before its port can be written into the new site's configuration, its folder after.
    catcher = Catcher(folder / "mail")
    catcher.start()
    try:
        web_port = port if port is not None else (0 if once else 8000)
        # Settings in the environment are for real sites: a demo must be the same everywhere.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SYNDICATE_")}
        config = demo_folder.make(
            folder, smtp_port=catcher.port, web_port=web_port or 8000, clock=utc_now, environ=environ
        )
        with open_site(config, environ=environ) as app:
            return _play(app, catcher, folder, once=once, port=web_port)
    finally:
        catcher.stop()


def _play(app: App, catcher: Catcher, folder: Path, *, once: bool, port: int) -> int:
    server = Server(
        app,
        host="127.0.0.1",
        port=port,
        tick=not once,
        mount=lambda pages: with_mailbox(pages, catcher.folder, app.config.site.url),
    )
    server.start()
    try:
        problems = _week(app, catcher, server, folder)
        for problem in problems:
            sys.stderr.write(f"wrong: {problem}\n")
        if once or problems:
            return 1 if problems else 0
        with stoppable() as stop:
            _say(_welcome(server.address, folder))
            rest(stop)
        return 0
    finally:
        server.stop()
        app.database.settle()


def _week(app: App, catcher: Catcher, server: Server, folder: Path) -> list[str]:
    """What an office does in a week, in a few seconds. Returns what was not right."""
    filed = demo_folder.fill(app, app.clock())
    _say(f"filed {len(filed.published)} clippings and added {demo_folder.PEOPLE} subscribers")
    demo_folder.write_dkim_names(app.config, folder / "dkim.json")
    files = build(app.database, app.config, folder / "public")
    _say(f"wrote {len(files)} feeds to {folder / 'public' / 'feeds'}")
    digest = app.config.digests[0].slug
    visitor = Visitor(server.address, app.config.site.url, catcher)
    visitor.subscribe(digest)
    visitor.confirm()
    _say("somebody subscribed on the site and confirmed by mail")
    edition_id = app.editions.send_now(app.database, digest, new_uid(), app.clock())
    server.wake()
    sent = _wait_until_sent(app, edition_id)
    (folder / "report.json").write_text(json.dumps(sent.as_json(), indent=2) + "\n", encoding="utf-8")
    _say(f"sent edition {edition_id}: {len(sent.items)} clippings to {sent.counts.accepted} people")
    return disagreements(app, sent, catcher.caught())


def _wait_until_sent(app: App, edition_id: int) -> Report:
    end = time.monotonic() + _SEND_SECONDS
    while time.monotonic() < end:
        with app.database.read() as session:
            now = report(session, edition_id)
        if now.state not in ("sending", "approved"):
            return now
        time.sleep(0.05)
    raise DemoFailed(f"the edition was not sent within {_SEND_SECONDS:.0f} s")


def _welcome(address: str, folder: Path) -> str:
    config = folder / "config.toml"
    program = "syndicate" if shutil.which("syndicate") else str(Path(sys.executable).with_name("syndicate"))
    return f"""
The demo runs. End it with Ctrl-C; the next one starts anew.

  the site      {address}
  the mailbox   {address}mailbox   every mail that was sent; its links open here
  the feeds     {address}feeds/
  the folder    {folder}

Try, in another terminal:
  {program} --config {config} clip add --headline "A headline" --section latest --publish
  {program} --config {config} edition send --now weekly
"""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
