"""Compares what the ledger says with what lies in the mailbox, person by person."""

from collections import Counter
from email import message_from_bytes, policy

from sqlalchemy import select

from subscribers.models import Subscriber
from syndicate.app.parts import App
from syndicate.catcher import Caught
from syndicate.demo.visitor import ADDRESS
from syndicate.editions.report import Report
from syndicate.mail.personal import MailSite, delivery_message_id
from syndicate.mail.return_path import read_return_path
from syndicate.models import Delivery, Edition


def disagreements(app: App, report: Report, mails: list[Caught]) -> list[str]:
    """Everything in which ledger and mailbox differ, a line each; nothing if all is right."""
    counts, problems = report.counts, []
    if report.state != "sent":
        problems.append(f"the edition is {report.state}, not sent")
    if counts.chosen != counts.accepted or not counts.accepted:
        problems.append(f"{counts.chosen} were chosen and {counts.accepted} accepted")
    expected = _expected(app, report.edition)
    if len(expected) != counts.accepted:
        problems.append(f"the report says {counts.accepted} accepted, the ledger names {len(expected)}")
    arrived = Counter[tuple[str, str]]()
    for mail in mails:
        message = message_from_bytes(mail.path.read_bytes(), policy=policy.default)
        if message["List-Id"] is None:
            continue
        arrived[mail.recipient, str(message["Message-ID"]).strip("<> ")] += 1
        path = read_return_path(mail.sender.partition("@")[0], app.keys)
        if path is None or path.edition_id != report.edition:
            problems.append(f"the return path of the mail to {mail.recipient} does not name its delivery")
    for key in sorted(expected - set(arrived)):
        problems.append(f"accepted, but not in the mailbox: {key[0]}")
    for key, copies in sorted(arrived.items()):
        if key not in expected:
            problems.append(f"in the mailbox, but not in the ledger: {key[0]}")
        elif copies > 1:
            problems.append(f"{copies} copies in the mailbox: {key[0]}")
    if ADDRESS not in {address for address, _ in expected}:
        problems.append(f"{ADDRESS} confirmed and is not among the recipients")
    return problems


def _expected(app: App, edition_id: int) -> set[tuple[str, str]]:
    """Address and Message-ID of every delivery that the ledger calls accepted."""
    site = MailSite.of(app.config)
    with app.database.read() as session:
        uid = session.get_one(Edition, edition_id).uid
        rows = session.execute(
            select(Delivery.address, Subscriber.uid)
            .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
            .where(Delivery.edition_id == edition_id, Delivery.state == "accepted")
        ).tuples()
        return {
            (address, delivery_message_id(site, app.keys, edition_uid=uid, subscriber_uid=person))
            for address, person in rows
        }
