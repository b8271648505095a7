"""Feeds as documents: entries in; RSS 2.0, Atom 1.0 and JSON Feed 1.1 out, as bytes.

Knows no database, no settings and no clock, so the same feed gives the same bytes, always:

>>> from datetime import UTC, datetime
>>> from feeds.jsonfeed import json_feed
>>> from feeds.model import Entry, Feed
>>> from feeds.xml import atom, rss
>>> when = datetime(2009, 3, 14, 9, 30, tzinfo=UTC)
>>> news = Entry("tag:example.org,2009:1", "A <b>ban</b> ends", when, when, "https://example.org/1", "At last.")
>>> feed = Feed("tag:example.org,2009:all", "News", "https://example.org/", entries=(news,))
>>> b"<title>A &lt;b&gt;ban&lt;/b&gt; ends</title>" in rss(feed) and b"2009-03-14T09:30:00Z" in atom(feed)
True
>>> b'"content_text": "At last."' in json_feed(feed)
True

Rooms: `model` (what a feed says), `xml` and `jsonfeed` (how it is written), `sanitize` (HTML made harmless; call it
before HTML goes into `content_html`), `text`, `dates` and `links` (the small rules behind all of them), `tidy` (those
rules applied to a whole feed), `errors` (`FeedError`, the only error that a document can end in).
"""
