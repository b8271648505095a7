"""The byline of an article: which line is one, and the names in it without titles and affiliations."""

import re

from syndicate.clippings.archive_pages.source_line import ends_sentence

_LONGEST = 160
_BY = re.compile(
    r"(?:(?:written|story|posted|reported|compiled|commentary|column|opinion|editorial|analysis|essay|review) )?by:? "
    r"(?:(?:staff (?:writer|reporter)|correspondent)s? )?",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV)\.?", re.IGNORECASE)
_AND = re.compile(r"(?:^|\s)(?:and|&)\s", re.IGNORECASE)
# Words of names that begin with a small letter.
_PARTICLE = re.compile(r"al|and|bin|da|de|del|della|der|di|dos|du|el|la|le|ter|van|von|with|y|zu|&")
# Words of a title or an affiliation.
_AFFILIATION = re.compile(
    r"associated|press|reuters|afp|upi|knight|ridder|scripps|gannett|cox|copley|staff|special|contributing|guest"
    r"|senior|chief|deputy|managing|executive|assistant|associate|freelance|national|editors?|writers?|reporters?"
    r"|columnists?|correspondents?|contributors?|journalists?|photographers?|producers?|publishers?|authors?|director"
    r"|president|chair(?:man|woman|person)?|professor|attorney|lawyer|judge|senator|sheriff|mayor|governor|fellow"
    r"|bureau|services?|network|wire|times|news|newspapers?|post|herald|tribune|journal|gazette|star|sun|chronicle"
    r"|globe|observer|register|sentinel|record|review|bee|dispatch|leader|union|telegraph|mail|guardian|independent"
    r"|magazine|daily|weekly|monthly|morning|evening|courier|examiner|enquirer|inquirer|ledger|advocate|constitution"
    r"|university|college|institute|foundation|coalition|alliance|association|committee|board|inc|llc|online|web|radio"
    r"|tv|television|cnn|npr|pbs|bbc|abc|nbc|cbs|msnbc|newsweek|salon|slate|truthout"
    r"|the|of|for|to|from|at|in|md|m\.d|ph\.?d|esq|usa|.*\.(?:com|org|net)|.*@.*",
    re.IGNORECASE,
)
# Written as no name is: "AlterNet", "CounterPunch".
_BRAND = re.compile(r"(?!Ma?c|De|Di|Du|La|Le|Van|Fitz|St)[A-Z][a-z]+[A-Z]\w*")
# Words of sentences and headlines that are in no name, and such as are in some names (Dorothy Day).
_NO_NAME = re.compile(
    r"an|any|all|are|as|be|but|can|do|does|every|has|have|his|how|if|is|it|its|most|next|no|not|now|one|or|our|out|over"
    r"|own|says?|she|so|that|the|their|then|there|these|they|this|two|up|us|was|we|were|what|when|where|who|why"
    r"|you|your|drugs?|police|sentencing|marijuana|cocaine|heroin|american|mexican|years?|prisoners?|inmates?|victims?",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"far|first|force|life|law|laws|on|part|time|war|wars|prisons?|cops?|courts?|crimes?|jail|sentences?|justice|report"
    r"|series|opinion|commentary|letters?|interview|exclusive|update|meth|crack|reform|state|federal|border|america"
    r"|officials?|house|senate|congress|deaths?|dead|city|county|street|day|night|design|default|numbers|book|truth"
    r"|rights|freedom|legal|legalization|medical|families|children|money|million|billion|nation|new",
    re.IGNORECASE,
)
_ORGANISATION = re.compile(
    r"press|reuters|staff|board|services?|times|news|post|tribune|herald|journal|editors?|coalition"
)
# Where a title or an affiliation begins without a comma.
_TAIL = re.compile(
    r"\s+(?:-{1,2}|[–—|/•]|(?:of|for|from|in|at) (?=[A-Z])|of the |for the )|\s*[(\[;]"
    r"|\s+(?=(?:staff (?:writer|reporter)|special to|associated press writer|correspondent)s?\b)",
    re.IGNORECASE,
)


def read_byline(line: str, *, publication: str | None = None) -> str | None:
    """The names in a line that says it is a byline: "By A and B, Staff Writers" or "A, Staff Writer"; else None.

    Names stay as printed. A part after a comma stays only if it goes on with the names ("A, B and C", ", Jr.").
    """
    by = _BY.match(line)
    if len(line) > _LONGEST:
        # Behind the names may stand, in brackets, who they are.
        names, bracket, _ = line[:_LONGEST].partition("(")
        if by is None or not bracket:
            return None
        line = names
    if by is None:
        return _titled(line, publication)
    written = line[by.end() :].strip()
    names = _names(written, publication)
    if ends_sentence(written) and len(written.split()) > 6:
        return None
    return names if _is_signed(names) else None


def plain_name(line: str) -> str | None:
    """The names in a line that is nothing but names, as stand over some articles without "By"; else None."""
    name, _, rest = line.partition(", ")
    suffix = "" if _is_enumeration(line) else rest
    people = _AND.split(name)
    stops = ends_sentence(line) or line.endswith((",", ":", ";", "-"))
    if stops or line.startswith(("A ", "I ")) or not all(_is_person(one) for one in people):
        return None
    # Four full words are a deck more often than a name.
    if any(sum(len(word) > 1 and not _PARTICLE.fullmatch(word) for word in _words(one)) > 3 for one in people):
        return None
    return line if not suffix or _SUFFIX.fullmatch(suffix) else None


def is_affiliation(line: str, publication: str | None) -> bool:
    """Whether a line under a byline says for whom its author writes: "Associated Press Writer"."""
    if len(line) > 60 or ends_sentence(line):
        return False
    words = _words(line)
    named = any(_AFFILIATION.fullmatch(word) or _BRAND.fullmatch(word) for word in words if word != "the")
    return line == publication or (named and not any(_is_prose(word) for word in words if word.lower() != "the"))


def _titled(line: str, publication: str | None) -> str | None:
    """The names of "A, Staff Writer": without "By", the title must be there and the name must be whole."""
    name, comma, title = line.partition(",")
    words = _words(title)
    if not comma or ends_sentence(line) or not all(_is_person(one) for one in _AND.split(name)):
        return None
    if not is_affiliation(title.strip(), publication) or any(_TOPIC.fullmatch(word) for word in words):
        return None
    return _names(line, publication)


def _names(written: str, publication: str | None) -> str:
    """The names at the head of a byline, as printed, without titles and affiliations."""
    first, *rest = [_cut(part.strip()) for part in written.split(",")]
    # "A, B and C" goes on with names; "A, B" is taken for a name and an affiliation.
    listed = any(_AND.search(part) and _is_listed(part) for part in rest)
    names, skipped = first, False
    for part in rest:
        if _SUFFIX.fullmatch(part) or (listed and part != publication and _is_listed(part)):
            names += (" " if skipped and _AND.match(part) else ", ") + part
        else:
            skipped = True
    return names if re.search(r"\b(?:[A-Z]|[JS]r)\.$", names) else names.rstrip(" .")


def _cut(part: str) -> str:
    tail = _TAIL.search(part)
    return part[: tail.start()] if tail and tail.start() else part


def _is_signed(names: str) -> bool:
    """Whether what follows "By" is somebody: names, or an organisation ("The Associated Press")."""
    words = _words(names.removeprefix("the "))
    if not 1 <= len(words) <= 12 or not all(_is_shaped(word) for word in words):
        return False
    if any(_ORGANISATION.fullmatch(word.lower()) for word in words):
        return len(words) <= 6
    if names.startswith("the "):
        return False
    # A surname may be Day or Law or Post, but not every word of a name is of that kind.
    own = [word for word in words if not (_TOPIC.fullmatch(word) or _AFFILIATION.fullmatch(word))]
    return bool(own) and not any(_is_prose(word) for word in words)


def _is_enumeration(line: str) -> bool:
    """Whether the line is nothing but three or more names: "A, B and C"."""
    parts = line.split(",")
    return len(parts) > 1 and bool(_AND.search(parts[-1])) and all(_is_listed(part.strip()) for part in parts)


def _is_listed(part: str) -> bool:
    """Whether a part after a comma holds whole names only: "B", "B and C", "and C"."""
    names = [name for name in _AND.split(part) if name]
    return bool(names) and all(_is_person(name) for name in names)


def _is_person(text: str) -> bool:
    """Whether the text is one whole name by the strictest reading: two to four words, none of any other use."""
    words = _words(text)
    other = any(_is_prose(word) or _TOPIC.fullmatch(word) or _AFFILIATION.fullmatch(word) for word in words)
    return 2 <= len(words) <= 4 and not other and all(_is_shaped(word) for word in words) and words[0][:1].isupper()


def _words(text: str) -> list[str]:
    words = (word.strip("\"'“”‘’().,;") for word in text.split())
    return [word for word in words if word]


def _is_prose(word: str) -> bool:
    # "A" can be an initial and "Will" a name, a small "a" or "will" cannot.
    return word in ("a", "will") or bool(_NO_NAME.fullmatch(word))


def _is_shaped(word: str) -> bool:
    """Whether the word is written like a part of a name: a capital, letters, hyphens, or a particle."""
    if _PARTICLE.fullmatch(word):
        return True
    return word[:1].isupper() and all(char.isalpha() or char in "'’.-‐" for char in word)
