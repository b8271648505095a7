"""Where the packaged templates lie: inside the wheel, or at the top of the repository."""

from pathlib import Path


def templates_root() -> Path:
    """The folder with `email/` and `web/`. A wheel carries it as `syndicate/templates`, a checkout at its top level."""
    package = Path(__file__).resolve().parent
    packaged = package / "templates"
    return packaged if packaged.is_dir() else package.parent / "templates"
