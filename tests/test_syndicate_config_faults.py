"""config.toml: every rule has its bad input, and each fault its line and key."""

from pathlib import Path

import pytest
from small_config import SMALL, ConfigFolder, put

from syndicate.config import ConfigError, Fault, load
from syndicate.config.faults import key_name
from syndicate.errors import UsageError


@pytest.fixture
def site(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


BAD = [
    ("[site]", 'name = ""', "empty"),
    ("[site]", 'name = "two\\nlines"', "one line"),
    ("[site]", 'name = "bell\\u0007"', "control character"),
    ("[site]", 'name = "next\\u0085line"', "control character"),
    ("[site]", "name = 7", "text in quotes"),
    ("[site]", 'url = "valley.test"', "https://"),
    ("[site]", 'url = "ftp://valley.test"', "https://"),
    ("[site]", 'url = "https://valley.test/news"', "no path"),
    ("[site]", 'url = "https://valley.test?a=b"', "no query"),
    ("[site]", 'url = "https://valley.test/#top"', "no #"),
    ("[site]", 'url = "https://valley.test:99999"', "web address"),
    ("[site]", 'url = "https://valley.test:"', "web address"),
    ("[site]", 'url = "https://valley.test?"', "no query"),
    ("[site]", 'url = "https://[::1"', "web address"),
    ("[site]", 'url = "https://va lley.test"', "character"),
    ("[site]", 'url = "https://täl.test"', "xn--"),
    ("[site]", 'url = "https://-x-.test"', "domain name"),
    ("[site]", 'url = "https://u:geheim@valley.test"', "password"),
    ("[site]", 'postal_address = " "', "empty"),
    ("[site]", 'secret_file = ""', "empty"),
    ("[site]", 'secret_file = "a\\u0000b"', "control character"),
    ("[site]", "secret_file = 1", "path of a file"),
    ("[site]", 'language = "english please"', "language tag"),
    ("[site]", 'language = ""', "language tag"),
    ("[site]", 'timezone = "America/New_Yrok"', "did you mean America/New_York?"),
    ("[site]", 'timezone = "America"', "no time zone"),
    ("[site]", 'timezone = "../../etc/passwd"', "no time zone"),
    ("[site]", 'timezone = ""', "no time zone"),
    ("[site]", 'contact = "nobody"', "no e-mail address"),
    ("[site]", 'contact = "a@b"', "no e-mail address"),
    ("[site]", 'tagline = "a\\nb"', "one line"),
    ("[site]", 'nam = "x"', "did you mean name?"),
    ("[site]", "folder = 1", "unknown setting"),
    ("[database]", 'url = "sqlite://"', "sqlite:///FILE"),
    ("[database]", 'url = "sqlite:///:memory:"', "sqlite:///FILE"),
    ("[database]", 'url = "mysql://root:geheim@h/d"', "postgresql"),
    ("[database]", "url = false", "text in quotes"),
    ("[mail]", 'from = "Valley Review"', "no e-mail address"),
    ("[mail]", 'from = "A <a@valley.test> B"', "no sender"),
    ("[mail]", 'from = "A\\r\\nBcc: x@y.test <a@valley.test>"', "control character"),
    ("[mail]", 'from = "A <ä@valley.test>"', "no e-mail address"),
    ("[mail]", 'reply_to = "A <a@valley.test>"', "no e-mail address"),
    ("[mail]", 'bounce_domain = "valley test"', "no domain name"),
    ("[mail]", 'list_domain = "https://valley.test"', "no domain name"),
    ("[mail]", 'sender = "a@valley.test"', "unknown setting"),
    ("[mail]", "smtp = 25", "a table"),
    ("[mail.smtp]", 'host = "a b"', "no domain name"),
    ("[mail.smtp]", 'host = "10.0.0.999"', "no domain name"),
    ("[mail.smtp]", f'host = "{"a." * 130}test"', "no domain name"),
    ("[mail.smtp]", "port = 0", "at least 1"),
    ("[mail.smtp]", "port = 65536", "at most 65535"),
    ("[mail.smtp]", 'port = "smtp"', "whole number"),
    ("[mail.smtp]", "port = true", "not true or false"),
    ("[mail.smtp]", "port = 25.5", "whole number"),
    ("[mail.smtp]", 'security = "ssl"', '"starttls" or "tls"'),
    ("[mail.smtp]", 'username = "me"', "password_file"),
    ("[mail.smtp]", "connections = 0", "at least"),
    ("[mail.smtp]", "messages_per_connection = 0", "at least"),
    ("[mail.smtp]", "rate = -1", "at least"),
    ("[mail.smtp]", "rate = nan", "at least 0"),
    ("[mail.smtp]", "rate = inf", "at most"),
    ("[mail.dkim]", "sign = true", "no key"),
    ("[mail.dkim]", "sign = 7", "true or false"),
    ("[mail.dkim]", 'domain = ".."', "no domain name"),
    ("[mail.dkim]", 'keys = ["a"]', "a table"),
    ("[mail.bounces]", "way = 1", "nothing to set here"),
    ("[sending]", 'uncertain = "maybe"', '"hold" or "resend"'),
    ("[sending]", 'late = "later"', '"send", "hold" or "skip"'),
    ("[sending]", 'late_after = "0s"', "longer than nothing"),
    ("[sending]", 'late_after = "6 hours"', '"6h"'),
    ("[sending]", "late_after = 6", '"6h"'),
    ("[sending]", 'hold_period = "-5m"', '"10m"'),
    ("[sending]", 'give_up = "999999999d"', "too long"),
    ("[sending]", 'give_up = "٣h"', '"6h"'),
    ("[feeds]", "size = 0", "at least"),
    ("[feeds]", 'full_text = "perhaps"', "true or false"),
    ("[feeds]", 'hub = "hub"', "https://"),
    ("[desk]", "approval = 3", "true or false"),
    ("[desk]", 'session = "0m"', "longer than nothing"),
    ("[budgets]", "address_a_day = 0", "at least"),
    ("[budgets]", "network_an_hour = -1", "at least"),
    ("[privacy]", 'ip_retention = "ever"', '"14d"'),
    ("[operator]", 'address = "me"', "no e-mail address"),
    ("[[sections]]", 'name = ""', "empty"),
    ("[[sections]]", "title = 1", "unknown setting"),
    ("[[digests]]", 'slug = "Weekly"', "no slug"),
    ("[[digests]]", 'slug = "1st"', "no slug"),
    ("[[digests]]", f'slug = "{"a" * 33}"', "no slug"),
    ("[[digests]]", 'schedule = "some day"', "schedule"),
    ("[[digests]]", 'schedule = ""', ""),
    ("[[digests]]", 'cutoff = ""', '"30s"'),
    ("[[digests]]", "sections = []", "at least one"),
    ("[[digests]]", 'sections = "news"', "a list"),
    ("[[digests]]", 'sections = ["nwes"]', "did you mean news?"),
    ("[[digests]]", 'sections = ["zzz"]', "there is: news"),
    ("[[digests]]", 'sections = ["news", "news"]', "twice"),
    ("[[digests]]", "min_items = 31", "more than max_items (30)"),
    ("[[digests]]", "max_items = 0", "at least"),
    ("[[digests]]", 'max_age = "0d"', "longer than nothing"),
    ("[[digests]]", 'template = "../digest"', "no plain name"),
    ("[[digests]]", 'from = "x"', "no e-mail address"),
    ("[web]", 'host = ""', "empty"),
    ("[web]", "port = 70000", "at most"),
    ("[web]", 'trusted_proxies = ["10.0.0.0/99"]', "no network"),
    ("[web]", 'trusted_proxies = ["10.0.0.1/8"]', "no network"),
    ("[web]", "trusted_proxies = [1]", "text in quotes"),
]


@pytest.mark.parametrize(("table", "line", "says"), BAD, ids=[f"{table} {line}"[:60] for table, line, _ in BAD])
def test_each_bad_value_is_one_fault_at_its_line(site: ConfigFolder, table: str, line: str, says: str) -> None:
    text, number = put(SMALL, table, line)
    if "max_items = 0" in line:  # would also be less than min_items
        text = text.replace("min_items", "#")
        faults = [fault for fault in site.faults(text) if fault.key.endswith("max_items")]
    else:
        faults = [site.fault(text)]
    key = line.split("=", maxsplit=1)[0].strip()
    table_name = table.strip("[]") + ("[0]" if table.startswith("[[") else "")
    assert [fault.line for fault in faults] == [number]
    assert faults[0].key.split("[")[0].startswith(table.strip("[]"))
    assert faults[0].key.startswith(f"{table_name}.{key}")
    assert says in faults[0].text
    assert "geheim" not in str(faults[0])


@pytest.mark.parametrize(
    ("line", "key", "at"),
    [
        ('name = "Valley Review"', "site.name", "[site]"),
        ('url = "https://valley.test"', "site.url", "[site]"),
        ('postal_address = "7 Mill Lane, Ashford"', "site.postal_address", "[site]"),
        ('from = "Valley Review <review@valley.test>"', "mail.from", "[mail]"),
        ('slug = "news"', "sections[0].slug", "[[sections]]"),
        ('schedule = "thursday 09:00"', "digests[0].schedule", "[[digests]]"),
        ('sections = ["news"]', "digests[0].sections", "[[digests]]"),
    ],
)
def test_a_missing_setting_points_at_its_table(site: ConfigFolder, line: str, key: str, at: str) -> None:
    text = SMALL.replace(line, "# gone")
    assert site.fault(text) == Fault(SMALL.splitlines().index(at) + 1, key, "is missing")


@pytest.mark.parametrize("table", ["sections", "digests"])
def test_there_must_be_a_section_and_a_digest(site: ConfigFolder, table: str) -> None:
    start = SMALL.index(f"[[{table}]]")
    end = SMALL.find("\n[[", start)
    without = SMALL[:start] + (SMALL[end:] if end > 0 else "")
    assert site.fault(without) == Fault(None, table, "is missing")
    assert site.fault(f"{table} = []\n{without}") == Fault(1, table, "is empty: there must be at least one")


def test_a_slug_used_twice_is_named_at_its_second_place(site: ConfigFolder) -> None:
    partner = '\n[[partners]]\nslug = "friends"\nname = "Friends"\nurl = "https://friends.test/us"\n'
    section = '\n[[sections]]\nslug = "news"\nname = "More"\n'
    digest = '\n[[digests]]\nslug = "weekly"\nname = "W"\nschedule = "each"\nsections = ["news"]\n'
    for more, key in ((partner + partner, "partners[1]"), (section, "sections[1]"), (digest, "digests[1]")):
        text = SMALL + more
        fault = site.fault(text)
        where = max(n for n, line in enumerate(text.splitlines(), 1) if line.startswith("slug"))
        assert (fault.line, fault.key) == (where, f"{key}.slug")
        assert "used twice" in fault.text
    key = '\n[[mail.dkim.keys]]\nselector = "s"\nkey_file = "k"\n'
    assert site.fault(SMALL + key + key).key == "mail.dkim.keys[1].selector"


def test_a_partner_has_proper_links(site: ConfigFolder) -> None:
    start = SMALL + '\n[[partners]]\nslug = "friends"\nname = "Friends"\n'
    line = start.count("\n") + 1
    bad = 'url = "javascript:alert(1)"\nfeed = "feed.xml"\nalso = [{ name = "", url = "friends.test" }]\n'
    assert [(fault.line, fault.key) for fault in site.faults(start + bad)] == [
        (line, "partners[0].url"),
        (line + 1, "partners[0].feed"),
        (line + 2, "partners[0].also[0].name"),
        (line + 2, "partners[0].also[0].url"),
    ]
    good = 'url = "https://friends.test/a?b=c#d"\nalso = [{ name = "F", url = "http://f.test" }]\n'
    assert site.load(start + good).partner("friends").also[0].url == "http://f.test"


MANY = """\
# Ten mistakes at once.
[site]
name = "Valley Review"
url = "valley.test"
postal_adress = "7 Mill Lane, Ashford"
timezone = "Mars/Olympus"

[mail]
from = "nobody"
smtp.port = 70000  # a dotted key
dkim = { sign = "so", domain = "valley.test" }

[sending]
late_after = "soon"

[[sections]]
slug = "news"
name = "News"

[[digests]]
slug = "weekly"
name = "Weekly"
schedule = "thursday 25:00"
sections = [
  "news",
  "sport",
]

[[digests]]
slug = "weekly"
name = "Again"
schedule = "each"
sections = ["news"]

[colours]
"""


def test_all_faults_are_named_at_once_with_their_lines(site: ConfigFolder) -> None:
    assert [(fault.line, fault.key) for fault in site.faults(MANY)] == [
        (2, "site.postal_address"),
        (4, "site.url"),
        (5, "site.postal_adress"),
        (6, "site.timezone"),
        (9, "mail.from"),
        (10, "mail.smtp.port"),
        (11, "mail.dkim.sign"),
        (14, "sending.late_after"),
        (23, "digests[0].schedule"),
        (24, "digests[0].sections[1]"),
        (30, "digests[1].slug"),
        (35, "colours"),
    ]


def test_the_error_is_one_line_about_the_first_fault(site: ConfigFolder) -> None:
    path = site.folder / "config.toml"
    path.write_text(MANY, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).startswith("config.toml: line 2: site.postal_address: is missing (and 11 more")
    assert isinstance(caught.value, UsageError)
    assert caught.value.status == 2


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[site]\nname = \n", 2, "TOML"),
        ("[site]\nname = 'a\n", 2, "TOML"),
        ('[site]\nname = """a\n\n', 3, "TOML"),
        ('[site]\nname = """a\n\nb', 4, "TOML"),
        ("[site]\n[site]\n", 2, "TOML"),
        ("a = 1\n\na = 2\n", 3, "TOML"),
        ("a = " + "[" * 4000, None, "nested too deeply"),
        ("a = " + "9" * 5000, None, "TOML"),
        ("a = 2026-13-45\n", 1, "TOML"),
    ],
)
def test_what_is_no_toml_is_one_fault_with_its_line(site: ConfigFolder, text: str, line: int | None, says: str) -> None:
    fault = site.fault(text)
    assert fault.line == line
    assert says in fault.text


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "none.toml", "syndicate init"), (tmp_path, "cannot read"), (Path("a\0b"), "name")):
        with pytest.raises(ConfigError) as caught:
            load(path, {})
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'[site]\n\nname = "caf\xe9"\n')
    with pytest.raises(ConfigError) as caught:
        load(latin, {})
    assert caught.value.faults == (Fault(3, "", "is no UTF-8 text"),)


@pytest.mark.parametrize("name", ["folder", "path", "_env_file", "_cli_parse_args", "sectoins"])
def test_an_unknown_name_at_the_top_is_a_fault_at_its_line(site: ConfigFolder, name: str) -> None:
    fault = site.fault(f"# first\n{name} = true\n{SMALL}")
    assert (fault.line, fault.key) == (2, name)
    assert fault.text.startswith("unknown table: ")
    assert ("did you mean sections?" in fault.text) is (name == "sectoins")
    assert "folder" not in fault.text


def test_a_table_without_a_header_of_its_own_is_placed_at_the_first_one_below(site: ConfigFolder) -> None:
    text = SMALL.replace('[mail]\nfrom = "Valley Review <review@valley.test>"\n\n', "")
    line = text.splitlines().index("[mail.dkim]") + 1
    assert site.fault(text) == Fault(line, "mail.from", "is missing")


def test_an_odd_key_stays_on_one_line(site: ConfigFolder) -> None:
    assert site.fault(SMALL + '["a\\nb"]\n').key == "'a\\nb'"
    assert key_name(("digests", 0, "schedule")) == "digests[0].schedule"
