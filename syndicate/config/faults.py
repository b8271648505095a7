"""What is wrong with a configuration: one fault a line, and the error that carries them all."""

from dataclasses import dataclass

from syndicate.errors import UsageError


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, or that still looks like the example.

    `line` counts from 1 in config.toml, None when no line is to blame; `key` is the setting (`mail.smtp.port`,
    `digests[0].schedule`; elements count from 0), or the name of the environment variable at fault, or "" for
    the file as a whole. `text` says what and what to do, on one line, and never holds a secret.
    """

    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        place = () if self.line is None else (f"line {self.line}",)
        return ": ".join((*place, *((self.key,) if self.key else ()), self.text))


class ConfigError(UsageError):
    """The configuration cannot be used. `faults` holds all that is wrong; `str(error)` is one line about the first."""

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        more = len(faults) - 1
        rest = "" if more == 0 else f" (and {more} more: `syndicate check` names them all)"
        super().__init__(f"{name}: {faults[0]}{rest}")
        self.faults = faults
