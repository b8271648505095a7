"""A new site folder is whole, or it is not there."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from syndicate.app.founding import Answers, NotAnEmptyPlace, found, lay_tables
from syndicate.app.parts import open_site
from syndicate.config import ConfigError, example_path, load, warnings
from syndicate.database import Database
from syndicate.mail.sign import dns_record
from syndicate.migrations import WrongShape
from syndicate.models import Site


def clock() -> datetime:
    return datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_new_site_passes_check_with_warnings_and_can_be_opened(tmp_path: Path) -> None:
    config = found(tmp_path / "site", Answers(), clock=clock, environ={})
    with open_site(config, environ={}, clock=clock) as app:
        assert warnings(app.config)
        assert app.mail_maker().signing
    assert config.read_text() == example_path().read_text()


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    found(tmp_path / "site", Answers(), clock=clock, environ={})
    for name in ("secret.key", "dkim-s1.pem"):
        assert stat.S_IMODE((tmp_path / "site" / name).stat().st_mode) == 0o600


def test_what_belongs_into_the_dns_lies_beside_the_key(tmp_path: Path) -> None:
    found(tmp_path, Answers(), clock=clock, environ={})
    name, kind, *strings = (tmp_path / "dkim-s1.dns.txt").read_text().replace("(", "").replace(")", "").split('"')
    assert (name.split(), kind[:10]) == (["s1._domainkey.example.org.", "TXT"], "v=DKIM1; k")
    record = kind + "".join(text for text in strings if text.strip())
    assert record == dns_record(tmp_path / "dkim-s1.pem")
    assert all(len(text) <= 255 for text in (kind, *strings))


def test_answers_stand_in_the_configuration(tmp_path: Path) -> None:
    answers = Answers(name="Ours", url="https://ours.example.com", mail_from="Ours <mail@example.com>", smtp_port=2525)
    with open_site(found(tmp_path / "site", answers, clock=clock, environ={}), environ={}) as app:
        mail = app.config.mail
        assert (app.config.site.name, mail.from_address, mail.smtp.port) == ("Ours", "mail@example.com", 2525)
        assert (mail.list_domain, mail.bounce_domain, mail.dkim.domain) == (
            "ours.example.com",
            "example.com",
            "example.com",
        )


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://[::1]:8000"])
def test_a_site_that_is_tried_out_without_a_name_takes_the_senders_domain(tmp_path: Path, url: str) -> None:
    for answers, expected in (
        (Answers(url=url), "example.org"),
        (Answers(url=url, mail_from="Ours <mail@ours.example.com>"), "ours.example.com"),
    ):
        config = load(found(tmp_path / expected, answers, clock=clock, environ={}), environ={})
        assert (config.site.url, config.mail.list_domain) == (url, expected)


def test_who_sends_is_whom_one_writes_to_unless_somebody_else_is_named(tmp_path: Path) -> None:
    for contact, expected in ((None, "mail@example.com"), ("desk@example.com", "desk@example.com")):
        answers = Answers(mail_from="Ours <mail@example.com>", contact=contact)
        config = load(found(tmp_path / expected, answers, clock=clock, environ={}), environ={})
        assert (config.site.contact, config.operator.address) == (expected, expected)


def test_a_folder_with_a_site_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    found(tmp_path, Answers(), clock=clock, environ={})
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(NotAnEmptyPlace, match="holds a site already"):
        found(tmp_path, Answers(), clock=clock, environ={})
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_configuration_that_stands_alone_is_taken_as_it_is(tmp_path: Path) -> None:
    mine = example_path().read_text().replace('name = "Coalition News"', 'name = "Mine"')
    (tmp_path / "config.toml").write_text(mine)
    with open_site(found(tmp_path, Answers(), clock=clock, environ={}), environ={}) as app:
        assert app.config.site.name == "Mine"
    assert (tmp_path / "config.toml").read_text() == mine


@pytest.mark.parametrize("answers", [Answers(url="not an address"), Answers(mail_from="nobody"), Answers(timezone="X")])
def test_answers_that_make_no_right_configuration_leave_nothing_behind(tmp_path: Path, answers: Answers) -> None:
    with pytest.raises(ConfigError):
        found(tmp_path / "site", answers, clock=clock, environ={})
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(NotAnEmptyPlace, match="is a file"):
        found(tmp_path / "site", Answers(), clock=clock, environ={})


def test_tables_laid_in_an_empty_database_make_a_site_that_opens(tmp_path: Path, postgres_server: str) -> None:
    config = found(tmp_path, Answers(), clock=clock, environ={})
    name = f"founding_{tmp_path.name.replace('-', '_')}"[:40]
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    environ = {"SYNDICATE_DATABASE__URL": url}
    with pytest.raises(WrongShape, match="db upgrade"):
        open_site(config, environ=environ, clock=clock)
    database = Database(url)
    settings = load(config, environ=environ)
    assert lay_tables(database, settings, clock())
    assert not lay_tables(database, settings, clock())
    database.close()
    with open_site(config, environ=environ, clock=clock) as app, app.database.read() as session:
        assert session.get_one(Site, 1).tag_authority == "news.example.org"
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()
