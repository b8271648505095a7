"""Makes the mail of a job: a delivery from its edition's frozen composition; a letter is made next door."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import select

from syndicate.app.letters import LetterMaker
from syndicate.config import Config
from syndicate.database import Database
from syndicate.errors import SyndicateError
from syndicate.keys import SiteKeys
from syndicate.mail.compose import Composition
from syndicate.mail.personal import (
    EditionRef,
    MailSite,
    Outgoing,
    Person,
    delivery_mail,
)
from syndicate.mail.render import Renderer
from syndicate.mail.sign import SigningKey
from syndicate.models import Variant
from syndicate.outbox.jobs import DeliveryJob, Job

_KEPT = 8


class NoComposition(SyndicateError):
    """An edition has nothing frozen to send."""


@dataclass
class MailMaker:
    """Called with a job, gives its mail: the same bytes in every attempt. Safe for several threads."""

    database: Database
    config: Config
    keys: SiteKeys
    signing: Sequence[SigningKey]
    renderer: Renderer
    _compositions: dict[tuple[int, str], Composition] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, job: Job) -> Outgoing:
        if isinstance(job, DeliveryJob):
            return self._delivery(job)
        return self._letters(job)

    @cached_property
    def _letters(self) -> LetterMaker:
        return LetterMaker(self.config, self.keys, self.signing, self.renderer)

    @cached_property
    def _site(self) -> MailSite:
        return MailSite.of(self.config)

    def _delivery(self, job: DeliveryJob) -> Outgoing:
        return delivery_mail(
            self._composition(job),
            person=Person(job.subscriber_uid, job.address, job.since.astimezone(self.config.zone)),
            edition=EditionRef(job.edition_id, job.edition_uid, job.digest, job.mail_date),
            site=self._site,
            subscriber_id=job.subscriber_id,
            keys=self.keys,
            signing=self.signing,
        )

    def _composition(self, job: DeliveryJob) -> Composition:
        key = (job.edition_id, job.language)
        with self._lock:
            known = self._compositions.get(key)
        if known is None:
            known = self._load(job)
            with self._lock:
                while len(self._compositions) >= _KEPT:
                    del self._compositions[next(iter(self._compositions))]
                self._compositions[key] = known
        return known

    def _load(self, job: DeliveryJob) -> Composition:
        """The variant in the recipient's language, else in the site's."""
        with self.database.read() as session:
            found = dict(
                session.execute(
                    select(Variant.language, Variant.composition).where(Variant.edition_id == job.edition_id)
                )
                .tuples()
                .all()
            )
        data = found.get(job.language) or found.get(self.config.site.language)
        if data is None:
            raise NoComposition(f"edition {job.edition_id} has no composition to send")
        return Composition.from_bytes(data)
