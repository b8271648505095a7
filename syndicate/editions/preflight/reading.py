"""Checks of what is read: the subject, the text part, headings, language, pictures, the postal address."""

from collections.abc import Iterator
from itertools import pairwise

from syndicate.editions.preflight.facts import Facts, Seen
from syndicate.editions.preflight.findings import Finding, fault, warning

_LONG_SUBJECT = 70
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def subject(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """It says something, and is short enough to be read whole in a list of mails."""
    del facts
    if not seen.subject.strip():
        yield fault("the subject is empty", "write one, or mend subject.txt of the template", "subject")
    elif len(seen.subject) > _LONG_SUBJECT:
        what = f"the subject has {len(seen.subject)} characters; mail programs show about {_LONG_SUBJECT}"
        yield warning(what, "write a shorter one", "subject")


def size(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """It is not clipped by the large mail providers."""
    if seen.size > facts.largest_html:
        what = f"the HTML has {seen.size} bytes, {facts.largest_html} is the most that is shown whole"
        yield fault(what, "leave clippings out, or shorten the note", "html")


def both_parts(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """A text part and an HTML part are there, and the postal address in each."""
    address = "".join(facts.postal_address.split())
    shown = {"text": seen.text, "html": "" if seen.root is None else seen.root.text_content()}
    for part, words in shown.items():
        name = "body.txt" if part == "text" else "body.html"
        if not words.strip():
            yield fault(f"the {part} part is empty", f"mend {name} of the template", part)
        elif address not in "".join(words.split()):
            yield fault("the postal address is missing", f"put site.postal_address into {name} of the template", part)


def text_has_every_link(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """Whoever reads the text part misses no link."""
    del facts
    text = "".join(seen.text.split())
    shown = [one.href.removeprefix("mailto:") for one in seen.links if not one.href.startswith("#")]
    for href in dict.fromkeys(one for one in shown if one not in text):
        yield warning(f"{_short(href)} is missing", "let body.txt of the template show it", "text")


def headings(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """One h1, no level skipped, none empty: what a screen reader's list of headings shows."""
    del facts
    levels = [int(one.tag[1]) for one in seen.elements if one.tag in _HEADINGS]
    if levels.count(1) != 1:
        what = f"there are {levels.count(1)} headings of the first level (h1)"
        yield warning(what, "let the template have one", "html")
    for before, level in pairwise(levels):
        if level > before + 1:
            what = f"a heading h{level} comes after h{before}"
            yield warning(what, f"make it h{before + 1} in the template", "html")
            break
    if any(one.tag in _HEADINGS and not one.text_content().strip() for one in seen.elements):
        yield warning("a heading is empty", "a section without clippings needs none: mend the template", "html")


def language(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """`lang` and `dir` stand on html, and again below body, where mail programs do not take them away."""
    del facts
    body = None if seen.root is None else seen.root.find("body")
    if seen.root is None or body is None:
        return
    first = next((one for one in body if isinstance(one.tag, str)), None)
    for element, name in ((seen.root, "<html>"), (first, "the first element of <body>")):
        for attribute in ("lang", "dir"):
            if element is None or not element.get(attribute):
                yield warning(f"{name} has no {attribute}", "let the template name it", "html")
    tag = seen.root.get("lang")
    if tag and tag != seen.language:
        what = f"the mail is in {seen.language} and says lang={tag}"
        yield warning(what, "use the page's `language` in the template", "html")


def pictures(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """Each picture has words for those who do not see it."""
    del facts
    for one in seen.elements:
        if one.tag == "img" and one.get("alt") is None:
            what = f"the picture {_short(one.get('src', ''))} has no alt text"
            yield warning(what, 'say what it shows, or alt="" for an ornament', "html")


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
