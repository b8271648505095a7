"""The lines of a mail as SMTP carries them (RFC 5321 §2.3.8, §4.5.2): CRLF ends, dots at their starts doubled."""

from typing import Final

END: Final = b".\r\n"
"""The final dot, after whole lines."""


def has_bare_ends(data: bytes) -> bool:
    """Whether there is a CR or LF by itself: a relay that reads those as line ends could be made to see two mails."""
    return not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


def is_clean(data: bytes) -> bool:
    """Whether `data` is whole lines with CRLF ends of which none begins with a dot: then it goes over the wire as it
    is. Several such, one after another, are clean too."""
    return data.endswith(b"\r\n") and not (data.startswith(b".") or b"\r\n." in data or has_bare_ends(data))


def stuffed(data: bytes) -> bytes:
    """`data` (CRLF line ends) as it goes over the wire: dots at line starts doubled, the final dot at the end."""
    first = b"." if data.startswith(b".") else b""
    last = END if data.endswith(b"\r\n") or not data else b"\r\n" + END
    return first + data.replace(b"\r\n.", b"\r\n..") + last
