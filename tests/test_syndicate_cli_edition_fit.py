"""An edition larger than a mail may be: each command that looks at it says what the mail goes without."""

import email
import email.policy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from console import Console, new_site
from lxml import html as lxml_html

from syndicate.clippings import store
from syndicate.clippings.store import NewClipping
from syndicate.database import Database
from syndicate.template_folder import templates_root


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    """A site with thirty published clippings that are twice too long together."""
    site = new_site(tmp_path_factory, tmp_path / "site")
    long = "&" * 300  # five bytes each in HTML
    database, now = Database(f"sqlite:///{site.folder / 'syndicate.db'}"), datetime.now(UTC)
    with database.write() as session:
        for number in range(30):
            words = NewClipping(
                headline=f"Story {number}",
                link=f"https://paper.example.com/{number}",
                section="dont-miss",
                publication=long,
                byline=long,
            )
            store.publish(session, store.add(session, words, now=now).id, now=now)
    database.close()
    return site


def test_plan_check_preview_and_show_tell_what_the_mail_goes_without(site: Console) -> None:
    text = site.config.read_text().replace('# languages = ["en", "es"]', 'languages = ["en", "es"]')
    site.config.write_text(text)
    foreseen = site("edition", "plan", "weekly", "--json").done().json["fit"]
    site("edition", "draft", "weekly").done()
    ran = site("edition", "plan", "1", "--json").done()
    assert set(ran.json["fit"]) == {"en", "es"}
    english = ran.json["fit"]["en"]
    moved = english["moved"]
    assert foreseen["en"]["moved"] == moved
    assert 0 < moved < 30
    assert english["bytes"] <= 102_000
    assert english.items() >= {"summaries": None, "lines": 0, "counted": 0}.items(), "nothing else is given up"
    assert len(ran.json["items"]) == 30, "the edition has them all"
    assert site("edition", "show", "1", "--json").done().json["fit"] == {}, "nothing is frozen yet"
    [warned] = [one for one in site("edition", "check", "1", "--json").json if "More on the web" in one["what"]]
    assert (warned["level"], warned["where"]) == ("warning", "html")

    told = site("edition", "approve", "1").done().err
    assert f"warning: {warned['what']} (html): {warned['remedy']}\n" in told
    shown = site("edition", "show", "1", "--json").done().json["fit"]
    line = f"made to fit: {moved} clippings moved to “More on the web”"
    assert (shown["en"]["moved"], shown["es"]["moved"]) == (moved, moved)
    assert site("edition", "plan", "1", "--json").done().json["fit"] == shown
    assert site("edition", "plan", "1").done().err == f"{line}\n"
    assert line in [" ".join(one.split()) for one in site("edition", "show", "1").done().lines]

    mail = site("edition", "preview", "1", "--eml", "--language", "es").done()
    assert mail.err == f"{line}\n"
    message = email.message_from_bytes(mail.raw, policy=email.policy.default)
    html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[attr-defined]
    root = lxml_html.document_fromstring(html)
    assert "Más en la web" in [one.text_content() for one in root.xpath("//h2")]
    links = [one.get("href") for one in root.xpath("//p[@class='also']/a[@class='also']")]
    assert len(links) == moved
    assert set(links) <= {line.strip() for line in text.splitlines()}


def test_a_plan_of_a_draft_whose_mail_cannot_be_made_says_so_and_plans(site: Console) -> None:
    site("edition", "draft", "weekly").done()
    folder = site.folder / "templates" / "email" / "digest"
    folder.mkdir(parents=True)
    (folder / "body.txt").write_text("{{ nothing.there }}")
    ran = site("edition", "plan", "1", "--json").done()
    assert (len(ran.json["items"]), ran.json["fit"]) == (30, {})
    assert "there is no mail of it: " in ran.err
    assert "digest/body.txt" in ran.err


def test_a_template_that_loses_clippings_is_warned_of(site: Console) -> None:
    site("edition", "draft", "weekly").done()
    folder = site.folder / "templates" / "email" / "digest"
    folder.mkdir(parents=True)
    own = (templates_root() / "email" / "digest" / "body.html").read_text()
    assert "{{ items_.elsewhere(more, rest) }}" in own
    (folder / "body.html").write_text(own.replace("{{ items_.elsewhere(more, rest) }}", ""))
    found = [one for one in site("edition", "check", "1", "--json").json if "nowhere in the mail" in one["what"]]
    assert [(one["level"], one["where"]) for one in found] == [("warning", "html")]
    assert "`more`" in found[0]["remedy"]


def test_what_is_added_beyond_the_digest_s_own_rules_is_told(site: Console) -> None:
    site("edition", "draft", "weekly").done()
    added = site("clip", "add", "--headline", "One more", "--publish").done().lines[0]
    ran = site("edition", "add", "1", added).done()
    assert ran.lines == ["1"]
    assert ran.err == "warning: that makes 31 clippings: the digest takes 30 by itself (max_items)\n"
    site("edition", "drop", "1", added).done()
    left_out = site("edition", "show", "1", "--json").json["left_out"]
    assert left_out == [{"clipping": added, "reason": "carried over by hand"}]
    shape = site("edition", "add", "1", added, "--json").done().json
    assert shape["warnings"] == ["that makes 31 clippings: the digest takes 30 by itself (max_items)"]
    assert site("edition", "show", "1", "--json").json["left_out"] == []
