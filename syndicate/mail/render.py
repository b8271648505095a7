"""Templates to a mail: jinja2 in its sandbox, the site's templates first, and premailer once over the HTML.

This is the only room that knows premailer. It never fetches anything: styles come from the template alone. As soon as
the site has templates of its own, all is done in a process apart (`syndicate.confined`): nobody has tried those.
"""

import dataclasses
import logging
import xml.dom
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import get_ident
from types import CodeType
from typing import Final

import cssutils
import jinja2
from babel.support import NullTranslations
from jinja2.bccache import Bucket
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree
from premailer import Premailer

from feeds.text import xml_safe
from syndicate.confined import Confined, Confinement, Failed
from syndicate.errors import SyndicateError
from syndicate.i18n import translations
from syndicate.mail.headers import plain
from syndicate.mail.pages import Page, Rendered
from syndicate.mail.slots import SLOTS, mark, without_marks
from syndicate.mail.words import FILTERS
from syndicate.template_folder import templates_root

__all__ = ["SLOTS", "Rendered", "Renderer", "TemplateFault", "mark"]

_DOCTYPE: Final = "<!DOCTYPE html>"
_LONGEST_SUBJECT: Final = 150
# What an editor's template can make jinja2 raise, besides errors of its own.
_FAULTS: Final = (OSError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


class TemplateFault(SyndicateError):
    """A mail template is missing, cannot be read or fails; the line says which and where."""


class Renderer:
    """Renders mails by name: a folder of three files, `subject.txt`, `body.txt` and `body.html`, looked for in
    `site_templates` (the site's `templates` folder) and then among the packaged ones, file by file."""

    def __init__(self, site_templates: Path | None) -> None:
        self._own = site_templates
        self._apart = Confinement()
        folders = [site_templates] if site_templates else []
        places = [folder / "email" for folder in (*folders, templates_root())]
        self._folders = folders
        self._places = places
        self._compiled = _Compiled()
        self._templates: dict[str, jinja2.Environment] = {}

    def render(self, name: str, context: Mapping[str, object] | Page) -> Rendered:
        """The mail `name` with these values; a page gives its fields by their names, and `slots` holds the marks.

        All text is cleaned first: what XML forbids and what looks like a mark is removed. Raises TemplateFault.
        """
        values = _named(context)
        cleaned = {key: _clean(value) for key, value in values.items()}
        cleaned["slots"] = {slot: mark(slot) for slot in SLOTS}
        fill, inline = (self._fill_apart, self._inline_apart) if self._has_own() else (self._fill, inlined)
        subject = _short(plain(fill(f"{name}/subject.txt", cleaned)))
        text = fill(f"{name}/body.txt", cleaned)
        html = fill(f"{name}/body.html", cleaned | {"subject": subject})
        return Rendered(subject=subject, text=text.strip("\n") + "\n", html=inline(html, f"{name}/body.html"))

    def _has_own(self) -> bool:
        """Whether the site overrides any file: it may be one that others include. Asked anew for each mail, as files
        come and go while the program runs."""
        return self._own is not None and any(path.is_file() for path in (self._own / "email").rglob("*"))

    def _fill_apart(self, path: str, values: Mapping[str, object]) -> str:
        return self._run_apart(path, _filled, str(self._own), path, values)

    def _inline_apart(self, html: str, path: str) -> str:
        return self._run_apart(path, inlined, html, path)

    def _run_apart(self, path: str, function: Callable[..., str], *arguments: object) -> str:
        try:
            return str(self._apart.run(function, *arguments))
        except Failed as error:
            raise TemplateFault(str(error)) from error
        except Confined as error:
            raise TemplateFault(
                f"the e-mail template {path}, or a file that it includes, cannot be used: {error}"
            ) from error

    def _in(self, language: str) -> jinja2.Environment:
        """The templates with the messages of this language, kept. Raises BadCatalogue."""
        if language not in self._templates:
            messages = translations(language, self._folders)
            self._templates[language] = _environment(self._places, messages, self._compiled)
        return self._templates[language]

    def _fill(self, path: str, values: Mapping[str, object]) -> str:
        try:
            return self._in(str(values.get("language", "en"))).get_template(path).render(values)
        except jinja2.TemplateNotFound as error:
            looked = " and ".join(str(place) for place in self._places)
            raise TemplateFault(f"there is no e-mail template {error.name or path}: looked in {looked}") from error
        except jinja2.TemplateSyntaxError as error:
            raise TemplateFault(
                f"the e-mail template {error.name or path} is wrong in line {error.lineno}: {error.message}"
            ) from error
        except (jinja2.TemplateError, *_FAULTS) as error:
            raise TemplateFault(f"the e-mail template {path} fails: {plain(str(error))}") from error


class _Compiled(jinja2.BytecodeCache):
    """What was made of each file, for every language: which words it says is decided only when it runs."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._known[bucket.key, bucket.checksum] = bucket.code


def _environment(places: Sequence[Path], messages: NullTranslations, compiled: _Compiled) -> jinja2.Environment:
    made = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(places),
        bytecode_cache=compiled,
        autoescape=lambda name: bool(name) and str(name).endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(messages, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(FILTERS)
    return made


@lru_cache(maxsize=1)
def _renderer(site_templates: str) -> Renderer:
    """In the process apart: kept from file to file, with the templates it has compiled."""
    return Renderer(Path(site_templates))


def _filled(site_templates: str, path: str, values: Mapping[str, object]) -> str:
    """In the process apart: one file with its values filled in. Raises TemplateFault."""
    return _renderer(site_templates)._fill(path, values)


def inlined(html: str, path: str = "body.html") -> str:
    """`html` with its style sheet written into the elements; media rules stay in the head with their !important.

    `path` names the template in errors. Raises TemplateFault."""
    try:
        return f"{_DOCTYPE}\n{_Inliner(html).transform(pretty_print=False).split('>', 1)[1].lstrip()}\n"
    except (etree.LxmlError, xml.dom.DOMException, *_FAULTS) as error:
        raise TemplateFault(f"the HTML of the e-mail template {path} cannot be read: {plain(str(error))}") from error


class _Inliner(Premailer):  # type: ignore[misc]
    """Premailer with a CSS parser that fetches nothing: its own flag does not hold back @import."""

    def __init__(self, html: str) -> None:
        super().__init__(
            f"{_DOCTYPE}\n{html.lstrip().removeprefix(_DOCTYPE)}",
            disable_validation=True,
            strip_important=False,
            allow_network=False,
            align_floating_images=False,
        )

    def _parse_css_string(self, css_body: str, validate: bool = True) -> object:
        return _style_sheet(css_body, validate, get_ident())


@lru_cache(maxsize=8)
def _style_sheet(css_body: str, validate: bool, _thread: int) -> object:
    """Parsed once for all mails of a template, as this takes longer than all the rest. Each thread has its own:
    premailer writes `!important` into the media rules, always the same."""
    parser = cssutils.CSSParser(fetcher=_fetch_nothing, loglevel=logging.CRITICAL, validate=validate)
    return parser.parseString(css_body)


def _fetch_nothing(url: str) -> tuple[str, bytes]:
    """In place of cssutils' fetcher: whatever is asked for is an empty sheet."""
    del url
    return "utf-8", b""


def _named(context: Mapping[str, object] | Page) -> Mapping[str, object]:
    if isinstance(context, Mapping):
        return context
    return {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}


def _clean(value: object) -> object:
    """The same value with clean text in it; frozen dataclasses, tuples, lists and mappings are walked through."""
    if isinstance(value, str):
        return without_marks(xml_safe(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _clean(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    if isinstance(value, (tuple, list)):
        return tuple(_clean(part) for part in value)
    if isinstance(value, Mapping):
        return {key: _clean(part) for key, part in value.items()}
    return value


def _short(subject: str) -> str:
    """At most 150 characters, cut between words where there are any."""
    if len(subject) <= _LONGEST_SUBJECT:
        return subject
    cut = subject[: _LONGEST_SUBJECT - 1]
    return (cut[: cut.rindex(" ")] if " " in cut[_LONGEST_SUBJECT // 2 :] else cut).rstrip() + "…"
