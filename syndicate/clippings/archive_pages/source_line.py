"""The lines that say where a clipping comes from: "DATE -- PUBLICATION (PLACE)", and the publication in a list."""

import re
from dataclasses import dataclass

from syndicate.datelines import BadDateline, Dateline

# Longer lines are paragraphs, not attributions.
LONGEST = 160

_DASH = re.compile(r"\s?(?:-{1,3}|[‐-―−])\s?")
_LONGEST_DATE = 45
# "August 10,2004"
_COMMA = re.compile(r",(?=[0-9])")
_BRACKETS = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]][\s.,:;*]*$")
# What the site puts in its last brackets: "US", "TX", "CN BC", "US Web", "Troy, NY", "Australia". A town alone is a
# part of the publication's name ("Gazette (Springfield)"), and so is what the thing is ("KXLY (TV)").
_PLACE = re.compile(
    r"(?!TV$)[A-Z]{2}(?:\s(?:[A-Z]{2}|Web))?|USA|(?:[A-Z]\.){2,3}|(?:US )?Web|(?-i:[A-Z][\w .'’-]{2,30}, [A-Z]{2})"
    r"|Afghanistan|Argentina|Australia|Bahamas|Barbados|Belize|Bolivia|Brazil|Britain|Canada|Chile|China|Colombia"
    r"|Costa Rica|Cuba|Ecuador|El Salvador|England|Europe|France|Germany|Guatemala|Guyana|Haiti|Honduras|Hong Kong"
    r"|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Jamaica|Japan|Kenya|Malaysia|Mexico|Netherlands|New Zealand"
    r"|Nicaragua|Nigeria|Norway|Pakistan|Panama|Paraguay|Peru|Philippines|Portugal|Puerto Rico|Russia|Scotland"
    r"|Singapore|South Africa|Spain|Sweden|Switzerland|Thailand|Trinidad|Turkey|United Kingdom|United States|Uruguay"
    r"|Venezuela|Vietnam|Wales",
    re.IGNORECASE,
)
_DATE_SHAPE = re.compile(r"\b[0-9]{4}$|[0-9]/[0-9]{1,4}/[0-9]|^[A-Za-z]{3,9}\.?\s[0-9]{1,2},")
# Ends a sentence, unless the last word is a shortened one ("Inc.", "D.C.").
_SENTENCE_END = re.compile(r"""[.!?]['"’”)\]]*$""")
_SHORTENED = re.compile(r"(?:\b(?:Inc|Co|Corp|Ltd|Jr|Sr|Assn|Bros|St|No|Ph\.?D|Esq)|\b[A-Z]|\.\.)\.['\"’”)]*$")


@dataclass(frozen=True)
class Source:
    """A line that names the source of a page."""

    dateline: Dateline
    publication: str
    place: str | None

    @property
    def weak(self) -> bool:
        """A bare year and no place: also the form of "2008 - A Year in Review", so it needs other evidence."""
        return self.place is None and self.dateline.precision == "year"


def read_source(line: str) -> Source | None:
    """The source that a line names in the form "DATE sep PUBLICATION (PLACE)", or None for any other line.

    `sep` is one to three hyphens or a longer dash, with or without spaces; the place may be missing.
    """
    source: Source | None = None
    for date, rest in _cuts(line):
        try:
            dateline = Dateline.printed(_COMMA.sub(", ", date))
        except BadDateline:
            continue
        # The longest date that can be read: hyphens can stand in a date ("July-August 2005 - ...").
        publication, place = split_place(rest)
        prose = ends_sentence(rest) and (rest.endswith(".") or len(rest.split()) > 3)
        dated = any(dash.start() >= 4 and _is_date(rest[: dash.start()]) for dash in _DASH.finditer(rest))
        if publication and (place or not prose) and not dated:
            source = Source(dateline, publication, place)
    return source


def _is_date(text: str) -> bool:
    try:
        Dateline.printed(text)
    except BadDateline:
        return False
    return True


def unreadable_date(line: str) -> str | None:
    """What stands for the date in a line that is a source line by its form, but has no date that exists."""
    if read_source(line) is not None:
        return None
    for date, rest in _cuts(line):
        if _DATE_SHAPE.search(date) and split_place(rest)[1]:
            return date
    return None


def _cuts(line: str) -> list[tuple[str, str]]:
    if len(line) > LONGEST:
        return []
    dashes = _DASH.finditer(line, 0, _LONGEST_DATE + 4)
    return [(line[: dash.start()], line[dash.end() :]) for dash in dashes if dash.start() >= 4]


def split_place(text: str) -> tuple[str | None, str | None]:
    """Publication and place of "Daily Bugle (NY)"; either is None where it is missing. Only the last brackets can be
    the place, and only if they hold one: other brackets belong to the name."""
    publication, place = text, None
    brackets = _BRACKETS.search(text[-60:])
    if brackets and _PLACE.fullmatch(brackets[1].strip()):
        place = brackets[1].strip()
        publication = text[: len(text) - len(brackets[0])]
    publication = publication.strip().strip(",;:").strip()
    return (publication if any(char.isalpha() for char in publication) else None), place


def ends_sentence(text: str) -> bool:
    """Whether the text ends as prose does, not as a name or a headline."""
    return bool(_SENTENCE_END.search(text)) and not _SHORTENED.search(text)
