"""The catalogues: every message of the mail templates is told in every language, and nothing else is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from syndicate.template_folder import templates_root

OPTIONS = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
CATALOGUES = sorted((templates_root() / "locale").glob("*.po"))
Id = str | tuple[str, ...]


def messages(folder: Path) -> set[Id]:
    """The ids that the templates of a folder ask for; one with a plural is a pair."""

    def all_of() -> Iterator[Id]:
        for path in sorted(folder.rglob("*.html")) + sorted(folder.rglob("*.txt")):
            with path.open("rb") as file:
                for _, words, _, _ in extract(babel_extract, file, DEFAULT_KEYWORDS, options=OPTIONS):
                    yield words

    return set(all_of())


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def faults(wanted: set[Id], told: Catalog) -> list[str]:
    """What a catalogue lacks, has too much, or tells with other placeholders."""
    known = {message.id: message for message in told if message.id}
    found = [f"obsolete: {id_}" for id_ in [*(known.keys() - wanted), *told.obsolete]]
    for id_ in wanted:
        message = known.get(id_)
        strings = [] if message is None else [message.string] if isinstance(id_, str) else [*message.string]
        if message is None or message.fuzzy or not strings or not all(strings):
            found.append(f"without translation: {id_}")
            continue
        if not isinstance(id_, str) and len(strings) != told.num_plurals:
            found.append(f"a plural is missing: {id_}")
        places = set(placeholders(id_ if isinstance(id_, str) else id_[0]))
        found += [f"other placeholders: {string}" for string in strings if set(placeholders(string)) != places]
    return found


def placeholders(text: str) -> list[str]:
    return re.findall(r"%\([^)]*\)?.?|%", text)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_every_message_is_told_in_every_language_and_no_other(path: Path) -> None:
    assert faults(messages(templates_root() / "email"), catalogue(path)) == []


def test_spanish_is_there_and_the_templates_have_messages() -> None:
    assert "es" in [path.stem for path in CATALOGUES]
    assert len(messages(templates_root() / "email")) > 40


def test_a_gap_a_leftover_and_a_lost_placeholder_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(
        "{{ _('One') }} {{ _('Two %(x)s', x=1) }} {{ ngettext('%(num)s d', '%(num)s ds', 2) }}"
    )
    told = Catalog(locale="es")
    told.add("Two %(x)s", "Dos")
    told.add("Three", "Tres")
    told.add(("%(num)s d", "%(num)s ds"), ("%(num)s d", ""))
    assert sorted(fault.partition(":")[0] for fault in faults(messages(tmp_path), told)) == [
        *("obsolete", "other placeholders", "without translation", "without translation")
    ]


def test_no_template_has_bare_english_words() -> None:
    """Words outside of tags, comments and code stand in a message, or nobody could translate them."""
    for path in sorted((templates_root() / "email").rglob("*.*")):
        if path.suffix in {".html", ".txt"}:
            text = path.read_text(encoding="utf-8")
            bare = re.sub(r"<style>.*?</style>|<!--.*?-->|{#.*?#}|{%.*?%}|{{.*?}}", " ", text, flags=re.DOTALL)
            bare = re.sub(r"<[^>]*>|&\w+;", " ", bare)
            assert re.findall(r"[A-Za-z]{2,}", bare) == [], path
