"""Where the commented example configuration lies that `init` copies."""

from pathlib import Path


def example_path() -> Path:
    """`syndicate/config.example.toml` of an installed wheel, else `config.toml` at the top of the repository."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "config.example.toml"
    return packaged if packaged.is_file() else package.parent / "config.toml"
