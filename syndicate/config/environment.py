"""Settings from the environment: `SYNDICATE_MAIL__SMTP__PORT=2525` stands for `port` in `[mail.smtp]`."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic_settings import EnvSettingsSource, SettingsError

from syndicate.config.faults import Finding, Where
from syndicate.config.settings import Config
from syndicate.config.tables import Table

PREFIX = "SYNDICATE_"
_BETWEEN = "__"
_TABLES = tuple(
    name
    for name, field in Config.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Table)
)


@dataclass(frozen=True)
class Override:
    """One variable: its name, the setting it names, and the tables down to its value."""

    variable: str
    where: Where
    tables: Mapping[str, object]


class _OneVariable(EnvSettingsSource):
    """pydantic-settings' reading of names and values, for one variable and not for the process's environment."""

    def __init__(self, name: str, value: str) -> None:
        self._given = {name.lower(): value}
        super().__init__(Config, env_prefix=PREFIX, env_nested_delimiter=_BETWEEN)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._given


def overrides(environ: Mapping[str, str]) -> tuple[tuple[Override, ...], tuple[Finding, ...]]:
    """What the environment sets, in the order of names, and what is wrong with those names and values.

    Only `SYNDICATE_<TABLE>__<KEY>` counts; empty values and all other names are left alone, unless a name is so near to
    a table's that it must be a slip.
    """
    found: list[Override] = []
    faults: list[Finding] = []
    for name in sorted(environ):
        pieces = tuple(name.removeprefix(PREFIX).lower().split(_BETWEEN))
        if not name.startswith(PREFIX) or len(pieces) < 2 or not environ[name] or not name.isascii():
            continue
        if pieces[0] not in _TABLES:
            faults.extend(_slip(name, pieces[0]))
            continue
        try:
            tables = _OneVariable(name, environ[name])()
        except SettingsError:
            faults.append(Finding(pieces, "expected JSON, as this setting holds several values", name))
            continue
        found.append(Override(name, pieces, tables))
    return tuple(found), tuple(faults)


def _slip(variable: str, table: str) -> tuple[Finding, ...]:
    if table in Config.model_fields:
        return (Finding((table,), f"{table} cannot be set in the environment: write it in config.toml", variable),)
    near = get_close_matches(table, _TABLES, n=1, cutoff=0.7)
    if not near:
        return ()
    text = f"there is no table {table}: did you mean {PREFIX}{near[0].upper()}__…?"
    return (Finding((table,), text, variable),)
