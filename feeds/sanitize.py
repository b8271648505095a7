"""HTML from elsewhere made harmless: an allow-list of what text needs. Nothing here runs, tracks or submits."""

import re
from types import MappingProxyType

import nh3

from feeds.links import web_link
from feeds.text import xml_safe

# fmt: off
_TAGS = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd",
    "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "small",
    "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "ul",
    "var", "wbr",
})
# Of these not even the text stays: it is a program, a style, or what a control offers.
_DROPPED_WHOLE = frozenset({
    "script", "style", "template", "noscript", "iframe", "object", "applet", "svg", "math", "audio",
    "video", "canvas", "map", "button", "select", "textarea", "title", "noembed", "noframes",
})
# fmt: on
_ATTRIBUTES = MappingProxyType(
    {
        "*": {"dir", "lang", "title"},
        "a": {"href", "hreflang"},
        "blockquote": {"cite"},
        "col": {"span"},
        "colgroup": {"span"},
        "del": {"cite", "datetime"},
        "img": {"src", "alt", "width", "height"},
        "ins": {"cite", "datetime"},
        "li": {"value"},
        "ol": {"start", "reversed"},
        "q": {"cite"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan", "scope"},
        "time": {"datetime"},
    }
)
_ADDRESSES = frozenset({"href", "src", "cite"})
_MAILTO = re.compile(r"mailto:[^\s<>\"]+", re.IGNORECASE)
# What nh3 writes has every attribute in double quotes and every < and > of text escaped, so this finds each image.
_PASSES = 4
_IMAGE = re.compile(r'<img((?: [a-z]+="[^"]*")*)>')
_SOURCE = re.compile(r' src="')
_PIXEL = re.compile(r' (?:width|height)="\s*0*[01]?(?:\.\d*)?\s*(?:px)?\s*"', re.IGNORECASE)


def clean_html(html: str, base: str = "") -> str:
    """`html` as a well-formed fragment with nothing in it but text, links and images.

    Links are absolute http, https or (of `a` only) mailto addresses; relative ones are resolved against `base` and
    lose their address without it. Script, style, forms, frames, SVG, comments, event handlers, ids and classes go,
    and so do images that cannot be shown or are made not to be seen (a pixel wide or high). XML-safe; a second call
    changes nothing.
    """
    # Misnested tags (a link around a table in a link) are only read in one way once they were written out again.
    for _ in range(_PASSES):
        cleaned = _cleaned(html, web_link(base))
        if cleaned == html:
            break
        html = cleaned
    return html


def _cleaned(html: str, link_base: str) -> str:

    def allowed(tag: str, name: str, value: str) -> str | None:
        if name not in _ADDRESSES:
            return value
        if tag == "a" and _MAILTO.fullmatch(value.strip()):
            return value.strip()
        return web_link(value, link_base) or None

    cleaned = nh3.clean(
        xml_safe(html),
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WHOLE),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=allowed,
        strip_comments=True,
        link_rel=None,
        url_schemes={"http", "https", "mailto"},
    )
    # Once more, because character references may have become what XML forbids.
    return _IMAGE.sub(_visible_image, xml_safe(cleaned))


def _visible_image(image: re.Match[str]) -> str:
    attributes = image[1]
    return image[0] if _SOURCE.search(attributes) and not _PIXEL.search(attributes) else ""
