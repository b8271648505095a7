"""`syndicate db …`: a backup that says what is in it, a restore that says what to do next, a check."""

from pathlib import Path

import pytest
from console import Console, new_site

from syndicate.catcher import Catcher


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


def test_a_backup_says_what_is_in_it_and_what_is_not(site: Console, tmp_path: Path) -> None:
    file = tmp_path / "site.backup"
    first, inside, missing = site("db", "backup", str(file)).done().lines
    assert first == str(file)
    assert inside == "in it: the database (0 subscribers, 0 clippings, 0 editions)"
    assert missing == (
        f"not in it: the secret (keep a copy of {site.folder / 'secret.key'}), "
        f"the DKIM key s1 (of {site.folder / 'dkim-s1.pem'}), config.toml and templates/, "
        "the stop list (it stays where it is, and a restore heeds it)"
    )
    assert "is there already" in site("db", "backup", str(file)).refused(1)
    whole = site("db", "backup", str(file), "--with-secret", "--force").done().lines
    assert whole[1].endswith(", the secret, the DKIM key s1: keep the file as you keep the secret")
    rest = "not in it: config.toml and templates/, the stop list (it stays where it is, and a restore heeds it)"
    assert whole[2] == rest
    shape = site("db", "backup", str(file), "--force", "--json").done().json
    assert (shape["file"], shape["secret"], shape["stop_list"], shape["database"]) == (
        str(file),
        False,
        False,
        "sqlite",
    )
    assert "there is no folder" in site("db", "backup", str(tmp_path / "nowhere" / "x")).refused(1)
    assert "is a folder" in site("db", "backup", str(tmp_path)).refused(1)


def test_after_a_restore_nothing_goes_until_a_person_says_so(site: Console, catcher: Catcher, tmp_path: Path) -> None:
    file = tmp_path / "site.backup"
    site("subscriber", "add", "alice@example.net", "--digest", "weekly", "--consent", "at the fair").done()
    site("clip", "add", "--headline", "One", "--publish").done()
    site("edition", "draft", "weekly").done()
    site("db", "backup", str(file)).done()
    site("edition", "send", "1").done()
    assert len(catcher.caught()) == 1
    said = site("db", "restore", str(file)).done().lines
    assert said[0].startswith("restored: the database of 20")
    assert said[1].startswith(f"kept: {site.folder / 'syndicate.db'}.before-")
    assert "syndicate outbox release" in said[-1]
    assert site("outbox", "status", "--json").done().json["held"] is True
    assert "restored from the backup" in site("edition", "send", "1").refused(1)
    assert len(catcher.caught()) == 1
    site("edition", "cancel", "1").done()


def test_a_file_that_is_not_there_or_no_backup_is_one_line(site: Console, tmp_path: Path) -> None:
    assert "No such file" in site("db", "restore", str(tmp_path / "nothing")).refused(1)
    assert "is no backup made by" in site("db", "restore", str(site.config)).refused(1)


def test_a_check_looks_at_everything_and_fails_if_something_is_wrong(site: Console) -> None:
    assert site("db", "check").done().lines == [
        "file\tok\t",
        "tables\tok\t",
        "accounts\tok\t",
        "senders\tok\t",
        "held\tok\tno",
    ]
    (site.folder / "syndicate.db").write_bytes(b"no database" * 500)
    ended = site("db", "check", "--json")
    assert ended.status == 1
    assert [one["ok"] for one in ended.json] == [False]
    assert ended.err == "syndicate: file: file is not a database: restore a backup\n"
