"""What a person is told of a backup: what is in it, what is not, and what to do next."""

from pathlib import Path

from syndicate.backup.manifest import Manifest
from syndicate.backup.restoring import Restored
from syndicate.cli.json_shapes import instant
from syndicate.config import Config


def made(config: Config, manifest: Manifest, file: Path) -> list[str]:
    """After `db backup`."""
    return [
        str(file),
        f"in it: the database ({_counts(manifest)}){_keys_in(manifest)}",
        f"not in it: {_missing(config, manifest)}",
    ]


def put(config: Config, done: Restored, left: int | None) -> list[str]:
    """After `db restore`."""
    keys = ", ".join(str(path) for path in done.keys)
    return [
        f"restored: the database of {instant(done.manifest.made_at)} ({_counts(done.manifest)})",
        f"kept: {done.kept or 'nothing, as there was no database'}",
        *([f"put where there was none: {keys}"] if keys else []),
        *([f"missing: {config.site.secret_file}: put back your copy"] if not config.site.secret_file.exists() else []),
        _left(left),
        "held: nothing is sent before you say so. Look at `syndicate outbox status` and `syndicate edition list`,",
        "cancel what had gone since (`syndicate edition cancel E`), then run `syndicate outbox release`",
    ]


def _left(left: int | None) -> str:
    if left is None:
        return "the stop list was not read: before a mail goes it must be"
    return f"the stop list: {left} people who left since then have left here too"


def _counts(manifest: Manifest) -> str:
    return ", ".join(f"{count} {name}" for name, count in manifest.counts.items())


def _keys_in(manifest: Manifest) -> str:
    words = ["the secret"] if manifest.secret else []
    words += [f"the DKIM key {selector}" for selector in manifest.dkim_keys]
    return "".join(f", {word}" for word in words) + (": keep the file as you keep the secret" if words else "")


def _missing(config: Config, manifest: Manifest) -> str:
    words = [] if manifest.secret else [f"the secret (keep a copy of {config.site.secret_file})"]
    keys = [key for key in config.mail.dkim.keys if key.selector not in manifest.dkim_keys]
    words += [f"the DKIM key {key.selector} (of {key.key_file})" for key in keys]
    words += ["config.toml and templates/", "the stop list (it stays where it is, and a restore heeds it)"]
    return ", ".join(words)
