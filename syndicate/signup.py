"""Signing up, whichever way it comes in (form, API, command): consent and its letters (the one that asks to confirm,
the one that welcomes), in one transaction. Whoever called wakes the sender after the commit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from subscribers import budgets, consent, people, subscriptions
from subscribers.addresses import masked, parse
from subscribers.budgets import Limits
from subscribers.models import Subscriber
from subscribers.stoplist import Stops
from subscribers.subscriptions import distinct
from syndicate.errors import NotFound
from syndicate.keys import SiteKeys
from syndicate.models import Letter
from syndicate.outbox import letters

Outcome = Literal["asked", "too-many"]
PageState = Literal["valid", "expired", "invalid"]

LETTER_KIND = "confirm"


class UnknownDigest(NotFound):
    """None was chosen, or one that this site does not have."""


@dataclass(frozen=True)
class ConfirmPage:
    """What the page behind a confirmation link shows.

    `valid`: its button works, or did; `expired`: the link is genuine, but too old or overtaken (the person left since
    or may not be mailed); `invalid`: no link of ours, and nothing is known. `masked` is the address, half hidden.
    """

    state: PageState
    masked: str = ""
    digests: tuple[str, ...] = ()
    subscriber_id: int | None = None


@dataclass(frozen=True)
class SignUp:
    """The flow for one site: its keys, the slugs of its digests, the language of its letters, its stop list and limits.

    A confirmation link works for `confirm_days` from the moment its letter was asked for, any number of times.
    """

    keys: SiteKeys
    digests: tuple[str, ...]
    language: str
    stops: Stops
    limits: Limits = field(default_factory=Limits)
    confirm_days: int = 7

    def ask(
        self,
        session: Session,
        address_text: str,
        digests: Sequence[str],
        *,
        way: str,
        words: str,
        source: str | None = None,
        network: str | None = None,
        now: datetime,
    ) -> Outcome:
        """Note the wish and file its letter. `asked` is the answer for new, waiting, confirmed and suppressed
        addresses alike, also when the budget of the address is spent and nothing is done; only the mail tells.

        `too-many`: the budget of the network is spent, nothing is done. `words` is what the person was shown,
        `network` what `budgets.network_of` gave. Raises InvalidAddress and UnknownDigest.
        """
        address, wanted = parse(address_text), self.known(digests)
        budgets.hold_network(session, network)
        if budgets.network_spent(session, network=network, now=now, limits=self.limits):
            return "too-many"
        hash_of = self.keys.address_hash
        # Met, and so held, before its budget is read: two asks at once would both find it unspent.
        person = people.meet(session, address, hash_of=hash_of, language=self.language, now=now)
        if budgets.address_spent(session, address_hash=person.address_hash, now=now, limits=self.limits):
            return "asked"
        asked = consent.ask(
            session,
            address,
            wanted,
            hash_of=hash_of,
            language=self.language,
            way=way,
            words=words,
            source=source,
            network=network,
            now=now,
        )
        if not asked.suppressed:
            self._file(session, LETTER_KIND, asked.subscriber, {"digests": list(wanted)}, now)
        return "asked"

    def known(self, digests: Sequence[str]) -> tuple[str, ...]:
        """The same slugs, each once. Raises UnknownDigest for none, or for one that the site does not have."""
        wanted = distinct(digests)
        there = ", ".join(self.digests)
        if not wanted:
            raise UnknownDigest(f"no digest was chosen; there is: {there}")
        for digest in wanted:
            if digest not in self.digests:
                raise UnknownDigest(f"there is no digest {digest[:40]!r}; there is: {there}")
        return wanted

    def confirm_page(self, session: Session, token: str, now: datetime) -> ConfirmPage:
        """What to show behind a confirmation link. Changes nothing, however often it is fetched and by whom."""
        letter = self._letter(session, token)
        if letter is None or letter.subscriber_id is None:
            return ConfirmPage("invalid")
        digests = self._asked_in(letter)
        fresh = now < letter.asked_at + timedelta(days=self.confirm_days)
        works = fresh and consent.confirmable(session, letter.subscriber_id, digests)
        return ConfirmPage(
            state="valid" if works else "expired",
            masked=masked(letter.address),
            digests=digests,
            subscriber_id=letter.subscriber_id,
        )

    def confirm(self, session: Session, token: str, *, way: str, now: datetime) -> ConfirmPage:
        """Confirm the digests that the letter of this token asked about, and no others; whoever gets one by it that
        they had not is welcomed by a letter. Again is harmless."""
        page = self.confirm_page(session, token, now)
        if page.state != "valid" or page.subscriber_id is None:
            return page
        # Held before the look, or two clicks at once would both find it new and both be welcomed.
        person = people.hold(session, page.subscriber_id)
        states = subscriptions.read_states(session, person.id)
        if not consent.confirm(session, page.subscriber_id, page.digests, way=way, stops=self.stops, now=now):
            return ConfirmPage("expired", page.masked, page.digests, page.subscriber_id)
        new = tuple(digest for digest in page.digests if states.get(digest) == "asked")
        if new:
            self._file(session, "welcome", person, {"digests": list(new), "subscriber": person.uid}, now)
        return page

    def _file(self, session: Session, kind: str, person: Subscriber, params: dict[str, object], now: datetime) -> None:
        letters.ask(
            session,
            kind=kind,
            address=person.address,
            address_hash=person.address_hash,
            subscriber_id=person.id,
            language=person.language,
            params=params,
            now=now,
        )

    def _letter(self, session: Session, token: str) -> Letter | None:
        uid = self.keys.read_confirm(token)
        letter = letters.by_uid(session, uid) if uid else None
        return letter if letter is not None and letter.kind == LETTER_KIND else None

    def _asked_in(self, letter: Letter) -> tuple[str, ...]:
        """The digests of a letter that the site still has."""
        asked = letter.params.get("digests")
        return tuple(d for d in self.digests if d in asked) if isinstance(asked, list) else ()
