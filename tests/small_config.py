"""A small configuration for tests, a folder to read changed ones in, and the list of all settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from syndicate.config import Config, ConfigError, Fault, load

SMALL = """\
[site]
name = "Valley Review"
url = "https://valley.test"
postal_address = "7 Mill Lane, Ashford"

[mail]
from = "Valley Review <review@valley.test>"

[mail.dkim]
sign = false

[[sections]]
slug = "news"
name = "News"

[[digests]]
slug = "weekly"
name = "Weekly"
schedule = "thursday 09:00"
sections = ["news"]
"""


@dataclass(frozen=True)
class ConfigFolder:
    """Writes a configuration into a folder of its own and reads it."""

    folder: Path

    def load(self, text: str, environ: Mapping[str, str] | None = None) -> Config:
        path = self.folder / "config.toml"
        path.write_bytes(text.encode())
        return load(path, environ or {})

    def faults(self, text: str, environ: Mapping[str, str] | None = None) -> tuple[Fault, ...]:
        with pytest.raises(ConfigError) as caught:
            self.load(text, environ)
        assert all("\n" not in str(fault) for fault in caught.value.faults)
        assert "\n" not in str(caught.value)
        return caught.value.faults

    def fault(self, text: str, environ: Mapping[str, str] | None = None) -> Fault:
        faults = self.faults(text, environ)
        assert len(faults) == 1, [str(fault) for fault in faults]
        return faults[0]


def put(text: str, table: str, line: str) -> tuple[str, int]:
    """The text with `line` as the first line after the header `table`, instead of another value of the same key;
    and the number of that line."""
    key = line.split("=", maxsplit=1)[0].strip()
    lines = text.splitlines()
    if table not in lines:
        lines += ["", table]
    start = lines.index(table) + 1
    end = next((n for n in range(start, len(lines)) if lines[n].startswith("[")), len(lines))
    inside = [old for old in lines[start:end] if old.split("=", maxsplit=1)[0].strip() != key]
    return "\n".join([*lines[:start], line, *inside, *lines[end:]]) + "\n", start + 1


def known(model: type[BaseModel] = Config, parents: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every setting that the program knows, as keys."""
    found = set()
    for name, field in model.model_fields.items():
        where = (*parents, field.alias or name)
        kinds = (field.annotation, *get_args(field.annotation))
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        found |= known(inner[0], where) if inner else {where}
    return found - {("folder",), ("path",)}
