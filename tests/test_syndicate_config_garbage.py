"""config.toml: whatever stands in the file or the environment, it is a configuration or a list of faults."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_config import SMALL, ConfigFolder, known

from syndicate.config import Config, ConfigError, Fault, load, warnings


@pytest.fixture
def site(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


def survives(load_it: Callable[[], Config]) -> None:
    faults: tuple[Fault, ...] = ()
    try:
        warnings(load_it(), {})
    except ConfigError as error:
        faults = error.faults
    assert all(fault.text and "\n" not in str(fault) for fault in faults)


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.datetimes(),
        st.sampled_from(["1h", "news", "a@valley.test", "https://valley.test", "thursday 09:00"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["slug", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)
spots = st.sampled_from(sorted(known()))


def plant(document: dict[str, object], where: tuple[str, ...], value: object) -> None:
    inner: object = document
    for name in where[:-1]:
        if isinstance(inner, list):
            inner = inner[0] if inner else None
        if not isinstance(inner, dict):
            return
        inner = inner.setdefault(name, {})
    inner = inner[0] if isinstance(inner, list) and inner else inner
    if isinstance(inner, dict) and value is not None:
        inner[where[-1]] = value


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(spots, st.integers(1, 4), values), min_size=1, max_size=4))
def test_any_value_anywhere_is_accepted_or_a_fault(
    site: ConfigFolder, changes: list[tuple[tuple[str, ...], int, object]]
) -> None:
    document: dict[str, object] = tomlkit.parse(SMALL).unwrap()
    for where, depth, value in changes:
        plant(document, where[:depth], value)
    try:
        text = tomlkit.dumps(document)
    except (ValueError, TypeError):  # a value that tomlkit will not write, such as a list with nothing in TOML for it
        return
    survives(lambda: site.load(text))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=60), st.text("[]={}\"'.#\n ab1_-", max_size=60).map(str.encode)))
def test_any_bytes_are_a_configuration_or_a_config_error(site: ConfigFolder, data: bytes) -> None:
    path = site.folder / "config.toml"
    path.write_bytes(data)
    survives(lambda: load(path, {}))
    path.write_bytes(SMALL.encode() + data)
    survives(lambda: load(path, {}))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.lists(
            st.sampled_from(["SITE", "MAIL", "SMTP", "PORT", "URL", "FROM", "DKIM", "KEYS", "WEB", "X", ""]),
            min_size=1,
            max_size=4,
        ).map(lambda names: "SYNDICATE_" + "__".join(names)),
        st.one_of(st.text(max_size=10), st.sampled_from(["{}", "[]", "null", "1", '{"port": 1}', "\udcff"])),
        max_size=4,
    )
)
def test_any_environment_is_accepted_or_a_fault(site: ConfigFolder, environ: dict[str, str]) -> None:
    survives(lambda: site.load(SMALL, environ))
