"""A digest gets a look of its own, as docs/writing-templates.md says: a folder is copied, changed and named."""

import shutil
from pathlib import Path

import pytest
from console import new_site, use_relay

from syndicate.catcher import Catcher
from syndicate.template_folder import templates_root


def test_a_digest_template_is_added_by_copying_one_folder(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(tmp_path_factory, tmp_path / "site")
    use_relay(monkeypatch, catcher.port)
    bulletin = site.folder / "templates" / "email" / "bulletin"
    shutil.copytree(templates_root() / "email" / "digest", bulletin)
    (bulletin / "subject.txt").write_text("Bulletin: {{ total }} stories\n")
    text = site.config.read_text()
    assert text.count('\ntemplate = "digest"') == 1
    site.config.write_text(text.replace('\ntemplate = "digest"', '\ntemplate = "bulletin"'))
    site("clip", "add", "--headline", "One", "--link", "https://paper.example.com/1", "--publish").done()
    site("edition", "draft", "weekly").done()
    assert "\nSubject: Bulletin: 1 stories\n" in site("edition", "preview", "1", "--eml").done().out.replace("\r", "")
    assert "https://paper.example.com/1" in site("edition", "preview", "1", "--text").done().out
    site("edition", "check", "1").done()
    # A template that knows nothing of `title` is not asked: what the editor wrote is the subject.
    site("edition", "subject", "1", "In our own words").done()
    mail = site("edition", "preview", "1", "--eml").done().out.replace("\r", "")
    assert "\nSubject: In our own words\n" in mail
    site("edition", "test", "1", "ann@example.net").done()
    [caught] = catcher.caught()
    assert "\nSubject: Test: In our own words\n" in caught.path.read_text().replace("\r", "")
    (bulletin / "body.txt").unlink()
    line = site("edition", "approve", "1").refused(1)
    assert "there is no e-mail template bulletin/body.txt: looked in" in line
    assert site("edition", "show", "1", "--json").json["state"] == "draft"
