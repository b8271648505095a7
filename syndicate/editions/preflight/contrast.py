"""Whether what is written can be read: the contrast of text on its ground, in the light and the dark scheme.

Colours are those of the inlined styles and, for the dark scheme, of the rules in `@media (prefers-color-scheme: dark)`.
Ratios after WCAG 2.2, 1.4.3 and 1.4.6."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

from lxml import html as lxml_html
from lxml.cssselect import CSSSelector
from lxml.etree import XPathError

from syndicate.editions.preflight.facts import Facts, Seen
from syndicate.editions.preflight.findings import Finding, warning

_READ: Final = 7.0
_DESCRIBES: Final = 4.5
_READING_SIZE: Final = 16
_LARGE: Final = 24
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_HEX: Final = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_PIXELS: Final = re.compile(r"(\d+(?:\.\d+)?)px")
_RULE: Final = re.compile(r"([^{}]+)\{([^{}]*)\}")
_DARK: Final = re.compile(r"@media[^{]*prefers-color-scheme:\s*dark[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}")
_NAMES: Final = {"white": "#ffffff", "black": "#000000"}

Colour = tuple[int, int, int]
Styles = Mapping[lxml_html.HtmlElement, Mapping[str, str]]


def contrast(seen: Seen, facts: Facts) -> Iterator[Finding]:
    """Text that is read has a ratio of 7, what describes (small, large, or a link) of 4.5."""
    del facts
    if seen.root is None:
        return
    told: set[tuple[Colour, Colour]] = set()
    inlined = {one: _declarations(one.get("style", "")) for one in seen.elements}
    for scheme, styles in (("light", inlined), ("dark", _darkened(seen.root, seen, inlined))):
        for element in seen.elements:
            if not (element.text or "").strip() or element.tag in ("style", "title", "script"):
                continue
            ink, ground = _colour(element, styles, "color"), _colour(element, styles, "background-color")
            found, least = ratio(ink, ground), _least(element, styles)
            if found < least and (ink, ground) not in told:
                told.add((ink, ground))
                what = f"“{_short(element.text)}” is {_hex(ink)} on {_hex(ground)} in the {scheme} scheme: contrast "
                yield warning(f"{what}{found:.1f}, {least} is the least", "change the colour in the template", "html")


def ratio(one: Colour, other: Colour) -> float:
    """The contrast of two colours, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _least(element: lxml_html.HtmlElement, styles: Styles) -> float:
    pixels = float(found[1]) if (found := _PIXELS.match(_value(element, styles, "font-size") or "")) else 16.0
    links = any(one.tag == "a" for one in (element, *element.iterancestors()))
    return _READ if _READING_SIZE <= pixels < _LARGE and not links else _DESCRIBES


def _colour(element: lxml_html.HtmlElement, styles: Styles, name: str) -> Colour:
    """The colour that holds at an element: its own or that of the nearest ancestor that names one we can read."""
    default = _BLACK if name == "color" else _WHITE
    written = _value(element, styles, name)
    if written is None:
        return default
    digits = written.removeprefix("#")
    whole = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    return int(whole[:2], 16), int(whole[2:4], 16), int(whole[4:], 16)


def _value(element: lxml_html.HtmlElement, styles: Styles, name: str) -> str | None:
    for one in (element, *element.iterancestors()):
        value = styles.get(one, {}).get(name)
        value = _NAMES.get(value, value) if value else None
        if value and (_HEX.fullmatch(value) or _PIXELS.match(value)):
            return value
    return None


def _darkened(root: lxml_html.HtmlElement, seen: Seen, inlined: Styles) -> Styles:
    """The styles of the dark scheme: of several rules for one element the more exact wins, then the later."""
    weighed: dict[lxml_html.HtmlElement, dict[str, tuple[tuple[int, int, int], str]]] = {}
    for selector, declared in _dark_rules(seen):
        try:
            found = CSSSelector(selector, translator="html")
            exact = _exactness(selector)
        except (SyntaxError, XPathError, ValueError):
            continue  # a pseudo-class that no document can answer, such as :hover
        for element in cast(list[lxml_html.HtmlElement], found(root)):
            of_element = weighed.setdefault(element, {})
            for name, value in declared.items():
                if name not in of_element or of_element[name][0] <= exact:
                    of_element[name] = (exact, value)
    return {
        one: {**styles, **{name: value for name, (_, value) in weighed.get(one, {}).items()}}
        for one, styles in inlined.items()
    }


def _exactness(selector: str) -> tuple[int, int, int]:
    """Ids, classes and elements in a selector (CSS Selectors 4, §17), near enough for a style sheet of mail."""
    names = re.findall(r"(?:^|[\s>+~])[a-zA-Z]", selector)
    return selector.count("#"), len(re.findall(r"[.:\[]", selector)), len(names)


def _dark_rules(seen: Seen) -> Iterator[tuple[str, Mapping[str, str]]]:
    for sheet in seen.elements:
        if sheet.tag != "style":
            continue
        text = re.sub(r"/\*.*?\*/", "", sheet.text or "", flags=re.DOTALL)
        for block in _DARK.finditer(text):
            for selectors, body in _RULE.findall(block[1]):
                for selector in selectors.split(","):
                    yield selector.strip(), _declarations(body)


def _declarations(style: str) -> Mapping[str, str]:
    pairs = (part.partition(":")[::2] for part in style.lower().split(";"))
    values = {name.strip(): value.replace("!important", "").strip() for name, value in pairs}
    if "background" in values and "background-color" not in values:
        values["background-color"] = values["background"].split(" ")[0]
    if "font-size" not in values and (size := _PIXELS.search(values.get("font", ""))):
        values["font-size"] = size[0]
    return values


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"
