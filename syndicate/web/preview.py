"""One mail as a page of its own: on a phone and on a desk, light and dark, as text, its headers, its source.

The page needs no server and runs no script. The mail lies in sandboxed frames as it is; what it finds there is the
colour scheme of the frame (CSS Color Adjustment 1: `color-scheme` of the embedding element)."""

import email
import email.policy
from email.message import EmailMessage
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from syndicate.template_folder import templates_root


def preview_page(mail: bytes, *, edition: int, language: str, standing: str) -> str:
    """The page of this whole mail (as it is sent). `standing` says in words whether it can still change."""
    folder = templates_root() / "web" / "preview"
    templates = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    message = email.message_from_bytes(mail, policy=email.policy.default)
    return templates.get_template("page.html").render(
        style=(folder / "page.css").read_text(encoding="utf-8"),
        subject=str(message["Subject"]),
        edition=edition,
        language=language,
        standing=standing,
        html=body_of(message, "html"),
        text=body_of(message, "plain"),
        headers=header_block(mail),
        source=mail.decode("ascii", "replace"),
    )


def header_block(mail: bytes) -> str:
    """The header fields of a mail as they stand, the blank line that ends them left out."""
    return mail.partition(b"\r\n\r\n")[0].decode("ascii", "replace")


def body_of(message: EmailMessage, kind: Literal["html", "plain"]) -> str:
    """The HTML or the text part, decoded; "" if there is none."""
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""
