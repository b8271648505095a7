"""Rules between settings: unique names, references that lead somewhere, values that fit together.

They look at the document and not at the typed tree, so that they speak up beside faults of any other kind.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from syndicate.config.places import Finding, Where


def check(document: dict[str, object]) -> tuple[Finding, ...]:
    """All that does not fit together; values of a wrong kind are passed over, as their kind is a fault already."""
    return (
        *_unique(document, ("sections",), "slug"),
        *_unique(document, ("partners",), "slug"),
        *_unique(document, ("digests",), "slug"),
        *_unique(document, ("mail", "dkim", "keys"), "selector"),
        *_empty(document),
        *_references(document),
        *_sizes(document),
        *_login(document),
        *_signing(document),
    )


def _inside(document: object, *names: str) -> dict[str, object]:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _tables(document: dict[str, object], where: tuple[str, ...]) -> Iterator[tuple[int, dict[str, object]]]:
    *names, last = where
    rows = _inside(document, *names).get(last)
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict):
            yield index, row


def _unique(document: dict[str, object], where: tuple[str, ...], key: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, row in _tables(document, where):
        value = row.get(key)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield Finding((*where, index, key), f"{value!r:.60} is used twice: give this one another {key}")
        seen.add(value)


def _empty(document: dict[str, object]) -> Iterator[Finding]:
    digests = _tables(document, ("digests",))
    for where, value in (
        (("sections",), document.get("sections")),
        (("digests",), document.get("digests")),
        *((("digests", index, "sections"), digest.get("sections")) for index, digest in digests),
    ):
        if value == []:
            yield Finding(where, "is empty: there must be at least one")


def _references(document: dict[str, object]) -> Iterator[Finding]:
    known = sorted({slug for _, row in _tables(document, ("sections",)) if isinstance(slug := row.get("slug"), str)})
    if not known:  # without sections each reference would only repeat that fault
        return
    for index, digest in _tables(document, ("digests",)):
        wanted = digest.get("sections")
        seen: set[str] = set()
        for at, slug in enumerate(wanted if isinstance(wanted, list) else ()):
            if not isinstance(slug, str):
                continue
            where: Where = ("digests", index, "sections", at)
            if slug not in known:
                near = get_close_matches(slug, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(known)}"
                yield Finding(where, f"there is no section {slug!r:.60}: {hint}")
            elif slug in seen:
                yield Finding(where, f"names the section {slug!r:.60} twice")
            seen.add(slug)


def _sizes(document: dict[str, object]) -> Iterator[Finding]:
    for index, digest in _tables(document, ("digests",)):
        least, most = digest.get("min_items", 1), digest.get("max_items", 30)
        if isinstance(least, int) and isinstance(most, int) and least > most:
            yield Finding(("digests", index, "min_items"), f"is more than max_items ({most})")


def _login(document: dict[str, object]) -> Iterator[Finding]:
    smtp = _inside(document, "mail", "smtp")
    if smtp.get("username") and not smtp.get("password"):
        yield Finding(("mail", "smtp", "username"), "needs a password: set password_file (or password)")
    if smtp.get("password") and not smtp.get("username"):
        yield Finding(("mail", "smtp", "username"), "is missing, but there is a password")


def _signing(document: dict[str, object]) -> Iterator[Finding]:
    dkim = _inside(document, "mail", "dkim")
    if dkim.get("sign", True) is True and not dkim.get("keys"):
        text = "is true, but there is no key: add [[mail.dkim.keys]], or set it to false when the relay signs"
        yield Finding(("mail", "dkim", "sign"), text)
