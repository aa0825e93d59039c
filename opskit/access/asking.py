"""`opskit access may`: what sudo would answer somebody, by the files of a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from opskit.access.hosts.model import File
from opskit.access.hosts.reading import Facts, state_of
from opskit.access.sudoers.decide import Answer, Outcome, may
from opskit.access.sudoers.dialect import Dialect
from opskit.access.sudoers.policy import load
from opskit.access.trees import Trouble, places
from opskit.core.clock import Instant
from opskit.core.errors import ConfigError, ExitCode


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants to run what, as whom (`user`, `user:group`, `:group`; root if empty)."""

    user: str
    command: Sequence[str]
    run_as: str = ""
    host: str = ""


@dataclass(frozen=True)
class Asked:
    """What sudo would answer, on which host, read as which sudo does, and what was not read."""

    wish: Wish
    host: str
    dialect: Dialect
    answer: Answer
    troubles: tuple[Trouble, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Return 0 for allowed, 1 for denied, 3 where the files do not say."""
        if self.answer.outcome is Outcome.UNKNOWN:
            return ExitCode.UNDETERMINED
        return ExitCode.OK if self.answer.allowed else ExitCode.FINDINGS

    @property
    def path(self) -> list[str]:
        """Return the steps from the user to the line that decides, each said once."""
        return [step for step, _ in groupby(self.answer.chain)]

    def as_json(self) -> dict[str, object]:
        """Return the stable form of `opskit access may --json`."""
        answer, line = self.answer, self.answer.decided_by
        by = {"file": line.file, "line": line.number, "raw": line.raw} if line else None
        return {
            "answer": answer.outcome.value,
            "user": self.wish.user,
            "run_as": self.wish.run_as or None,
            "host": self.host,
            "command": answer.command,
            "reason": answer.reason,
            "decided_by": by,
            "path": self.path,
            "unknown": [*answer.unknown, *(f"{one.path}: {one.reason}" for one in self.troubles)],
            "sudo_version": self.dialect.text,
        }


def asked(tree: Path, wish: Wish, dialect: Dialect, now: Instant) -> Asked:
    """Return what sudo would answer by the files of one host.

    What cannot be read might permit or forbid: then nobody can say.

    Raises:
        ConfigError: the path holds no host, or several.
    """
    found, _ = places([tree])
    if len(found) != 1:
        raise ConfigError(
            f"{tree} holds {len(found)} hosts", hint=f"name one: --tree {found[0].path}"
        )
    source = found[0].source()
    state = state_of(found[0].name, source, Facts())
    host = wish.host or state.name
    sudoers = load(state, dialect)
    user, _, group = wish.run_as.partition(":")
    answer = may(
        sudoers, state, wish.user, wish.command, run_as=user or None, run_as_group=group or None,
        host=host, now=now,
    )  # fmt: skip
    troubles = (*source.troubles, *(Trouble(one.at.file, one.reason) for one in state.cut))
    missing = _missing(state.files, wish.user, [one.name for one in state.accounts or ()])
    if missing or troubles:
        reason = missing or "not everything could be read"
        answer = Answer(Outcome.UNKNOWN, answer.command, reason, unknown=answer.unknown)
    return Asked(wish, host, dialect, answer, troubles)


def _missing(files: Mapping[str, File], user: str, accounts: Sequence[str]) -> str:
    """Return what is not there to be asked."""
    for path in ("/etc/sudoers", "/etc/passwd", "/etc/group"):
        if path not in files:
            return f"{path} is not there"
    return "" if user in accounts else f"there is no account {user}"
