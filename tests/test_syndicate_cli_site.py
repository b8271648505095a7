"""`init`, `check`, `db` and `feed`: a site is made, looked at and written out."""

import sqlite3
from pathlib import Path

import pytest
from console import Console, command, new_site


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


def test_init_makes_a_site_that_passes_check_and_refuses_to_make_it_again(tmp_path: Path) -> None:
    folder = tmp_path / "news"
    made = command("init", str(folder), "--name", "Ours", "--from", "Ours <mail@ours.example.com>", "--json").done()
    assert made.json == {"config": str(folder / "config.toml")}
    assert 'name = "Ours"' in (folder / "config.toml").read_text()
    checked = Console(folder / "config.toml")("check").done()
    assert checked.lines[-1] == "config.toml is right"
    assert any("site.url: is still the example's" in line for line in checked.lines)
    assert "holds a site already" in command("init", str(folder)).refused(1)


def test_a_wrong_answer_makes_no_site(tmp_path: Path) -> None:
    assert "site.timezone" in command("init", str(tmp_path / "news"), "--timezone", "Mars/Dust").refused(2)
    assert list(tmp_path.iterdir()) == []


def test_check_names_every_fault_with_line_and_key(site: Console) -> None:
    text = site.config.read_text()
    line = next(number for number, row in enumerate(text.splitlines(), 1) if row.startswith("port = 25"))
    site.config.write_text(text.replace("port = 25\n", "port = 99999\n").replace("\ntagline", "\ntagine"))
    ran = site("check")
    assert (ran.status, ran.out) == (2, "")
    faults = ran.err.splitlines()
    assert f"{site.config}:{line}: mail.smtp.port: must be at most 65535" in faults
    assert len(faults) == 2
    shape = site("check", "--json").json
    assert {fault["key"] for fault in shape["faults"]} == {"mail.smtp.port", "site.tagine"}
    assert "site.tagine" in site("clip", "list").refused(2)


def test_check_names_a_slug_that_vanished_while_it_is_in_use(site: Console) -> None:
    site("clip", "add", "--headline", "One", "--section", "dont-miss").done()
    site("subscriber", "add", "ann@example.org", "--digest", "weekly", "--consent", "at the fair").done()
    text = site.config.read_text().replace('"dont-miss"', '"other"').replace('slug = "weekly"', 'slug = "friday"')
    site.config.write_text(text)
    ran = site("check")
    assert ran.status == 2
    assert [line.split(": ", 1)[1] for line in ran.err.splitlines()] == [
        "sections: the slug 'dont-miss' is gone, but in use (1: clippings stand in it): put it back",
        "digests: the slug 'weekly' is gone, but in use (1: people get it): put it back",
    ]


def test_check_makes_no_database(site: Console) -> None:
    (site.folder / "syndicate.db").unlink()
    site("check").done()
    assert not (site.folder / "syndicate.db").exists()


def test_a_site_that_lacks_a_part_is_refused_in_one_line(site: Console) -> None:
    database = site.folder / "syndicate.db"
    whole = database.read_bytes()
    database.write_bytes(b"no database at all, but long enough to look at" * 100)
    assert "no SQLite database" in site("clip", "list").refused(1)
    database.unlink()
    assert "syndicate db upgrade" in site("clip", "list").refused(1)
    database.write_bytes(whole)
    (site.folder / "secret.key").unlink()
    assert "no secret file" in site("clip", "list").refused(2)


def test_a_database_newer_than_the_program_is_refused(site: Console) -> None:
    with sqlite3.connect(site.folder / "syndicate.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9999'")
    connection.close()
    assert "newer than this program" in site("clip", "list").refused(1)
    assert "newer than this program" in site("db", "upgrade").refused(1)


def test_db_upgrade_is_harmless_to_repeat(site: Console) -> None:
    assert site("db", "upgrade", "--json").done().json == {"before": "current", "now": "current"}
    assert site("db", "upgrade").done().lines == ["the database is as this program wants it"]


def test_feed_build_writes_every_feed_under_its_address(site: Console, tmp_path: Path) -> None:
    site("clip", "add", "--headline", "Fish & <chips>", "--publish").done()
    files = site("feed", "build").done().lines
    assert str(site.folder / "public" / "feeds" / "rss.xml") in files
    assert len(files) == 9
    assert b"Fish &amp;" in (site.folder / "public" / "feeds" / "rss.xml").read_bytes()
    there = site("feed", "build", "--out", str(tmp_path / "out"), "--json").done().json["files"]
    again = site.folder / "public" / "feeds" / "rss.xml"
    assert (tmp_path / "out" / "feeds" / "rss.xml").read_bytes() == again.read_bytes()
    assert len(there) == 9
    (tmp_path / "file").write_text("")
    assert "cannot write the feeds" in site("feed", "build", "--out", str(tmp_path / "file")).refused(1)
