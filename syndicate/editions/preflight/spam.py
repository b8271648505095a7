"""What SpamAssassin says of a mail, where it is installed: its packaged rules only, so a smoke alarm, no forecast."""

import re
import shutil
import subprocess
from collections.abc import Iterator

from syndicate.editions.preflight.findings import Finding, fault, note, warning

_ASKS, _BLOCKS = 3.0, 5.0
_PATIENCE = 60
_STATUS = re.compile(rb"^X-Spam-Status:.*?score=(-?\d+(?:\.\d+)?).*?tests=([^\s]*(?:\r?\n[ \t]+[A-Z0-9_,=.-]+)*)", re.M)


def spam(mail: bytes, *, program: str = "spamassassin", patience: float = _PATIENCE) -> Iterator[Finding]:
    """The points that the mail gets offline; a note where the program is missing or does not answer in `patience`
    seconds."""
    path = shutil.which(program)
    if path is None:
        yield note("SpamAssassin is not installed, so nobody counted spam words", f"install {program}", "spam")
        return
    try:
        ran = subprocess.run(  # noqa: S603 - a program of the machine, by its whole path; the mail is its input
            [path, "-L", "-t", "--cf=report_safe 0"], input=mail, capture_output=True, timeout=patience, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield note(f"SpamAssassin gave no answer ({type(error).__name__})", "try it by hand", "spam")
        return
    found = _STATUS.search(ran.stdout)
    if found is None:
        yield note("SpamAssassin gave no score", f"see what `{program} -L -t` says by hand", "spam")
        return
    score, rules = float(found[1]), b"".join(found[2].split()).decode("ascii", "replace").replace(",", ", ")
    what = f"SpamAssassin gives it {score:g} points ({rules})"
    if score > _BLOCKS:
        yield fault(f"{what}; at 5 it is spam", "write it otherwise: each rule is explained on its site", "spam")
    elif score > _ASKS:
        yield warning(f"{what}; at 5 it is spam", "look at the words its rules name", "spam")
    else:
        yield note(what, "nothing to do", "spam")
