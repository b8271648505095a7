"""Builds the wheel, installs it with the locked requirements in another place, and uses it there (`make wheel`).

A program and not a test: it needs half a minute and the network. It ends with 0 only if all of it is right.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("feeds", "subscribers", "syndicate")
COUNTS = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")


class WheelIsWrong(Exception):
    """What is not right; the text says what."""


def run(*words: str | Path, cwd: Path) -> str:
    """Run a program in `cwd` without anything of ours in its environment; what it wrote to standard output."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SYNDICATE_", "PYTHON"))}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shown = " ".join(str(word) for word in words)
        raise WheelIsWrong(f"exit {done.returncode} from: {shown}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(place: Path) -> Path:
    """The wheel, built with the locked hatchling of this environment."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, ROOT, cwd=place)
    (wheel,) = place.glob("*.whl")
    return wheel


def expected() -> set[str]:
    """What must be inside: each file of the packages (migrations and samples among them), templates, the example."""
    inside = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    templates = {
        f"syndicate/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "templates").rglob("*") if path.is_file()
    }
    return inside | templates | {"syndicate/config.example.toml"}


def check_contents(wheel: Path) -> None:
    """Everything that is needed is inside, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = expected()
    if missing := sorted(wanted - names):
        raise WheelIsWrong(f"not in the wheel: {', '.join(missing)}")
    if surplus := sorted(names - wanted):
        raise WheelIsWrong(f"in the wheel, but not meant to be: {', '.join(surplus)}")


def install(wheel: Path, place: Path) -> Path:
    """A new environment with the locked requirements and the wheel. Returns its Python."""
    run(sys.executable, "-m", "venv", place, cwd=place.parent)
    python = place / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements.lock", cwd=place)
    run(*pip, "--no-deps", "--no-index", wheel, cwd=place)
    return python


def use(python: Path, place: Path) -> None:
    """What a newcomer does, in a folder that knows nothing of the source tree."""
    program = (python, "-I", "-m", "syndicate")
    version = run(*program, "--version", cwd=place).strip()
    if run(python.parent / "syndicate", "--version", cwd=place).strip() != version:
        raise WheelIsWrong("the command `syndicate` and `python -m syndicate` are not the same version")
    run(*program, "init", "site", cwd=place)
    run(*program, "--config", "site/config.toml", "check", cwd=place)
    run(*program, "--config", "site/config.toml", "feed", "build", cwd=place)
    for made in ("site/secret.key", "site/syndicate.db", "site/public/feeds/rss.xml"):
        if not (place / made).is_file():
            raise WheelIsWrong(f"there is no {made} after init and feed build")
    run(*program, "demo", "--once", "--dir", "demo", cwd=place)
    check_report(place / "demo")
    print(f"{version}: init, check, feed build and demo --once are right outside the tree")


def check_report(demo: Path) -> None:
    """The demo's account adds up, everybody got the mail, and the mails are there."""
    report = json.loads((demo / "report.json").read_text(encoding="utf-8"))
    if report["state"] != "sent" or report["chosen"] != sum(report[count] for count in COUNTS):
        raise WheelIsWrong(f"the demo's account is wrong: {report}")
    if not report["items"] or not 0 < report["accepted"] == report["chosen"]:
        raise WheelIsWrong(f"not everybody got the demo's edition: {report}")
    mails = len(list((demo / "mail").glob("*.eml")))
    if mails <= report["accepted"]:
        raise WheelIsWrong(f"{mails} mails lie in the mailbox: expected {report['accepted']} and a confirmation")


def main() -> int:
    """Build, look inside, install, use. Returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="syndicate-wheel-") as name:
        place = Path(name)
        (place / "elsewhere").mkdir()
        (place / "dist").mkdir()
        try:
            wheel = build(place / "dist")
            check_contents(wheel)
            print(f"{wheel.name}: {wheel.stat().st_size // 1024} kB, nothing missing and nothing too much")
            use(install(wheel, place / "venv"), place / "elsewhere")
        except WheelIsWrong as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
