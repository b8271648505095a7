"""The public feeds as files, for a web server that knows nothing of us."""

from pathlib import Path

from syndicate.config import Config
from syndicate.database import Database
from syndicate.durable import replaced
from syndicate.errors import SyndicateError
from syndicate.publishing.documents import Documents


def build(database: Database, config: Config, out: Path) -> list[Path]:
    """Write every public feed under its own address below `out` (`out/feeds/rss.xml`), the bytes that the site serves.

    Each file is replaced in one step, so that no reader meets half a feed. Returns the files written, main ones
    first. Raises SyndicateError when one cannot be written.
    """
    documents = Documents(config)
    with database.read() as session:
        made = [(path, documents.render(session, path) or b"") for path in documents.paths()]
    try:
        return [_replace(out / path.lstrip("/"), data) for path, data in made]
    except OSError as error:
        raise SyndicateError(f"cannot write the feeds: {error}: choose a folder with --out") from None


def _replace(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file, mode=0o644) as out:
        out.write(data)
    return file
