"""config.toml: what the environment changes, and where secrets come from and never show."""

from datetime import timedelta
from pathlib import Path

import pytest
from small_config import SMALL, ConfigFolder, put

from syndicate.config import Config, Fault


@pytest.fixture
def site(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


def test_the_environment_wins_over_the_file(site: ConfigFolder) -> None:
    config = site.load(
        SMALL,
        {
            "SYNDICATE_MAIL__SMTP__PORT": "2525",
            "SYNDICATE_MAIL__FROM": "Other <other@valley.test>",
            "SYNDICATE_DESK__APPROVAL": "true",
            "SYNDICATE_SENDING__HOLD_PERIOD": "10m",
            "SYNDICATE_DATABASE__URL": "sqlite:///other.db",
            "SYNDICATE_SITE__POSTAL_ADDRESS": "8 Mill Lane",
            "SYNDICATE_MAIL__SMTP__RATE": "2.5",
        },
    )
    assert config.mail.smtp.port == 2525
    assert config.mail.from_address == "other@valley.test"
    assert config.site.contact == "other@valley.test"
    assert config.desk.approval is True
    assert config.sending.hold_period == timedelta(minutes=10)
    assert config.database.url == f"sqlite:///{site.folder}/other.db"
    assert config.mail.smtp.rate == 2.5
    assert config.site.name == "Valley Review"


@pytest.mark.parametrize("value", ["10.0.0.0/8,127.0.0.1", '["10.0.0.0/8", "127.0.0.1"]', " 10.0.0.0/8 , 127.0.0.1 "])
def test_several_values_in_one_variable(site: ConfigFolder, value: str) -> None:
    config = site.load(SMALL, {"SYNDICATE_WEB__TRUSTED_PROXIES": value})
    assert config.web.trusted_proxies == ("10.0.0.0/8", "127.0.0.1/32")


def test_other_variables_do_not_disturb(site: ConfigFolder) -> None:
    others = {
        "SYNDICATE_TEST_POSTGRES_URL": "postgresql://x",
        "SYNDICATE_TEST__X": "1",
        "SYNDICATE_HOME": "/x",
        "SYNDICATE_SITE": '{"name": "no"}',
        "SYNDICATE_PATH": "/x",
        "SYNDICATE_FOLDER": "/x",
        "SYNDICATE_WEB_PORT": "1",
        "SYNDICATE_MAIL__SMTP__PORT": "",
        "MAIL__SMTP__PORT": "1",
        "syndicate_mail__smtp__port": "1",
        "SYNDICATE_SITE__N\udcffME": "1",
    }
    assert site.load(SMALL, others) == site.load(SMALL)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SYNDICATE_MAIL__SMTP__PORT", "smtp", "whole number"),
        ("SYNDICATE_MAIL__SMPT__PORT", "25", "did you mean smtp?"),
        ("SYNDICATE_MAIL__SMTP__PROT", "25", "did you mean port?"),
        ("SYNDICATE_MIAL__SMTP__PORT", "25", "SYNDICATE_MAIL__"),
        ("SYNDICATE_MAIL__SMTP", "geheim", "JSON"),
        ("SYNDICATE_MAIL__DKIM__KEYS", "{", "JSON"),
        ("SYNDICATE_DIGESTS__0__SCHEDULE", "each", "config.toml"),
        ("SYNDICATE_SITE__LANGUAGE", "\udcff", "language tag"),
        ("SYNDICATE_SITE__NAME", "\udcff", "control character"),
        ("SYNDICATE_SITE__URL", "https://u:geheim@valley.test", "password"),
        ("SYNDICATE_DATABASE__URL", "geheim://x", "postgresql"),
        ("SYNDICATE_MAIL__SMTP__USERNAME", "me", "needs a password"),
        ("SYNDICATE_WEB____PORT", "1", "unknown setting"),
        ("SYNDICATE_WEB__", "1", "unknown setting"),
    ],
)
def test_a_fault_of_the_environment_names_the_variable(site: ConfigFolder, name: str, value: str, says: str) -> None:
    fault = site.fault(SMALL, {name: value})
    assert (fault.line, fault.key) == (None, name)
    assert says in fault.text
    assert "geheim" not in str(fault)


def test_a_broken_table_is_not_hidden_by_the_environment(site: ConfigFolder) -> None:
    text = "web = 3\n" + SMALL
    assert site.fault(text, {"SYNDICATE_WEB__PORT": "80"}) == Fault(1, "web", "expected a table")


def smtp(*lines: str) -> str:
    return SMALL + "\n[mail.smtp]\n" + "\n".join(lines) + "\n"


def password(config: Config) -> str | None:
    secret = config.mail.smtp.password
    return secret.get_secret_value() if secret else None


def test_a_password_comes_from_the_file_it_names(site: ConfigFolder) -> None:
    (site.folder / "relay").write_text("geheim wort\n", encoding="utf-8")
    text = smtp('username = "me"', 'password_file = "relay"')
    assert password(site.load(text)) == "geheim wort"
    assert password(site.load(text, {"SYNDICATE_MAIL__SMTP__PASSWORD": "other"})) == "other"
    (site.folder / "second").write_text("second", encoding="utf-8")
    assert password(site.load(text, {"SYNDICATE_MAIL__SMTP__PASSWORD_FILE": "second"})) == "second"
    own = smtp('username = "me"', 'password = "own"')
    assert password(site.load(own, {"SYNDICATE_MAIL__SMTP__PASSWORD_FILE": "second"})) == "second"


def test_the_database_address_may_come_from_a_file(site: ConfigFolder) -> None:
    (site.folder / "url").write_text("postgresql://u:geheim@h/d\n", encoding="utf-8")
    config = site.load(SMALL + '\n[database]\nurl_file = "url"\n')
    assert config.database.url == "postgresql://u:geheim@h/d"


@pytest.mark.parametrize(
    ("lines", "key", "says"),
    [
        (('username = "me"', 'password_file = "none"'), "mail.smtp.password_file", "No such file"),
        (('username = "me"', "password_file = 7"), "mail.smtp.password_file", "path of a file"),
        (('username = "me"', 'password_file = "a\\u0000"'), "mail.smtp.password_file", "path of a file"),
        (('username = "me"', 'password_file = "."'), "mail.smtp.password_file", "cannot read"),
        (('username = "me"', 'password = "geheim"', 'password_file = "x"'), "mail.smtp.password_file", "keep one"),
        (('username = "me"', "password = 12345"), "mail.smtp.password", "text in quotes"),
        (('password = "geheim"',), "mail.smtp.username", "there is a password"),
    ],
)
def test_a_wrong_secret_is_one_fault_that_does_not_show_it(
    site: ConfigFolder, lines: tuple[str, ...], key: str, says: str
) -> None:
    fault = site.fault(smtp(*lines))
    assert fault.key == key
    assert says in fault.text
    assert "geheim" not in str(fault)
    assert "12345" not in str(fault)


def test_both_ways_to_say_a_secret_in_the_environment_are_one_too_many(site: ConfigFolder) -> None:
    both = {"SYNDICATE_MAIL__SMTP__PASSWORD": "geheim", "SYNDICATE_MAIL__SMTP__PASSWORD_FILE": "x"}
    fault = site.fault(smtp('username = "me"'), both)
    assert fault == Fault(None, "SYNDICATE_MAIL__SMTP__PASSWORD_FILE", "is set beside password: keep one of the two")


def test_no_secret_is_in_the_text_of_a_configuration(site: ConfigFolder) -> None:
    text = smtp('username = "me"', 'password = "geheim"')
    text += '\n[database]\nurl = "postgresql://u:geheim@h/d"\n'
    config = site.load(text)
    assert "geheim" not in repr(config) + str(config)
    assert "geheim" not in repr(config.database) + str(config.mail.smtp)
    broken = site.faults(text.replace('language = "en"', "") + "\n[site.x]\n")
    assert "geheim" not in "".join(map(str, broken))


def test_a_wrong_value_in_the_file_is_told_though_the_environment_stands_in_for_it(site: ConfigFolder) -> None:
    """Without that variable, in another terminal or on another machine, it would be what stops the program."""
    text, line = put(SMALL, "[mail.smtp]", "port = 99999")
    fault = site.fault(text, {"SYNDICATE_MAIL__SMTP__PORT": "2525"})
    assert (fault.line, fault.key) == (line, "mail.smtp.port")
    both = site.faults(text, {"SYNDICATE_MAIL__SMTP__PORT": "smtp"})
    assert [(one.line, one.key) for one in both] == [(None, "SYNDICATE_MAIL__SMTP__PORT"), (line, "mail.smtp.port")]


def test_what_only_the_environment_sets_is_no_fault_of_the_file(site: ConfigFolder) -> None:
    text = SMALL.replace('postal_address = "7 Mill Lane, Ashford"\n', "")
    assert site.load(text, {"SYNDICATE_SITE__POSTAL_ADDRESS": "8 Mill Lane"}).site.postal_address == "8 Mill Lane"
    assert site.fault(text, {"SYNDICATE_MAIL__SMTP__PORT": "2525"}).key == "site.postal_address"
