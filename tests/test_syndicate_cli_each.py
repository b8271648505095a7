"""A digest of `each`: a clipping that is published goes out in a mail of its own, on the template for one."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from console import Console, new_site

from syndicate.app.parts import open_site
from syndicate.catcher import Catcher

EACH = '\n[[digests]]\nslug = "each-one"\nname = "Each one"\nschedule = "each"\nsections = ["latest", "dont-miss"]\n'


def test_a_published_clipping_goes_out_in_a_mail_of_its_own(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, catcher: Catcher
) -> None:
    site: Console = new_site(tmp_path_factory, tmp_path / "site")
    site.config.write_text(site.config.read_text() + EACH)
    site("subscriber", "add", "ann@example.net", "--digest", "each-one", "--consent", "at the fair").done()
    for headline in ("What a pardon takes", "Night court opens"):
        site("clip", "add", "--headline", headline, "--summary", "In short.", "--publish").done()
    with open_site(site.config) as app:
        assert app.config.digest("each-one").template == "single"
        app.tick()
    editions = [one for one in site("edition", "list", "--json").done().json if one["digest"] == "each-one"]
    for one in editions:
        if site("edition", "show", str(one["edition"]), "--json").done().json["state"] == "sending":
            site("edition", "resume", str(one["edition"])).done()  # whoever sends takes all that waits
    mails = [message_from_bytes(one.path.read_bytes(), policy=policy.default) for one in catcher.caught()]
    bodies = [part.get_content() for mail in mails if (part := mail.get_body(("plain",)))]
    assert len(bodies) == len(editions) == 2
    assert sorted("What a pardon takes" in body for body in bodies) == [False, True]
    assert sorted("Night court opens" in body for body in bodies) == [False, True]
    assert all("In short." in body for body in bodies)
