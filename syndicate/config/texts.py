"""Plain text in settings: clean, and on as many lines as it may have. A refusal is a ValueError of one clear line."""

from pathlib import Path


def clean_text(value: str) -> str:
    """The text without outer white space; refuses control characters and lone surrogates but for line breaks."""
    if any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in value):
        raise ValueError("holds a control character: remove it")
    return value.strip()


def one_line(value: str) -> str:
    """Clean, not empty, on one line."""
    text = clean_text(value)
    if not text:
        raise ValueError("is empty: write something here")
    if "\n" in text or "\t" in text:
        raise ValueError("must be one line of text without tabs")
    return text


def maybe_line(value: str) -> str:
    """Clean, on one line, perhaps empty."""
    return one_line(value) if value.strip() else ""


def paragraph(value: str) -> str:
    """Clean and not empty; may have several lines."""
    text = clean_text(value)
    if not text:
        raise ValueError("is empty: write something here")
    return text


def file_path(value: object) -> object:
    """The path of a file; relative ones were made absolute before (config.defaults)."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise ValueError("expected the path of a file in quotes")
    return Path(one_line(value))
