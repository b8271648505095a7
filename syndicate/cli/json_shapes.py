"""The JSON of the command line, one function a shape: the keys are a contract that scripts rely on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from feeds.dates import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from subscribers.listing import HistoryLine, Listed
    from syndicate.app.parts import App
    from syndicate.config import Fault
    from syndicate.editions.given_up import Fits
    from syndicate.editions.preflight.findings import Finding
    from syndicate.editions.report import Report
    from syndicate.models import Clipping

Shape = dict[str, Any]


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with whole seconds: `2026-11-24T12:00:00Z`."""
    return None if moment is None else rfc3339(moment)


def clippings(session: Session, site: App, found: Iterable[Clipping]) -> list[Shape]:
    """Each of these clippings, in their order, with the address of its page and its permanent id in feeds."""
    from syndicate.clippings.store import path
    from syndicate.publishing.entries import feed_id, site_facts

    facts = site_facts(session)
    return [_clipping(one, url=site.config.site.url + path(one), feed_id=feed_id(one.id, facts)) for one in found]


def _clipping(clipping: Clipping, *, url: str, feed_id: str) -> Shape:
    return {
        "id": clipping.id,
        "state": clipping.state,
        "archival": clipping.archival,
        "headline": clipping.headline,
        "deck": clipping.deck,
        "byline": clipping.byline,
        "publication": clipping.publication,
        "place": clipping.place,
        "dateline": clipping.dateline,
        "section": clipping.section,
        "link": clipping.link,
        "summary": clipping.summary,
        "rights": clipping.rights,
        "url": url,
        "feed_id": feed_id,
        "published_at": instant(clipping.published_at),
        "correction": clipping.correction,
        "corrected_at": instant(clipping.corrected_at),
    }


def subscriber(listed: Listed) -> Shape:
    """A subscriber in any state; `digests` are those that they get."""
    return {
        "id": listed.id,
        "address": listed.address,
        "state": listed.state,
        "language": listed.language,
        "digests": list(listed.digests),
        "since": instant(listed.since),
        "paused_until": instant(listed.paused_until),
    }


def consent_event(line: HistoryLine) -> Shape:
    """One step of a subscriber's history."""
    return {
        "at": instant(line.at),
        "kind": line.kind,
        "digest": line.digest,
        "way": line.way,
        "words": line.words,
        "version": line.version,
        "form": line.form,
        "source": line.source,
        "network": line.network,
    }


_REPORT_HEAD = ("edition", "digest", "number", "kind", "slot", "state", "items", "chosen")
_REPORT_COUNTS = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
_REPORT_KEYS = (*_REPORT_HEAD, *_REPORT_COUNTS, "hash", "started_at", "finished_at")


def edition(report: Report) -> Shape:
    """An edition and its account: `chosen` is the sum of the seven numbers that follow it."""
    whole = report.as_json()
    return {key: whole[key] for key in _REPORT_KEYS}


def plan(digest: str, chosen: list[Shape], left_out: list[Shape], reason: str | None, fits: Fits) -> Shape:
    """What an edition would hold; `reason` says why it would hold nothing, `fits` what its mails go without."""
    return {
        "digest": digest,
        "items": [shape["clipping"] for shape in chosen],
        "left_out": [{"clipping": shape["clipping"], "reason": shape["reason"]} for shape in left_out],
        "reason": reason,
        "fit": fit(fits),
    }


def fit(fits: Fits) -> Shape:
    """By language, what a mail goes without to stay small enough; null for one that is whole."""
    return {language: given_up.as_json() if given_up else None for language, given_up in fits.items()}


def fault(fault: Fault) -> Shape:
    """One thing that is wrong with a configuration, or still an example."""
    return {"line": fault.line, "key": fault.key, "text": fault.text}


def finding(finding: Finding) -> Shape:
    """One thing that the check of an edition found: `level` is fault, warning or note."""
    return {"level": finding.level, "what": finding.what, "remedy": finding.remedy, "where": finding.where}
