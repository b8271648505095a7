"""One measured run in a process of its own: hands N mails to the relay on a port, then says what it cost.

    python bench/path_runs.py KIND FOLDER --port P --connections C --recipients N

KIND is `whole` (the product's own sender), without a ledger `sendmail` (smtplib as everybody calls it), `bare` (its
commands one by one, dots doubled beforehand) and `ready` (the product's own connections), or `script` (what a user
would write). Prints one line of JSON.
"""

import argparse
import ctypes
import itertools
import json
import resource
import smtplib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import jinja2
import premailer
from path_site import EDITION_UID, composition, page

from syndicate.app.parts import App, open_site
from syndicate.mail.lines import stuffed
from syndicate.mail.personal import EditionRef, MailSite, Outgoing, Person, delivery_mail
from syndicate.mail.smtp import Connection, Relay
from syndicate.mail.words import FILTERS
from syndicate.models import Edition
from syndicate.outbox import guard
from syndicate.template_folder import templates_root

_DISTINCT = 1_000
_MAILS_A_CONNECTION = 100


class Cost:
    """CPU seconds and syncs from its making on."""

    def __init__(self) -> None:
        self._syncs = _syncs()
        self._cpu = _cpu()

    def line(self, **more: object) -> str:
        syncs = _syncs() - self._syncs
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return json.dumps({"cpu": _cpu() - self._cpu, "syncs": syncs, "peak_mib": peak, **more})


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _syncs() -> int:
    """How often this process has synced a file, by the preloaded library; -1 without it."""
    with suppress(AttributeError):
        return int(ctypes.CDLL(None).sync_count())
    return -1


def whole(app: App) -> str:
    """The product: ledger, slots, personalisation, its own threads."""
    with app.database.read() as session:
        edition_id = session.query(Edition.id).filter(Edition.state == "sending").scalar()

    def sent() -> bool:
        with app.database.read() as session:
            return session.get_one(Edition, edition_id).state != "sending"

    sender = app.sender()
    cost = Cost()
    sender.open()
    try:
        while not sent():
            sender.slice(sent)
    finally:
        sender.close()
    with app.database.read() as session:
        return cost.line(state=session.get_one(Edition, edition_id).state, commits=guard.total(session))


def ready(app: App, size: int, recipients: int, connections: int) -> str:
    """The yardstick: as many threads, the same connections and the same bytes, made beforehand; nothing is kept."""
    mails = _ready_mails(app, size)
    relay, numbers = app.relay(), itertools.count()
    cost = Cost()

    def carry() -> None:
        connection: Connection | None = None
        while (number := next(numbers)) < recipients:
            if connection is None or connection.sent >= _MAILS_A_CONNECTION:
                connection = _fresh(relay, connection)
            mail = mails[number % len(mails)]
            reply = connection.deliver(mail.envelope_from, mail.to, *mail.parts, clean=mail.clean)
            assert reply.accepted, reply
        if connection:
            connection.close()

    _in_threads(carry, connections)
    return cost.line()


def smtplib_only(app: App, size: int, recipients: int, connections: int, *, bare: bool) -> str:
    """The yardstick: the standard library's client in as many threads, the same bytes, nothing kept.

    As everybody calls it (`sendmail`), or `bare`: its four commands, with the dots doubled beforehand."""
    mails = [(mail.envelope_from, mail.to, mail.data) for mail in _ready_mails(app, size)]
    if bare:
        mails = [(sender, to, stuffed(data)) for sender, to, data in mails]
    smtp, numbers = app.config.mail.smtp, itertools.count()
    cost = Cost()

    def carry() -> None:
        client, sent = smtplib.SMTP(smtp.host, smtp.port), 0
        while (number := next(numbers)) < recipients:
            if sent == _MAILS_A_CONNECTION:
                client.quit()
                client, sent = smtplib.SMTP(smtp.host, smtp.port), 0
            mail = mails[number % len(mails)]
            if bare:
                _commands(client, *mail)
            else:
                client.sendmail(*mail)
            sent += 1
        client.quit()

    _in_threads(carry, connections)
    return cost.line()


def _commands(client: smtplib.SMTP, envelope_from: str, to: str, data: bytes) -> None:
    client.ehlo_or_helo_if_needed()
    answers = [client.mail(envelope_from), client.rcpt(to), client.docmd("DATA")]
    client.send(data)
    answers.append(client.getreply())
    assert [code for code, _ in answers] == [250, 250, 354, 250], answers


def _fresh(relay: Relay, old: Connection | None) -> Connection:
    if old:
        old.close()
    return relay.connect()


def _ready_mails(app: App, size: int) -> list[Outgoing]:
    now = datetime.now(UTC)
    made, _ = composition(app.config, now, size)
    signing = app.mail_maker().signing
    return [
        delivery_mail(
            made,
            person=Person(f"uid{number:013}", f"reader{number}@example{number % 50}.net", now),
            edition=EditionRef(1, EDITION_UID, "weekly", now),
            site=MailSite.of(app.config),
            subscriber_id=number + 1,
            keys=app.keys,
            signing=signing,
        )
        for number in range(_DISTINCT)
    ]


def script(app: App, size: int, recipients: int) -> str:
    """Jinja2, premailer, EmailMessage and smtplib for each recipient, one after another."""
    shown = page(app.config, composition(app.config, datetime.now(UTC), size)[1].total)
    values = {field: getattr(shown, field) for field in shown.__dataclass_fields__}
    loader = jinja2.FileSystemLoader(templates_root() / "email")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(FILTERS)
    html, text = environment.get_template("digest/body.html"), environment.get_template("digest/body.txt")
    cost = Cost()
    client = smtplib.SMTP(app.config.mail.smtp.host, app.config.mail.smtp.port)
    for number in range(recipients):
        slots = {name: f"https://valley.test/{name}/{number}" for name in ("unsubscribe", "preferences")}
        personal = values | {"subject": "Weekly", "slots": slots | {"since": "24 November 2026"}}
        message = EmailMessage()
        message["From"] = app.config.mail.sender
        message["To"] = f"reader{number}@example{number % 50}.net"
        message["Subject"] = "Weekly"
        message.set_content(text.render(personal))
        message.add_alternative(premailer.transform(html.render(personal)), subtype="html")
        client.send_message(message)
    client.quit()
    return cost.line()


def _in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["whole", "ready", "sendmail", "bare", "script"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--recipients", type=int, required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("--signed", action="store_true")
    words = parser.parse_args()
    environ = {
        "SYNDICATE_MAIL__SMTP__PORT": str(words.port),
        "SYNDICATE_MAIL__SMTP__CONNECTIONS": str(words.connections),
        "SYNDICATE_MAIL__DKIM__SIGN": str(words.signed).lower(),
    }
    if words.database:
        environ["SYNDICATE_DATABASE__URL"] = words.database
    start = time.monotonic()
    with open_site(words.folder / "config.toml", environ=environ) as app:
        if words.kind == "whole":
            print(whole(app))
        elif words.kind == "ready":
            print(ready(app, words.size, words.recipients, words.connections))
        elif words.kind in ("sendmail", "bare"):
            print(smtplib_only(app, words.size, words.recipients, words.connections, bare=words.kind == "bare"))
        else:
            print(script(app, words.size, words.recipients))
    assert time.monotonic() > start


if __name__ == "__main__":
    _main()
