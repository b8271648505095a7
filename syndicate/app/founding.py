"""Makes a new site folder: configuration, secret, DKIM key, templates to edit, database. Everything or nothing."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import tomlkit
from tomlkit.items import Table

from subscribers.ids import new_uid
from syndicate.config import Config, example_path, load, split_sender
from syndicate.database import Database
from syndicate.editions.records import first_seen
from syndicate.errors import SyndicateError
from syndicate.keys import create_secret
from syndicate.mail.sign import make_key
from syndicate.migrations import upgrade
from syndicate.models import Site

CONFIG = "config.toml"
_ABOUT_TEMPLATES = """\
A file here stands in for the packaged file of the same place, e.g. email/digest/body.html.
Copy only what you want to change; what is not here comes from the program and stays up to date.
"""


class NotAnEmptyPlace(SyndicateError):
    """The folder holds a site already, or something else that would be overwritten."""


@dataclass(frozen=True)
class Answers:
    """What is known of the new site; what is None stays as in the example, but for what follows from the rest: the
    domains of the mail from `url` and `mail_from`, and the contact from `mail_from`."""

    name: str | None = None
    url: str | None = None
    mail_from: str | None = None
    timezone: str | None = None
    postal_address: str | None = None
    contact: str | None = None
    smtp_host: str | None = None
    smtp_port: int | None = None
    web_port: int | None = None


def found(folder: Path, answers: Answers, *, clock: Callable[[], datetime], environ: Mapping[str, str]) -> Path:
    """Make the site in `folder` (created if need be) and return the path of its config.toml.

    A config.toml that stands there alone is taken as it is. Raises NotAnEmptyPlace if there is a site already,
    ConfigError if there is no right configuration; in either case nothing is left behind.
    """
    folder = folder.resolve()
    _refuse_occupied(folder, answers, environ)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Made beside the place and moved into it when all is right, so that a failure leaves no half a site.
    with tempfile.TemporaryDirectory(prefix=".syndicate-", dir=folder.parent) as name, ExitStack() as undo:
        draft = Path(name)
        own = folder / CONFIG
        text = own.read_text(encoding="utf-8") if own.exists() else _configuration(answers)
        (draft / CONFIG).write_text(text, encoding="utf-8")
        config = load(draft / CONFIG, environ=environ)
        create_secret(config.site.secret_file)
        undo.callback(config.site.secret_file.unlink, missing_ok=True)
        for key in config.mail.dkim.keys:
            if not key.key_file.exists():
                record = make_key(key.key_file)
                undo.callback(key.key_file.unlink, missing_ok=True)
                _write_dns_note(draft / f"{key.key_file.stem}.dns.txt", key.selector, config.mail.dkim.domain, record)
        (draft / "templates").mkdir()
        (draft / "templates" / "README.txt").write_text(_ABOUT_TEMPLATES, encoding="utf-8")
        _tables(config, clock())
        folder.mkdir(exist_ok=True)
        for path in sorted(draft.iterdir()):
            if not (folder / path.name).exists():
                shutil.move(path, folder / path.name)
        undo.pop_all()
    return folder / CONFIG


def _write_dns_note(path: Path, selector: str, domain: str, record: str) -> None:
    """What to publish so that others can verify the mail; the public half of the key, no secret."""
    # A string in the DNS holds 255 characters; longer text is written as several, side by side.
    strings = " ".join(f'"{record[start : start + 250]}"' for start in range(0, len(record), 250))
    path.write_text(f"{selector}._domainkey.{domain}. TXT ( {strings} )\n", encoding="ascii")


def _refuse_occupied(folder: Path, answers: Answers, environ: Mapping[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotAnEmptyPlace(f"{folder} is a file: name a folder for the new site")
    parts = [folder / name for name in ("secret.key", "syndicate.db")]
    if (folder / CONFIG).exists():
        if answers != Answers():
            raise NotAnEmptyPlace(f"{folder / CONFIG} is there already: edit it, or choose another folder")
        parts.append(load(folder / CONFIG, environ=environ).site.secret_file)
    for part in parts:
        if part.exists():
            raise NotAnEmptyPlace(f"{folder} holds a site already ({part.name} is there): choose another folder")


def _configuration(answers: Answers) -> str:
    """The example with the answers in it, comments and all."""
    document = tomlkit.parse(example_path().read_text(encoding="utf-8"))
    site, mail, web = (_table(document, name) for name in ("site", "mail", "web"))
    smtp, operator = _table(mail, "smtp"), _table(document, "operator")
    contact = answers.contact or _address(answers.mail_from)
    places: tuple[tuple[Table, str, str | int | None], ...] = (
        (site, "name", answers.name),
        (site, "url", answers.url),
        (site, "timezone", answers.timezone),
        (site, "postal_address", answers.postal_address),
        (site, "contact", contact),
        (operator, "address", contact),
        (mail, "from", answers.mail_from),
        (smtp, "host", answers.smtp_host),
        (smtp, "port", answers.smtp_port),
        (web, "port", answers.web_port),
    )
    for table, key, value in places:
        if value is not None:
            table[key] = value
    if answers.url is not None and (host := urlsplit(answers.url).hostname):
        mail["list_domain"] = _domain_of(str(mail["from"])) if _is_ip_address(host) else host
    if answers.mail_from is not None and (domain := _domain_of(answers.mail_from)):
        mail["bounce_domain"] = domain
        _table(mail, "dkim")["domain"] = domain
    return tomlkit.dumps(document)


def _domain_of(sender: str) -> str:
    return sender.rpartition("@")[2].strip("<> ")


def _is_ip_address(host: str) -> bool:
    """A site that is tried out without a name; it takes the sender's domain for its mail, as the configuration does."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _address(sender: str | None) -> str | None:
    # What is no sender is refused where it stands, and is not worth a second complaint.
    try:
        return split_sender(sender)[1] if sender is not None else None
    except ValueError:
        return None


def _table(document: tomlkit.TOMLDocument | Table, key: str) -> Table:
    table = document[key]
    if not isinstance(table, Table):
        raise SyndicateError(f"the example configuration has no table [{key}]: the installation is damaged")
    return table


def lay_tables(database: Database, config: Config, now: datetime) -> bool:
    """Bring the database to this program's shape and, if there is none, write the row of the site. Harmless to repeat.

    Returns whether the site is new to this database. Raises WrongShape if a newer program has upgraded it."""
    upgrade(database)
    with database.write() as session:
        if session.get(Site, 1) is not None:
            return False
        session.add(
            Site(
                id=1,
                uid=new_uid(),
                tag_authority=urlsplit(config.site.url).hostname or "localhost",
                tag_date=now.date(),
                created_at=now,
                revision=1,
            )
        )
        first_seen(session, config.digest_slugs, now=now)
    return True


def _tables(config: Config, now: datetime) -> None:
    database = Database(config.database.url)
    try:
        if not lay_tables(database, config, now):
            raise NotAnEmptyPlace("the database of this configuration holds a site already: name another one")
        database.settle()  # the file is moved: nothing of it may stay in the log beside it
    finally:
        database.close()
