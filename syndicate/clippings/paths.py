"""Where a clipping stands on the site. The id decides; the slug is there for people."""

import re
import unicodedata

from syndicate.models import Clipping

SLUG_LENGTH = 60
NO_SLUG = "clipping"


def slug(headline: str) -> str:
    """The headline as lower-case ASCII words joined by hyphens, at most 60 characters and cut between words where
    that is possible; "clipping" if nothing is left."""
    plain = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall(r"[a-z0-9]+", plain.replace("'", "")))
    if len(words) > SLUG_LENGTH:
        whole, cut, _ = words[: SLUG_LENGTH + 1].rpartition("-")
        words = whole if cut else words[:SLUG_LENGTH]
    return words or NO_SLUG


def path(clipping: Clipping) -> str:
    """The path of the clipping's page: `/clippings/<id>/<slug>`."""
    return f"/clippings/{clipping.id}/{slug(clipping.headline)}"
