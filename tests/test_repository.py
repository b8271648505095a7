"""The repository keeps its own rules: what it depends on, what its files are called, and how long they are."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("feeds", "subscribers", "syndicate")
LONGEST_FILE = 400

# Dependencies that no line of ours imports.
NEEDED_UNSEEN = {
    "python-multipart": "Starlette reads forms with it",
    "tzdata": "zoneinfo reads it where the system has no time zones",
}
# Imported, but part of a dependency that is declared: the two are released for each other.
PART_OF = {"pydantic-core": "pydantic", "starlette": "fastapi", "cssutils": "premailer"}


def _project() -> dict[str, object]:
    loaded = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert isinstance(loaded, dict)
    return loaded


def _canonical(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared() -> set[str]:
    dependencies = _project()["dependencies"]
    assert isinstance(dependencies, list)
    return {_canonical(re.split(r"[\[<>=~!; ]", line, maxsplit=1)[0]) for line in dependencies}


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def _imported() -> set[str]:
    """The distributions whose modules our packages import, wherever the import stands."""
    owners = packages_distributions()
    names: set[str] = set()
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return {_canonical(owner) for name in names - set(PACKAGES) for owner in owners.get(name, ())}


def test_every_dependency_is_used_or_says_why_it_is_there() -> None:
    declared, imported = _declared(), _imported()
    assert declared - imported == set(NEEDED_UNSEEN), "a dependency that nobody imports needs a reason in NEEDED_UNSEEN"


def test_everything_imported_is_a_declared_dependency() -> None:
    undeclared = _imported() - _declared() - {"psycopg"}  # the extra `postgres`
    assert undeclared == set(PART_OF), "an import must be declared in pyproject.toml"
    assert set(PART_OF.values()) <= _declared()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_requirement_is_pinned_to_hashes_and_names_no_host(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    logical = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    entries = [line for line in logical.splitlines() if line.strip()]
    assert entries
    for entry in entries:
        assert re.match(r"[A-Za-z0-9][\w.\-]*(\[[\w,\-]+\])?==\S+ ", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(?!hash))", text, re.MULTILINE)


def test_what_the_lock_pins_is_what_the_project_declares() -> None:
    pinned = re.findall(r"^([A-Za-z0-9][\w.\-]*)(?:\[.*\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert _declared() <= {_canonical(name) for name in pinned}, "run `make lock`"


def test_a_file_is_short_and_named_for_what_it_is_about() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in _sources()}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}, "has a second room in it"
    nameless = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [path for path in lengths if nameless.intersection(path.relative_to(ROOT).with_suffix("").parts)] == []


def test_each_package_says_that_it_is_typed_and_what_it_is_for() -> None:
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file()
    for path in _sources():
        module = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(module) or not module.body, f"{path.relative_to(ROOT)} does not say what it is for"


def test_no_test_package_hides_a_real_one() -> None:
    inside = {path.name.removesuffix(".py") for path in (ROOT / "tests").iterdir()}
    assert not inside & set(PACKAGES)
