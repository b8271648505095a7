"""The lines of the coalition's site that are no part of an article: "Return to ...", the partner block, the footer."""

import re
from collections.abc import Sequence

from syndicate.clippings.archive_pages.lines import Line
from syndicate.clippings.archive_pages.source_line import ends_sentence

# "Return to Drug War News: Don't Miss Archive". The last word keeps headlines out ("Return to Prohibition").
_RETURN = re.compile(
    r"(?:\[[0-9]{1,3}\]|\W{0,4})\s?(?:(?:click here to\s)?(?:return|go back|back)) to\b"
    r"(?:.{0,70}\b(?:archives?|index|home|home ?page|top|page|menu|contents|news|coalition|wire|main|site|lists?)\W*"
    r"|.{0,50}don['’]t miss.{0,20})",
    re.IGNORECASE,
)
# Each opens what stands under every article. Nothing that follows belongs to one.
_OPENERS = re.compile(
    r"for the latest drug war news(?:\W*|\b.{0,40}\b(?:friends|allies|links|sites|organi[sz]ations|below)\b.*)"
    r"|(?:please )?(?:visit )?our friends and allies(?:\W*| (?:below|here)\b.*)"
    r"|we are careful not to duplicate the efforts of other\b.*|working to end drug war injustice\W*",
    re.IGNORECASE,
)
# Seen under an article where no opener is; a line of an article may read so too, hence only at the very end.
_FOOTERS = re.compile(
    r"meet the people behind\b.{0,60}|questions or (?:problems|comments)\?.{0,80}"
    r"|.{0,20}contact (?:us|webmaster)\b.{0,60}"
    r"|(?:the )?drug policy alliance\b.{0,60}|.{0,30}drug reform coordination network\b.{0,60}"
    r"|.{0,20}stop ?the ?drug ?war(?:\.org)?\b.{0,40}|drug ?sense\b.{0,60}|(?:the )?media awareness project\b.{0,40}"
    r"|.{0,60}\bnovember coalition\b.{0,80}|.{0,60}november\.org\b.{0,40}|.{0,20}good ?shop\b.{0,140}"
    r"|(?:the )?razor wire\b.{0,30}|latest drug war news|the internet our website|google"
    r"|.{0,20}\bwebmaster\b.{0,60}|(?:back to )?top(?: of (?:the )?page)?|home(?: ?page)?|site ?map|search|donate"
    r"|[\w ]{2,25}(?: ?[|•·] ?[\w ]{2,25}){2,}",
    re.IGNORECASE,
)
# Known although they end as sentences do.
_FOOT_SENTENCES = re.compile(
    r"questions or (?:problems|comments)\?.{0,30}(?:contact|mail|write)\b.{0,60}"
    r"|(?:copyright|©|\(c\)).{0,30}\bnovember coalition\b.{0,60}",
    re.IGNORECASE,
)
_BANNER = re.compile(r"good ?(?:shop|search)\b.{0,140}|shop online at goodshop\b.{0,200}", re.IGNORECASE)
_SHORT = 80


def is_return(text: str) -> bool:
    """Whether the line only leads back to a list: "Return to Drug War News: Don't Miss Archive"."""
    return len(text) <= 110 and bool(_RETURN.fullmatch(text))


def is_site_line(text: str) -> bool:
    """Whether the line can only be the site's own, wherever it stands."""
    return is_return(text) or bool(_OPENERS.fullmatch(text)) or (len(text) < 250 and bool(_BANNER.fullmatch(text)))


def without_foot(lines: Sequence[Line]) -> list[Line]:
    """The lines of an article without what the site put under it.

    Cut are everything from the first line that opens the site's foot, and at the very end known foot lines with the
    short ones among them.
    """
    opener = next((at for at, line in enumerate(lines) if _OPENERS.fullmatch(line.text)), len(lines))
    return list(lines[: _foot(lines[:opener])])


def without_insertions(lines: Sequence[Line], above: Sequence[Line]) -> list[Line]:
    """The lines of an article without what the site put into it: banners and copies of the navigation `above`.

    Lines that lead back stay: where one stands is what tells the head from the body.
    """
    copies = {line.text for line in above}
    # One word alone ("Google", "Home") may well stand in an article; a whole line of navigation does not.
    kept = [
        line
        for line in lines
        if is_return(line.text) or not (is_site_line(line.text) or (" " in line.text and line.text in copies))
    ]
    while kept and kept[-1].text in copies:
        kept.pop()
    return kept


def _foot(lines: Sequence[Line]) -> int:
    """Where the known foot lines at the end begin; the number of lines if there are none."""
    foot, back = len(lines), None
    for at in range(len(lines) - 1, -1, -1):
        text = lines[at].text
        prose = ends_sentence(text) and not _is_call(text)
        if is_return(text):
            # With other lines below, it may be the head's: an article of short lines, or of verse.
            foot, back = (at, back) if at + 1 == foot else (foot, at)
        elif _is_known_foot(text, prose=prose):
            foot = at
        elif prose or len(text) > _SHORT:
            return foot if back is None else min(foot, back)
    return foot


def _is_known_foot(text: str, *, prose: bool) -> bool:
    if _FOOT_SENTENCES.fullmatch(text) or (len(text) < 250 and _BANNER.fullmatch(text)):
        return True
    return not prose and len(text) <= 2 * _SHORT and bool(_FOOTERS.fullmatch(text))


def _is_call(text: str) -> bool:
    """Whether the text is a call of a few words, as stand in navigation: "Bring Back Federal Parole!"."""
    return len(text) <= 40 and text.endswith("!")
