"""Reads a configuration whole: file, environment, defaults, kinds, rules; and says all that is wrong at once."""

import copy
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from syndicate.config.checks import check
from syndicate.config.defaults import SECRETS, fill
from syndicate.config.environment import Override, overrides
from syndicate.config.faults import ConfigError, Fault, Finding, Places, Where, lines_of
from syndicate.config.settings import Config
from syndicate.config.wording import findings, unknown

_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the configuration at `path`, with what `environ` overrides.

    Relative paths in it are taken from the folder of the file. The site's secret and the DKIM keys are not read and
    need not exist; files named by `<key>_file` are read. Raises ConfigError with every fault.
    """
    path = Path(os.path.abspath(path))
    text = _read(path)
    document = _parse(path, text)
    variables, faults = overrides(environ)
    hidden = _hidden(document, variables, path.parent)
    document, more = _merge(document, variables)
    faults += more + fill(document, path.parent)
    try:
        config = Config.model_validate({**document, "folder": path.parent, "path": path})
    except ValidationError as error:
        faults += findings(error)
    faults += check(document)
    if faults or hidden:
        lines = lines_of(text)
        places = Places(lines, {o.where: o.variable for o in variables})
        told = [*map(places.fault, faults), *map(Places(lines, {}).fault, hidden)]
        raise ConfigError(path.name, _in_order(told))
    return config


def example_path() -> Path:
    """The commented configuration that `init` copies: `syndicate/config.example.toml` of an installed wheel, else
    `config.toml` at the top of the repository."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "config.example.toml"
    return packaged if packaged.is_file() else package.parent / "config.toml"


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        text = f"there is no file {path}: run `syndicate init` to make a site, or name one with --config"
    except OSError as error:
        text = f"cannot read {path}: {error.strerror}"
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(path.name, (Fault(line, "", "is no UTF-8 text"),)) from None
    except ValueError:
        text = "the name of the file holds a character that no file name can hold"
    raise ConfigError(path.name, (Fault(None, "", text),))


def _parse(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        fault = Fault(None, "", "is no TOML: nested too deeply")
    except ValueError as error:  # TOMLDecodeError, and what int() and datetime say of absurd values
        place = _AT_LINE.search(str(error))
        reason = " ".join(_AT_LINE.sub("", str(error)).split())
        line = None if place is None else int(place[1]) if place[1] else text.count("\n") + (not text.endswith("\n"))
        fault = Fault(line, "", f"is no TOML: {reason}")
    raise ConfigError(path.name, (fault,))


def _merge(document: dict[str, object], variables: Sequence[Override]) -> tuple[dict[str, object], tuple[Finding, ...]]:
    """The document with what the environment sets, without tables that nobody knows; those are the findings."""
    known = {name for name in Config.model_fields if name not in ("folder", "path")}
    unknowns = tuple(Finding((name,), unknown(name)) for name in document if name not in known)
    merged: dict[str, object] = {name: value for name, value in document.items() if name in known}
    for override in variables:
        _drop_twin(merged, override.where)
    for override in variables:
        _lay_over(merged, override.tables)
    return merged, unknowns


def _drop_twin(document: dict[str, object], where: Where) -> None:
    """A secret and the file that holds it are two ways to say one thing: the environment's way wins."""
    *names, key = (str(part) for part in where)
    twin = key.removesuffix("_file") if key.endswith("_file") else f"{key}_file"
    inside: object = document
    for name in names:
        inside = inside.get(name) if isinstance(inside, dict) else None
    if isinstance(inside, dict) and (*names, min(key, twin, key=len)) in SECRETS:
        inside.pop(twin, None)


def _lay_over(below: dict[str, object], above: Mapping[str, object]) -> None:
    for key, value in above.items():
        if not isinstance(value, Mapping):
            below[key] = value
        elif isinstance(inner := below.setdefault(key, {}), dict):
            _lay_over(inner, value)


def _hidden(document: dict[str, object], variables: Sequence[Override], folder: Path) -> tuple[Finding, ...]:
    """Values in the file that cannot be right, though the environment stands in for them: where it does not (another
    terminal, another machine) the program would stop at them. Values that are not in the file are no fault then."""
    replaced = {override.where for override in variables}
    tables = {str(where[0]) for where in replaced}
    alone = copy.deepcopy({name: value for name, value in document.items() if name in tables})
    fill(alone, folder)
    try:
        Config.model_validate(alone)
    except ValidationError as error:
        return tuple(one for one in findings(error) if one.where in replaced and _is_set(document, one.where))
    return ()


def _is_set(document: object, where: Where) -> bool:
    for name in where:
        document = document.get(str(name)) if isinstance(document, dict) else None
    return document is not None


def _in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """By line; those without a line first, and nothing said twice."""
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (fault.line or 0, fault.key, fault.text)))
