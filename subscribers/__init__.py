"""People and consent: who asked for what, who confirmed it, who left, and who may get a mail. Knows SQLAlchemy and
nothing of what is mailed. Used alone:

    with Session(engine) as session, session.begin():
        Base.metadata.create_all(session.connection())
        asked = consent.ask(session, addresses.parse("Alice@example.org"), ["weekly"], hash_of=keyed_hash,
                            language="en", way="form", words="Send me the weekly digest", now=now)
        if not asked.suppressed:
            mail_a_link_to(asked.subscriber.address)   # its token names the subscriber and the digests
        # … and when a person has pressed the button behind that link:
        consent.confirm(session, asked.subscriber.id, ["weekly"], way="page", now=now)
        for subscriber_id, address, language in session.execute(recipients.recipients("weekly", now=now)):
            ...
"""
