"""Words by language: a catalogue file is all that a language needs, and a site's own file comes first."""

import dataclasses
from pathlib import Path

import pytest
from mails import page

from syndicate.i18n import BadCatalogue, translations
from syndicate.mail.render import Renderer

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def site(
    folder: Path, language: str, catalogue: str, subject: str = "{{ _('Good morning') }}, {{ site.name }}"
) -> Path:
    """A site folder of templates with a subject of its own and a catalogue."""
    for path, text in ((f"locale/{language}.po", HEAD + catalogue), ("email/digest/subject.txt", subject)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_a_language_is_one_catalogue_file(tmp_path: Path) -> None:
    renderer = Renderer(site(tmp_path, "eo", 'msgid "Good morning"\nmsgstr "Bonan matenon"\n'))
    subjects = [
        renderer.render("digest", dataclasses.replace(page(1), language=language)).subject
        for language in ("en", "eo", "eo-XX", "xx")
    ]
    assert [subject.partition(",")[0] for subject in subjects] == [
        *("Good morning", "Bonan matenon", "Bonan matenon", "Good morning")
    ]


def test_what_stands_in_a_translation_or_a_value_is_never_a_template(tmp_path: Path) -> None:
    subject = "{{ _('By %(who)s', who='100 %(x)s {{ 1 + 1 }}') }}"
    renderer = Renderer(site(tmp_path, "eo", 'msgid "By %(who)s"\nmsgstr "De %(who)s {{ 2 }}"\n', subject))
    shown = dataclasses.replace(page(1), language="eo")
    assert renderer.render("digest", shown).subject == "De 100 %(x)s {{ 1 + 1 }} {{ 2 }}"


def test_a_catalogue_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    site(tmp_path, "eo", "This is no catalogue\n")
    with pytest.raises(BadCatalogue, match=r"cannot read the catalogue .*eo\.po") as fault:
        translations("eo", [tmp_path])
    assert "\n" not in str(fault.value)
