"""A mail composed once for everybody: bytes on the wire, with slots; per person they are only filled and joined."""

import hashlib
import json
from binascii import a2b_qp
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import Final, Literal

from syndicate.errors import SyndicateError
from syndicate.mail import quoted
from syndicate.mail.headers import Field, Headers, block, common_fields, personal_fields, plain
from syndicate.mail.lines import is_clean
from syndicate.mail.pages import Rendered
from syndicate.mail.slots import mark, split_at_marks, without_marks

__all__ = ["BadComposition", "Composition", "Headers", "Piece", "compose"]

_FORMAT: Final = 1

Part = Literal["frame", "text", "html"]


class BadComposition(SyndicateError):
    """Stored bytes are not a composition that this program can read."""


@dataclass(frozen=True)
class Piece:
    """A stretch of the body as it goes out: encoded bytes, or, with `slot`, a place for something personal."""

    part: Part
    data: bytes = b""
    slot: str = ""


@dataclass(frozen=True)
class Composition:
    """A whole mail but for what is personal. What `fill` sends and `text` and `html` show are the same pieces."""

    subject: str
    language: str
    first_fields: tuple[Field, ...]
    last_fields: tuple[Field, ...]
    mailto: str | None
    message_domain: str
    pieces: tuple[Piece, ...]

    @cached_property
    def text(self) -> str:
        """The text part as it is read, slots as marks."""
        return self._shown("text")

    @cached_property
    def html(self) -> str:
        """The HTML part as it is read, slots as marks."""
        return self._shown("html")

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over all that is sent, slots apart."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def fill(
        self,
        to: str,
        message_id: str,
        values: Mapping[str, str],
        one_click: str | None,
        mailto: str | None = None,
    ) -> tuple[bytes, list[bytes]]:
        """The header block (without DKIM-Signature and empty line) and the parts of the body for one person.

        `values` gives each slot its plain text (a link, a date); with `one_click`, an https link, the header has the
        List-Unsubscribe pair, in which `mailto`, a link of this person, comes second. A Message-ID without domain gets
        ours. KeyError names a slot without a value.
        """
        identity = message_id if "@" in message_id else f"{message_id}@{self.message_domain}"
        personal = personal_fields(to, identity, one_click, mailto or self.mailto)
        header = self._block_before + block(personal) + self._block_after
        encoded: dict[str, bytes] = {}
        chunks = list(self._chunks)
        for part, slot, places in self._wanted:
            shown = escape(values[slot]) if part == "html" else values[slot]
            if shown not in encoded:
                encoded[shown] = quoted.value(shown)
            for place in places:
                chunks[place] = encoded[shown]
        return header, chunks

    @cached_property
    def clean(self) -> bool:
        """Whether all parts of every body are clean (see `is_clean`): what is personal always is."""
        return all(is_clean(piece.data) for piece in self.pieces if piece.data)

    @property
    def slots(self) -> frozenset[str]:
        """The names of the slots that want a value."""
        return frozenset(slot for _, slot, _ in self._wanted)

    def to_bytes(self) -> bytes:
        """For keeping: the same composition gives the same bytes."""
        document = {
            "format": _FORMAT,
            "subject": self.subject,
            "language": self.language,
            "first_fields": self.first_fields,
            "last_fields": self.last_fields,
            "mailto": self.mailto,
            "message_domain": self.message_domain,
            "pieces": [[piece.part, piece.data.decode("ascii"), piece.slot] for piece in self.pieces],
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")

    @staticmethod
    def from_bytes(data: bytes) -> "Composition":
        """What `to_bytes` kept. BadComposition when it is something else."""
        try:
            document = json.loads(data)
            if document["format"] != _FORMAT:
                raise BadComposition(f"this composition is of format {document['format']}: a newer program made it")
            return Composition(
                subject=document["subject"],
                language=document["language"],
                first_fields=tuple((name, value) for name, value in document["first_fields"]),
                last_fields=tuple((name, value) for name, value in document["last_fields"]),
                mailto=document["mailto"],
                message_domain=document["message_domain"],
                pieces=tuple(Piece(part, text.encode("ascii"), slot) for part, text, slot in document["pieces"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadComposition(f"a stored composition cannot be read: {error!r}") from error

    @cached_property
    def _block_before(self) -> bytes:
        return block(self.first_fields)

    @cached_property
    def _block_after(self) -> bytes:
        return block(self.last_fields)

    @cached_property
    def _chunks(self) -> tuple[bytes, ...]:
        return tuple(piece.data for piece in self.pieces)

    @cached_property
    def _wanted(self) -> tuple[tuple[Part, str, tuple[int, ...]], ...]:
        """What is personal: the part, the slot, and the numbers of its pieces."""
        wanted = sorted({(piece.part, piece.slot) for piece in self.pieces if piece.slot})
        numbered = list(enumerate(self.pieces))
        return tuple(
            (part, slot, tuple(n for n, piece in numbered if (piece.part, piece.slot) == (part, slot)))
            for part, slot in wanted
        )

    def _shown(self, part: Part) -> str:
        shown = (
            mark(piece.slot) if piece.slot else a2b_qp(piece.data).decode("utf-8")
            for piece in self.pieces
            if piece.part == part
        )
        return "".join(shown).replace("\r\n", "\n")


def compose(rendered: Rendered, headers: Headers, boundary_seed: str) -> Composition:
    """The mail that `rendered` and `headers` make; the same three arguments give the same bytes, always.

    Where `headers.subject` is empty the rendered one stands. Both parts are quoted-printable, the text first
    (RFC 2046 §5.1.4).
    """
    headers = replace(headers, subject=plain(without_marks(headers.subject or rendered.subject)))
    # "=_" never occurs in quoted-printable (RFC 2045 §6.7), so no text can hold the boundary.
    boundary = "=_" + hashlib.sha256(boundary_seed.encode("utf-8", "replace")).hexdigest()[:32]
    first, last = common_fields(headers, boundary)
    pieces = (
        Piece("frame", _part_head(boundary, "text/plain")),
        *_pieces("text", rendered.text),
        Piece("frame", _part_head(boundary, "text/html")),
        *_pieces("html", rendered.html),
        Piece("frame", f"--{boundary}--\r\n".encode("ascii")),
    )
    return Composition(
        subject=headers.subject,
        language=headers.language,
        first_fields=first,
        last_fields=last,
        mailto=headers.list_unsubscribe_mailto,
        message_domain=headers.message_domain,
        pieces=pieces,
    )


def _part_head(boundary: str, kind: str) -> bytes:
    return (
        f"--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")


def _pieces(part: Part, text: str) -> list[Piece]:
    """The part cut at its marks. It ends in a line end, so that the boundary after it starts a line."""
    *before, (rest, _) = split_at_marks(text.rstrip("\n") + "\n")
    pieces: list[Piece] = []
    for words, slot in before:
        pieces.append(Piece(part, quoted.literal(words, followed=True)))
        pieces.append(Piece(part, slot=slot))
    return [*pieces, Piece(part, quoted.literal(rest, followed=False))]
