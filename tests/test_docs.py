"""What is written down is true: each setting, target, command, room and link that a page names is there."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
import typer
from pydantic_core import PydanticUndefined

from syndicate.cli.root import app
from syndicate.config import Config
from syndicate.config.defaults import SECRETS
from syndicate.config.kinds import duration
from syndicate.config.tables import Table

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / "config.toml"
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"))
    if path.is_file()
)
BUILT = {".git", ".venv", "var", "dist", "build", "__pycache__"}
TEXTS = {".py", ".md", ".toml", ".txt", ".html", ".css", ".lock", ".svg", ".mako", ".service", ".conf", ""}

# These two are no settings: where the file itself lies.
PLACES = {"folder", "path"}

Setting = tuple[str, str]  # ("mail.smtp", "port")


# ---- settings ----


def _table_in(annotation: Any) -> type[Table] | None:
    """The table that a field holds, one or several of them."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    if get_origin(annotation) in (tuple, Union, UnionType):
        return next((found for part in get_args(annotation) if (found := _table_in(part))), None)
    return None


def _settings_of(model: Any, place: str = "") -> Iterator[tuple[Setting, Any]]:
    """Each setting that the models know, with its default (PydanticUndefined if it has none)."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = _table_in(field.annotation)
        if inner:
            yield from _settings_of(inner, f"{place}.{key}".strip("."))
        elif place or key not in PLACES:
            yield (place, key), field.default
    for *tables, secret in SECRETS:
        if ".".join(tables) == place:
            yield (place, f"{secret}_file"), None


def _documented() -> dict[Setting, str]:
    """Each setting that docs/settings.md has a row for, with what its column "Default" says."""
    rows: dict[Setting, str] = {}
    table = None
    for line in SETTINGS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = re.fullmatch(r"#+ `\[+([a-z_.]+)\]+`", line)
            table = heading[1] if heading else None
        elif table and (row := re.match(r"\| `([a-z_]+)` \|[^|]+\| ([^|]+) \|", line)):
            assert (table, row[1]) not in rows, f"{row[1]} of [{table}] stands there twice"
            rows[table, row[1]] = row[2].strip()
    return rows


def _of_example(value: Any, place: str = "") -> Iterator[tuple[Setting, Any]]:
    """Each setting that is set in config.toml, with its value."""
    for key, inside in value.items():
        tables = inside if isinstance(inside, list) and inside and isinstance(inside[0], dict) else [inside]
        for table in tables:
            if isinstance(table, dict):
                yield from _of_example(table, f"{place}.{key}".strip("."))
            else:
                yield (place, key), inside


def _commented_out() -> set[Setting]:
    """Settings that stand in config.toml behind a "#", in a table or in the words before it."""
    found: set[Setting] = set()
    table, keys = "", set[str]()
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"\[+([a-z_.]+)\]+", line):
            table = heading[1]
            found |= {(table, key) for key in keys}
            keys = set()
        elif line.startswith("# ----"):
            keys = set()
        elif line.startswith("#"):
            keys |= set(re.findall(r"(?<![\w.])([a-z_]+) = [\"\[{0-9]", line))
            found |= {(table, key) for key in keys}
    return found


def test_every_setting_is_documented_and_none_is_invented() -> None:
    known = {setting for setting, _ in _settings_of(Config)}
    documented = set(_documented())
    assert known - documented == set(), "not in docs/settings.md"
    assert documented - known == set(), "in docs/settings.md, but no setting"


@pytest.mark.parametrize(("setting", "default"), list(_settings_of(Config)), ids=str)
def test_the_default_of_a_setting_is_documented(setting: Setting, default: Any) -> None:
    told = _documented()[setting]
    if not told.startswith("`"):
        # In words: must be set, none, or what it follows from.
        assert default in (None, PydanticUndefined)
        assert (told == "none") == (default is None and setting != ("digests", "from"))
        return
    value = tomllib.loads(f"value = {told.strip('`')}")["value"]
    if default is PydanticUndefined:
        assert setting in {("site", "secret_file"), ("database", "url")}
    elif isinstance(default, timedelta):
        assert duration(value) == default
    else:
        assert value == (list(default) if isinstance(default, tuple) else default)


def test_every_setting_stands_in_the_example_set_or_commented_out() -> None:
    known = {setting for setting, _ in _settings_of(Config)}
    there = {setting for setting, _ in _of_example(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")))}
    there |= _commented_out()
    # A secret is better shown by its file than with a value.
    shown_by_file = {(place, key.removesuffix("_file")) for place, key in there if key.endswith("_file")}
    assert known - there - shown_by_file == set(), "not in config.toml"


# What an organisation calls itself, and what it wants to offer: the example shows what these look like.
ITS_OWN = {("site", "tagline"), ("site", "about"), ("sections", "about"), ("partners", "about")}


def test_what_the_example_sets_is_the_default() -> None:
    documented = _documented()
    for setting, value in _of_example(tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))):
        told = documented[setting]
        if told.startswith("`") and setting not in ITS_OWN:
            assert tomllib.loads(f"value = {told.strip('`')}")["value"] == value, setting


# ---- targets, commands, links ----


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _code(page: Path) -> Iterator[str]:
    """The lines of a page that are to be typed: shell fences, indented code, and code inside a sentence."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    for fence in re.findall(r"^```(?:sh|console|)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from fence.splitlines()
    yield from re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_target_that_a_page_names_can_be_made(page: Path) -> None:
    named = {found for line in _code(page) for found in re.findall(r"^(?:\$ )?make ([a-z]+)", line)}
    assert named <= _targets()


def test_every_target_is_named_for_newcomers_and_explained_by_help() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    explained = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(explained) == _targets()
    assert {target for target in _targets() if f"make {target}" not in contributing} == set()


def _fault_of(line: str) -> str | None:
    """What is wrong with a `syndicate …` command line, None if such a command and its options are there."""
    words = shlex.split(line, comments=True)
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    path: list[str] = []
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            options = {option: one for one in command.params for option in one.opts}
            options |= dict.fromkeys(("--help", "-h"))
            name, with_value, _ = word.partition("=")
            if name not in options:
                return f"{' '.join(path) or 'syndicate'} has no option {name}"
            one = options[name]
            if one is not None and not with_value and not one.is_flag and rest:
                rest.pop(0)
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return f"there is no command {' '.join([*path, word])}"
            command = command.commands[word]
            path.append(word)
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_that_a_page_names_is_there_with_its_options(page: Path) -> None:
    faults = []
    for line in _code(page):
        called = re.match(r"(?:\$ )?(?:[\w./~-]*/)?syndicate (?=[a-z-])(.*)", line)
        if called and "…" not in called[1] and (fault := _fault_of(f"syndicate {called[1]}")):
            faults.append(f"{line.strip()}: {fault}")
    assert faults == []


def test_a_wrong_command_line_is_noticed() -> None:
    assert _fault_of("syndicate --config x/config.toml clip add --headline 'A headline' --publish  # why") is None
    assert _fault_of("syndicate clip steal") == "there is no command clip steal"
    assert _fault_of("syndicate clip add --loudly") == "clip add has no option --loudly"


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", page.read_text(encoding="utf-8"))
    for target in (link or source for link, source in links):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in _anchors(there), f"{target} has no such heading"


def test_every_page_of_the_docs_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"(docs/{page.name})" not in readme] == []


# ---- rooms ----


def _layers() -> list[set[str]]:
    """The rows of pyproject.toml from top to bottom, each a set of rooms."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (rows,) = (one["layers"] for one in contracts if one["type"] == "layers")
    return [set(row.split(" | ")) for row in rows]


def test_the_rows_of_the_design_are_those_that_are_checked() -> None:
    told = re.findall(
        r"^\| [^|]+ \| (`.*) \|$", (ROOT / "docs" / "design.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    order = [name for row in told for name in re.findall(r"`([a-z0-9_]+)/?`", row.partition(": ")[0])]
    place = {room: number for number, row in enumerate(_layers()) for room in row}
    assert set(order) == set(place)
    assert [place[room] for room in order] == sorted(place[room] for room in order), "the rows are in another order"


@pytest.mark.parametrize("package", ["feeds", "subscribers", "syndicate"])
def test_the_map_in_the_readme_has_every_room(package: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    part = readme.partition(f"\n**{package}/**")[2].partition("\n**")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", part.partition("\nBeside")[0], re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([a-z0-9_]+)`", row)}
    there = {
        path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - told - {"__init__", "__main__", "errors"} == set(), "not in the map"
    assert told - there == set(), "in the map, but no room"


# ---- what no file may say ----


def _files() -> Iterator[Path]:
    for top in sorted(ROOT.iterdir()):
        hidden = top.name.startswith(".") and top.name not in {".ci", ".gitignore"}
        if top.name in BUILT or hidden:
            continue
        inside = sorted(top.rglob("*")) if top.is_dir() else [top]
        yield from (path for path in inside if path.is_file() and not BUILT & set(path.parts))


def test_no_file_names_a_package_index_or_a_place_on_one_machine() -> None:
    # In pieces, so that this file passes too.
    forbidden = [
        "pypi" + ".org",
        "python" + "hosted",
        "index" + "-url http",
        "../" + "shared",
        *(f"/{place}/" for place in ("work", "root", "home")),
    ]
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in _files()
        if path.suffix in TEXTS
        for word in forbidden
        if word in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []
