"""`syndicate subscriber import` and `export`: what they ask for, what they say, and what they leave behind."""

import json
from pathlib import Path

import pytest
from console import Console, new_site


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "list.csv"
    path.write_bytes(b"Name,Email\nAnn,ann@example.org\nZo\xe9,zoe@example.org\nBob,no address\n")
    return str(path)


def test_a_list_is_rehearsed_and_then_taken_over(site: Console, file: str, tmp_path: Path) -> None:
    words = ("subscriber", "import", file, "--digest", "weekly", "--consent", "the list of 2020")
    rehearsed = site(*words, "--dry-run").done()
    assert rehearsed.lines[:2] == ["2\tann@example.org\tadded\t", "3\tzoe@example.org\tadded\t"]
    assert "would be: 2 added, 1 invalid" in rehearsed.err
    assert "1 lines are no UTF-8 and were read as windows-1252, the first: line 3" in rehearsed.err
    assert site("subscriber", "list").done().out == ""
    *rows, totals = [json.loads(line) for line in site(*words, "--dry-run", "--json").done().lines]
    assert [set(row) for row in rows] == [{"row", "address", "outcome", "detail"}] * 3
    assert (totals["dry_run"], totals["added"], totals["invalid"], totals["rows"]) == (True, 2, 1, 3)
    report = tmp_path / "report.jsonl"
    done = site(*words, "--report", str(report), "--json").done()
    assert (done.json["added"], done.json["dry_run"]) == (2, False)
    assert [json.loads(line) for line in report.read_text().splitlines()] == rows
    assert report.stat().st_mode & 0o777 == 0o600
    assert {one["digests"][0] for one in site("subscriber", "list", "--json").done().json} == {"weekly"}


def test_what_is_asked_wrongly_is_one_line(site: Console, file: str) -> None:
    words = ("subscriber", "import", file, "--digest", "weekly")
    assert "--consent" in site(*words).refused(2)
    assert "cannot be empty" in site(*words, "--consent", " ").refused(2)
    assert "no format 'x'" in site(*words, "--consent", "x", "--format", "x").refused(2)
    assert "COLUMN=FIELD" in site(*words, "--consent", "x", "--map", "Name=shoe").refused(2)
    assert "no column 'town'" in site(*words, "--consent", "x", "--map", "Town=language").refused(2)
    assert "cannot read" in site("subscriber", "import", f"{file}x", "--consent", "x").refused(1)
    nobody = site("subscriber", "import", file, "--consent", "x")
    assert (nobody.status, nobody.err.splitlines()[0]) == (1, "3 invalid")
    assert "with --dry-run, or with --report FILE" in nobody.err.splitlines()[1]


def test_an_export_is_for_its_owner_and_takes_no_others_place(site: Console, file: str, tmp_path: Path) -> None:
    site("subscriber", "import", file, "--digest", "weekly", "--consent", "x").done()
    out = tmp_path / "people.csv"
    site("subscriber", "export", "--out", str(out)).done()
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_text() == site("subscriber", "export").done().raw.decode().replace("\r\n", "\n")
    assert "is there already" in site("subscriber", "export", "--out", str(out)).refused(1)
    assert "there is no folder" in site("subscriber", "export", "--out", str(out / "x.csv")).refused(1)
    site("subscriber", "export", "--out", str(out), "--force", "--json").done()
    assert [one["address"] for one in json.loads(out.read_text())] == ["ann@example.org", "zoe@example.org"]
