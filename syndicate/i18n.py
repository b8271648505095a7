"""Words in the language of who reads them: one catalogue file (gettext's .po) for each language.

English is the language of the message ids, and needs no catalogue. A language without one is told in English.
"""

import io
from collections.abc import Sequence
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import NullTranslations, Translations

from syndicate.errors import SyndicateError
from syndicate.template_folder import templates_root


class BadCatalogue(SyndicateError):
    """A catalogue that cannot be read; the line says which."""


def translations(language: str, folders: Sequence[Path] = ()) -> NullTranslations:
    """The messages in this language, from `locale/<language>.po` of each of the template folders and of our own, the
    first one that knows a message. Of a tag with a region ("pt-BR") the language alone follows. Raises BadCatalogue."""
    found = NullTranslations()
    names = [language.split("-", maxsplit=1)[0].lower(), language.lower()]
    for folder in (templates_root(), *reversed(folders)):
        for name in dict.fromkeys(names):
            path = folder / "locale" / f"{name}.po"
            if path.is_file():
                read = _read(path)
                read.add_fallback(found)
                found = read
    return found


def _read(path: Path) -> Translations:
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
    except (OSError, ValueError, PoFileError) as error:
        raise BadCatalogue(f"cannot read the catalogue {path}: {error}") from error
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
