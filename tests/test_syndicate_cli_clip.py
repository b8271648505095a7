"""`syndicate clip …`: what is filed is cleaned, listed, published, retracted, and imported a file at a time."""

from pathlib import Path

import pytest
from console import Console, keys, new_site
from saved_pages import SOURCE, page

_SAYS = {"headline", "deck", "byline", "publication", "place", "dateline", "section", "link", "summary", "rights"}
_MORE = {"id", "state", "archival", "url", "feed_id", "published_at", "correction", "corrected_at"}
CLIPPING = frozenset(_SAYS | _MORE)


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return new_site(tmp_path_factory, tmp_path / "site")


def test_a_clipping_is_filed_as_a_draft_and_its_id_is_printed(site: Console) -> None:
    (made,) = site("clip", "add", "--headline", "A  headline").done().lines
    shape = site("clip", "show", made, "--json").done().json
    assert frozenset(shape) == CLIPPING | {"body"}
    assert (shape["id"], shape["state"], shape["section"]) == (made, "draft", "latest")
    assert (shape["headline"], shape["published_at"]) == ("A headline", None)


def test_everything_that_is_filed_is_there(site: Console, tmp_path: Path) -> None:
    (tmp_path / "body.txt").write_text("One\n\nTwo")
    given = {
        "headline": "H",
        "section": "dont-miss",
        "link": "https://example.org/a",
        "publication": "P",
        "place": "US",
        "dateline": "2009-03",
        "byline": "B",
        "deck": "D",
        "summary": "S",
        "rights": "full",
    }
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    options += ["--body-file", str(tmp_path / "body.txt"), "--rights-reason", "they said so", "--publish"]
    shape = site("clip", "add", *options, "--json").done().json
    assert {name: shape[name] for name in given} == given
    assert shape["state"] == "published"
    assert shape["published_at"].endswith("Z")
    assert shape["url"].endswith(f"/clippings/{shape['id']}/h")
    assert shape["feed_id"].startswith("tag:")
    assert site("clip", "show", shape["id"], "--json").done().json == shape | {"body": "One\n\nTwo"}
    shown = site("clip", "show", shape["id"]).done().lines
    assert "dateline:     2009-03" in shown
    assert shown[-3:] == ["One", "", "Two"]


def test_full_rights_without_a_reason_are_noted_as_the_editors_own_word(site: Console) -> None:
    ran = site("clip", "add", "--headline", "H", "--rights", "full", "--json").done()
    assert ran.json["rights"] == "full"
    assert "no --rights-reason was given" in ran.err


def test_a_body_comes_from_standard_input_too(site: Console) -> None:
    (made,) = (
        site("clip", "add", "--headline", "H", "--body-file", "-", stdin=b"caf\xe9 in an old code page").done().lines
    )
    assert site("clip", "show", made).done().lines[-1] == "café in an old code page"


@pytest.mark.parametrize(("given", "kept"), [("2009-03-14", "2009-03-14"), ("Aug. 10, 2004", "2004-08-10")])
def test_a_dateline_may_be_typed_as_it_is_printed(site: Console, given: str, kept: str) -> None:
    assert site("clip", "add", "--headline", "H", "--dateline", given, "--json").done().json["dateline"] == kept


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--headline", "H", "--dateline", "2009-13"], 2, "2009-13"),
        (["--headline", "\x01 \x02"], 2, "headline is empty"),
        (["--headline", "H", "--link", "javascript:alert(1)"], 2, "no web address"),
        (["--headline", "H", "--rights", "all"], 2, "'all' is not one of"),
        (["--headline", "H", "--section", "gone"], 1, "there is no section 'gone'"),
        (["--headline", "H", "--body-file", "nowhere.txt"], 1, "nowhere.txt"),
        (["--headline", "H", "--body-file", "/"], 1, "Is a directory"),
    ],
)
def test_what_cannot_be_filed_is_refused_whole(site: Console, options: list[str], status: int, said: str) -> None:
    assert said in site("clip", "add", *options, "--publish").refused(status)
    assert site("clip", "list").done().out == ""


def test_hostile_text_is_one_line_everywhere(site: Console) -> None:
    hostile = "a\udcff\x1b[31m]]>\r\n<script>\ttab [bold]b[/bold]\x00"
    (made,) = site("clip", "add", "--headline", hostile, "--publish").done().lines
    (row,) = site("clip", "list").done().lines
    assert row.split("\t")[0] == made
    assert "\x1b" not in row
    assert len(row.split("\t")) == 6
    assert "[bold]b[/bold]" in site("clip", "list", "--json").done().json[0]["headline"]


def test_listings_are_whole_newest_first_and_can_be_narrowed(site: Console) -> None:
    first, second, third = (
        site("clip", "add", "--headline", name, *more).done().lines[0]
        for name, *more in (["One", "--publish"], ["Two", "--section", "dont-miss"], ["Three", "--publish"])
    )
    listed = site("clip", "list", "--json").done().json
    assert [shape["id"] for shape in listed] == [third, second, first]
    assert keys(listed) == {CLIPPING}
    assert [line.split("\t")[0] for line in site("clip", "list").done().lines] == [third, second, first]

    def ids(*options: str) -> list[str]:
        return [shape["id"] for shape in site("clip", "list", "--json", *options).done().json]

    assert ids("--state", "draft") == [second]
    assert ids("--section", "dont-miss") == [second]
    assert ids("--limit", "2") == [third, second]
    assert ids("--limit", "0") == []


def test_publishing_several_is_all_or_nothing(site: Console) -> None:
    one, two = (site("clip", "add", "--headline", name).done().lines[0] for name in ("One", "Two"))
    assert "no clipping 'nowhere'" in site("clip", "publish", one, "nowhere").refused(1)
    assert {shape["state"] for shape in site("clip", "list", "--json").json} == {"draft"}
    assert site("clip", "publish", one, two, one).done().lines == [one, two]
    assert keys(site("clip", "publish", one, two, "--json").done().json) == {CLIPPING}
    assert {shape["state"] for shape in site("clip", "list", "--json").json} == {"published"}


def test_retracting_takes_a_clipping_out_of_the_edition_that_was_approved(site: Console) -> None:
    one, two = (site("clip", "add", "--headline", name, "--publish").done().lines[0] for name in ("One", "Two"))
    (edition,) = site("edition", "draft", "weekly").done().lines
    site("edition", "approve", edition).done()
    assert site("clip", "retract", one, "--json").done().json["state"] == "retracted"
    stand = site("edition", "show", edition, "--json").done().json
    assert (stand["state"], stand["items"]) == ("draft", [two])
    assert site("clip", "retract", one).done().lines == [one]
    site("clip", "retract", "nowhere").refused(1)


def _saved(folder: Path, name: str, headline: str) -> str:
    path = folder / name
    path.write_text(page(SOURCE, headline), encoding="utf-8")
    return str(path)


def test_an_import_is_archival_and_the_same_page_twice_is_one(site: Console, tmp_path: Path) -> None:
    file = _saved(tmp_path, "one.txt", "Jail Closed")
    (made,) = site("clip", "import", file).done().lines
    (shape,) = site("clip", "list", "--json").json
    assert (shape["id"], shape["archival"], shape["section"]) == (made, True, "dont-miss")
    assert (shape["headline"], shape["dateline"], shape["publication"]) == ("Jail Closed", "2004-08-10", "Harbor Times")
    again = site("clip", "import", file).done()
    assert (again.out, again.err) == ("", f"{file}: known already as {made}\n")
    (known,) = site("clip", "import", file, "--json").done().json
    assert known == shape | {"known": True}


def test_what_cannot_be_read_is_named_and_the_rest_is_stored(site: Console, tmp_path: Path) -> None:
    good = _saved(tmp_path, "good.txt", "Jail Closed")
    (tmp_path / "bad.txt").write_text("nothing\nbut words\n")
    (tmp_path / "huge.txt").write_bytes(b"x" * 5_000_001)
    bad = [str(tmp_path / name) for name in ("bad.txt", "huge.txt", "missing.txt")] + [str(tmp_path)]
    ran = site("clip", "import", bad[0], good, *bad[1:])
    assert ran.status == 1
    assert len(ran.lines) == 1
    told = ran.err.splitlines()
    assert len(told) == len(bad)
    assert told[0].startswith(f"{bad[0]}, line 1: ")
    assert [line.partition(": ")[0] for line in told[1:]] == bad[1:]
    assert len(site("clip", "list").lines) == 1


def test_a_list_is_stored_but_for_the_lines_that_cannot_be_read(site: Console, tmp_path: Path) -> None:
    file = tmp_path / "index.txt"
    file.write_text("Jail Closed; from Harbor Times (TX), 8/10/04\nNo Such Day; from Harbor Times (TX), 2/30/04\n")
    ran = site("clip", "import", "--format", "index", "--section", "latest", "--as-drafts", "--json", str(file))
    assert ran.status == 1
    ((made, known),) = [(shape["id"], shape["known"]) for shape in ran.json]
    assert not known
    assert ran.err.startswith(f"{file}, line 2: ")
    (shape,) = site("clip", "list", "--json").json
    assert (shape["id"], shape["state"], shape["archival"], shape["section"]) == (made, "draft", False, "latest")


def test_a_dateline_in_the_future_is_not_believed(site: Console, tmp_path: Path) -> None:
    ahead = tmp_path / "ahead.txt"
    ahead.write_text(page("March 2089 -- Harbor Times (TX)", "Jail Closed"), encoding="utf-8")
    ran = site("clip", "import", str(ahead))
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == f"{ahead}, line 13: the dateline 2089-03 lies in the future\n"
    listed = tmp_path / "index.txt"
    listed.write_text("Jail Closed; from Harbor Times (TX), 8/10/04\nTomorrow; from Harbor Times (TX), 1/1/89\n")
    ran = site("clip", "import", "--format", "index", str(listed))
    assert (ran.status, len(ran.lines)) == (1, 1)
    assert ran.err == f"{listed}, line 2: the dateline 2089-01-01 lies in the future\n"


def test_imports_reach_neither_the_main_feed_nor_the_next_edition(site: Console, tmp_path: Path) -> None:
    site("clip", "import", _saved(tmp_path, "one.txt", "Jail Closed")).done()
    site("feed", "build").done()
    assert "Jail Closed" not in (site.folder / "public" / "feeds" / "rss.xml").read_text()
    assert site("edition", "plan", "weekly", "--json").done().json["items"] == []


def test_an_unknown_section_stores_nothing(site: Console, tmp_path: Path) -> None:
    file = _saved(tmp_path, "one.txt", "Jail Closed")
    assert "no section" in site("clip", "import", file, "--section", "gone").refused(1)
    assert site("clip", "list").done().out == ""
