"""config.toml: what the example and a small file give, and what is warned about."""

import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from small_config import SMALL, ConfigFolder, known, put

from syndicate.config import example_path, load, split_sender, warnings
from syndicate.config.faults import lines_of
from syndicate.config.texts import sender
from syndicate.errors import NotFound


@pytest.fixture
def site(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


def test_the_example_is_accepted_as_it_is() -> None:
    config = load(example_path(), {})
    assert [section.name for section in config.sections] == ["Latest Drug War News", "Don't Miss"]
    weekly = config.digest("weekly")
    assert (weekly.schedule, weekly.sections, weekly.template) == (
        "thursday 09:00",
        ("latest", "dont-miss"),
        "digest",
    )
    links = {link for p in config.partners for link in (p.url, *(also.url for also in p.also))}
    assert links == {
        "https://drugpolicy.org",
        "https://stopthedrugwar.org",
        "https://www.drugsense.org",
        "https://www.mapinc.org",
    }
    assert config.zone == ZoneInfo("America/New_York")


def written(text: str) -> set[tuple[str | int, ...]]:
    """The settings of a TOML text without indexes, comments of the form `# key = value` included."""
    opened = re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    return {tuple(part for part in where if isinstance(part, str)) for where in lines_of(opened)}


def test_the_example_names_every_setting() -> None:
    text = example_path().read_text(encoding="utf-8")
    beside = {("mail", "smtp", "password"), ("partners", "feed")}  # named in prose
    assert known() - written(text) <= beside
    assert "password_file" in text
    assert "feed = " in text


def test_what_the_example_writes_out_are_the_defaults(site: ConfigFolder) -> None:
    full, small = load(example_path(), {}), site.load(SMALL)
    for table in ("sending", "feeds", "desk", "budgets", "privacy", "web"):
        assert getattr(full, table) == getattr(small, table)
    assert full.mail.smtp == small.mail.smtp
    assert full.site.timezone == small.site.timezone
    assert full.site.language == small.site.language
    ours, theirs = (c.digest("weekly").model_dump() for c in (full, small))
    for key in ("cutoff", "min_items", "max_items", "max_age", "template", "sender"):
        assert ours[key] == theirs[key]
    assert full.sending.hold_period == timedelta(0)
    assert full.sending.late_after == timedelta(hours=6)
    assert full.sending.give_up == timedelta(hours=72)
    assert full.digests[0].max_age == timedelta(days=45)
    assert (full.mail.smtp.rate, full.mail.smtp.connections) == (0, 10)


def test_settings_that_follow_from_others_are_filled_in(site: ConfigFolder) -> None:
    config = site.load(SMALL)
    assert config.site.contact == "review@valley.test"
    assert config.operator.address == "review@valley.test"
    assert config.mail.bounce_domain == "valley.test"
    assert config.mail.list_domain == "valley.test"
    assert config.mail.dkim.domain == "valley.test"
    bare = site.load(
        SMALL.replace('"https://valley.test"', '"http://127.0.0.1:8000"').replace("@valley", "@mail.valley")
    )
    assert bare.mail.list_domain == "mail.valley.test"
    own, _ = put(SMALL, "[site]", 'contact = "desk@valley.test"')
    assert site.load(own).operator.address == "desk@valley.test"


def test_paths_start_at_the_folder_of_the_file(site: ConfigFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    text = SMALL.replace("sign = false", '[[mail.dkim.keys]]\nselector = "2026"\nkey_file = "keys/a.pem"')
    config = site.load(text)
    assert config.folder == site.folder
    assert config.path == site.folder / "config.toml"
    assert config.site.secret_file == site.folder / "secret.key"
    assert config.mail.dkim.keys[0].key_file == site.folder / "keys/a.pem"
    assert config.database.url == f"sqlite:///{site.folder}/syndicate.db"


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        ("sqlite:///data/x.db", "sqlite:///{folder}/data/x.db"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("sqlite:///x.db?timeout=5", "sqlite:///{folder}/x.db?timeout=5"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
    ],
)
def test_a_relative_database_file_is_in_the_site_folder(site: ConfigFolder, url: str, becomes: str) -> None:
    text, _ = put(SMALL, "[database]", f'url = "{url}"')
    assert site.load(text).database.url == becomes.replace("{folder}", str(site.folder))


def test_nothing_can_be_changed(site: ConfigFolder) -> None:
    config = site.load(SMALL)
    for part, name in (
        (config, "site"),
        (config.site, "name"),
        (config.mail.smtp, "port"),
        (config.digests[0], "name"),
    ):
        with pytest.raises(ValidationError):
            setattr(part, name, getattr(part, name))
    assert all(isinstance(rows, tuple) for rows in (config.digests, config.sections, config.digests[0].sections))


def test_lookups_by_slug(site: ConfigFolder) -> None:
    config = site.load(SMALL)
    assert config.section("news").name == "News"
    assert config.digest("weekly").name == "Weekly"
    for find in (config.section, config.digest, config.partner):
        with pytest.raises(NotFound, match="no-such"):
            find("no-such")


def test_values_are_made_canonical(site: ConfigFolder) -> None:
    text = SMALL.replace('"https://valley.test"', '"HTTPS://News.Valley.TEST:8443/"')
    text = text.replace("Valley Review <review", "Valley Review, Inc. <review")
    text = text.replace("review@valley.test", "review@Valley.TEST")
    config = site.load(text)
    assert config.site.url == "https://news.valley.test:8443"
    assert config.mail.sender == '"Valley Review, Inc." <review@valley.test>'
    assert (config.mail.from_name, config.mail.from_address) == ("Valley Review, Inc.", "review@valley.test")
    assert config.mail.list_domain == "news.valley.test"


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp"), exclude_characters="<>"), max_size=40))
@example('a "b" c\\')
@example('"quoted, name"')
@example('"')
def test_a_canonical_sender_reads_back_the_same(name: str) -> None:
    once = sender(f"{name} <a@valley.test>")
    assert sender(once) == once
    assert split_sender(once) == split_sender(f"{name} <a@valley.test>")


def test_a_file_with_byte_order_mark_and_crlf_is_read(site: ConfigFolder) -> None:
    assert site.load("\ufeff" + SMALL.replace("\n", "\r\n")).site.name == "Valley Review"
    broken, line = put(SMALL, "[site]", 'language = "?"')
    assert site.fault("\ufeff" + broken.replace("\n", "\r\n")).line == line


def test_the_example_is_warned_about_line_by_line() -> None:
    config = load(example_path(), {})
    lines = example_path().read_text(encoding="utf-8").splitlines()
    found = {fault.key: fault.line for fault in warnings(config, {})}
    assert set(found) >= {
        "site.url",
        "site.contact",
        "site.postal_address",
        "mail.from",
        "mail.bounce_domain",
        "mail.list_domain",
        "mail.dkim.domain",
        "operator.address",
    }
    for key, line in found.items():
        assert line is not None
        assert lines[line - 1].startswith(key.rsplit(".", maxsplit=1)[-1] + " = ")


def test_a_finished_site_is_not_warned_about(site: ConfigFolder) -> None:
    (site.folder / "secret.key").touch()
    assert warnings(site.load(SMALL), {}) == []


def test_a_site_whose_relay_signs_is_not_warned_about_its_keys(site: ConfigFolder) -> None:
    (site.folder / "secret.key").touch()
    keys = 'domain = "example.org"\n[[mail.dkim.keys]]\nselector = "s1"\nkey_file = "none"'
    text = SMALL.replace("sign = false", f"sign = false\n{keys}")
    assert warnings(site.load(text), {}) == []
    assert len(warnings(site.load(text.replace("sign = false\n", "")), {})) == 3


def test_missing_key_files_are_warnings_and_no_faults(site: ConfigFolder) -> None:
    text = SMALL.replace("sign = false", '[[mail.dkim.keys]]\nselector = "s1"\nkey_file = "s1.pem"')
    found = warnings(site.load(text), {})
    assert [fault.key for fault in found] == ["site.secret_file", "mail.dkim.keys[0].key_file"]
    assert [fault.line for fault in found] == [1, text.splitlines().index('key_file = "s1.pem"') + 1]
    assert all("syndicate init" in fault.text for fault in found)


def test_a_signing_domain_that_is_not_the_senders_is_warned_about(site: ConfigFolder) -> None:
    (site.folder / "secret.key").touch()
    (site.folder / "k").touch()
    keys = '[[mail.dkim.keys]]\nselector = "s1"\nkey_file = "k"'
    for domain, keyed in (("relay.test", True), ("valley.test", False), ("mail.valley.test", False)):
        text = SMALL.replace("sign = false", f'domain = "{domain}"\n{keys}')
        assert bool(warnings(site.load(text), {})) is keyed


@pytest.mark.parametrize(
    ("schedule", "more", "key"),
    [
        ("thursday 09:00", "", None),
        ("monthly 31 09:00", "", None),
        ("each", 'max_age = "1h"', None),
        ("mon,thu 07:30", 'max_age = "97h"', None),  # four days, and the hour that autumn has more
        ("mon,thu 07:30", 'max_age = "97h"\ncutoff = "2h"', "digests[0].max_age"),
        ("mon,thu 07:30", 'max_age = "3d"', "digests[0].max_age"),
        ("0 9 1 1,4,7,10 *", "", "digests[0].max_age"),
        ("0 9 1 1 *", 'max_age = "365d"', None),
        ("0 9 1 1 *", "", "digests[0].max_age"),
        ("0 9 30 2 *", "", "digests[0].schedule"),
        ("* * * * *", "", None),
    ],
)
def test_a_digest_that_comes_too_seldom_for_its_clippings_is_warned_about(
    site: ConfigFolder, schedule: str, more: str, key: str | None
) -> None:
    (site.folder / "secret.key").touch()
    text = SMALL.replace('"thursday 09:00"', f'"{schedule}"') + more
    assert [fault.key for fault in warnings(site.load(text), {})] == [key] * (key is not None)


def test_an_example_in_the_environment_names_the_variable(site: ConfigFolder) -> None:
    (site.folder / "secret.key").touch()
    environ = {"SYNDICATE_SITE__CONTACT": "me@example.com"}
    found = warnings(site.load(SMALL, environ), environ)
    assert [fault.key for fault in found] == ["SYNDICATE_SITE__CONTACT", "operator.address"]
