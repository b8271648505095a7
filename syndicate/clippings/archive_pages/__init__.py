"""Reads what was saved of the coalition's "Don't Miss" archive: article pages and lists. Pure: bytes and text in,
values out."""

from syndicate.clippings.archive_pages.index import IndexPage, Unread, read_index
from syndicate.clippings.archive_pages.lines import decode
from syndicate.clippings.archive_pages.page import detect, read_page
from syndicate.clippings.archive_pages.values import ArchivedClipping, UnreadablePage, fingerprint, too_new

__all__ = [
    "ArchivedClipping",
    "IndexPage",
    "Unread",
    "UnreadablePage",
    "decode",
    "detect",
    "fingerprint",
    "read_index",
    "read_page",
    "too_new",
]
