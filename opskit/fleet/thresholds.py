"""What makes a check fail, as `--fail-on drift,incomplete,expired-waiver,score<95` says. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from opskit.core.errors import ConfigError, ExitCode, worst
from opskit.fleet.model import Run
from opskit.fleet.standing import score

DEFAULT = "drift,incomplete,expired-waiver"
_SCORE = re.compile(r"score<([0-9]{1,3}(?:\.[0-9]{1,3})?)")
_WORDS = frozenset(DEFAULT.split(","))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The conditions under which a check is not accepted."""

    words: frozenset[str]
    score: Fraction | None

    @classmethod
    def parse(cls, text: str) -> Thresholds:
        """Return what a `--fail-on` names.

        Raises:
            ConfigError: one of its words is unknown.
        """
        words, least = set(), None
        for word in filter(None, (part.strip() for part in text.split(","))):
            limit = _SCORE.fullmatch(word)
            if limit:
                least = Fraction(limit[1]) / 100
            elif word in _WORDS:
                words.add(word)
            else:
                raise ConfigError(f"--fail-on does not know {word!r}", hint=f"{DEFAULT},score<95")
        return cls(frozenset(words), least)

    def exit_code(self, run: Run) -> ExitCode:
        """Return what a check ends with.

        A check that looked at nothing is never accepted, whatever was asked.
        """
        return worst([*self._findings(run), *self._incomplete(run)])

    def _findings(self, run: Run) -> list[ExitCode]:
        share = score(run, waivers=True)
        met = (
            "drift" in self.words and _drifted(run),
            "expired-waiver" in self.words and bool(run.findings),
            self.score is not None and share is not None and share < self.score,
        )
        return [ExitCode.FINDINGS] if any(met) else []

    def _incomplete(self, run: Run) -> list[ExitCode]:
        codes = {result.verdict.exit_code for result in run.hosts}
        nothing = not any(result.observed for result in run.hosts)
        lacking = run.untrusted or ExitCode.UNDETERMINED in codes
        return (
            [ExitCode.UNDETERMINED] if nothing or ("incomplete" in self.words and lacking) else []
        )


def _drifted(run: Run) -> bool:
    """Return whether a deviation is not accepted, also one of a host that failed later."""
    waived = {key for key, known in run.standing.items() if known.waiver}
    return any(drift.key not in waived for drift in run.drift)
