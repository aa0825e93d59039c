"""The claims of a report: one piece of evidence backs one of them, and each passed its gates. Pure.

The strongest kind counts first. What a weaker one would count again is taken off it; one that
cannot give anything up, or has nothing left, stays listed as a rival of the one that counts it. A
claim that fails a gate is held back, with the reason, and counts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opskit.core.text import plural
from opskit.report.claims.candidate import Candidate, Kind, Piece, confirmed, others
from opskit.report.claims.gates import caused, gates
from opskit.report.claims.rules import ONE_CAUSE, candidates
from opskit.report.ground import Ground
from opskit.report.model import Claim, Figure, Gate, Standing


@dataclass(slots=True)
class _Taken:
    """What is counted already: which claim holds an entry, what happened where, and a figure."""

    entries: dict[int, str] = field(default_factory=dict)
    causes: dict[str, list[tuple[Piece, str]]] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)

    def by(self, piece: Piece) -> str:
        """Return the claim that counts a piece; empty if none does."""
        held = next((self.entries[ref] for ref in piece.refs if ref in self.entries), "")
        return held or next(
            (
                claim
                for other, claim in self.causes.get(piece.place, ())
                if other.apart(piece) < ONE_CAUSE
            ),
            "",
        )

    def take(self, claim: str, pieces: Sequence[Piece], figures: Sequence[str]) -> None:
        """Note that a claim counts these, and tells of these figures."""
        self.figures.update({name: claim for name in figures if name not in self.figures})
        for piece in pieces:
            self.entries.update(dict.fromkeys(piece.refs, claim))
            if piece.place:
                self.causes.setdefault(piece.place, []).append((piece, claim))


def claims(ground: Ground, by_id: Mapping[str, Figure]) -> tuple[Claim, ...]:
    """Return every claim: made, held back, or a rival; strongest kind first."""
    taken, said = _Taken(), confirmed(ground)
    return tuple(_weighed(one, ground, by_id, taken, said) for one in candidates(ground, by_id))


def _weighed(
    one: Candidate,
    ground: Ground,
    by_id: Mapping[str, Figure],
    taken: _Taken,
    said: Mapping[str, set[str]],
) -> Claim:
    answers = gates(one, ground, by_id)
    agreed = {team for line in (one.id, *one.figures) for team in said.get(line, ())}
    teams = others(agreed, ground.evidence, one.team)
    failed = [gate for gate in answers if gate.passed is False]
    if failed or not any(piece.refs for piece in one.pieces):
        why = "; ".join(f"{gate.name}: {gate.why}" for gate in failed)
        return _claim(
            one, one.pieces, answers, teams, Standing.HELD_BACK, why or "it names no ledger entry"
        )
    told = _told(one, taken)
    if told:
        why = f"{told} tells of the same figure"
        return _claim(one, one.pieces, answers, teams, Standing.RIVAL, why, told)
    holders = {piece: taken.by(piece) for piece in one.pieces}
    left = tuple(piece for piece in one.pieces if not holders[piece])
    lost = next((claim for claim in holders.values() if claim), "")
    harm = len(caused(one, ground))
    if not left or (lost and (one.whole or harm >= len(left))):
        gone = len(one.pieces) - len(left)
        why = f"{lost} counts {gone} of {plural(len(one.pieces), 'piece')} already"
        return _claim(one, one.pieces, answers, teams, Standing.RIVAL, why, lost)
    taken.take(one.id, left, one.figures)
    why = _less(one, left, lost, harm)
    return _claim(one, left, answers, teams, Standing.MADE, why)


def _told(one: Candidate, taken: _Taken) -> str:
    """Return the claim that what a team is proud of repeats, by a figure; empty if it is new."""
    names = one.figures if one.kind is Kind.TOLD else ()
    return next((taken.figures[name] for name in names if name in taken.figures), "")


def _less(one: Candidate, left: Sequence[Piece], lost: str, harm: int) -> str:
    """Return what was taken off a claim, in words."""
    gone = len(one.pieces) - len(left)
    words = [f"{gone} left out: {lost} counts them"] if gone else []
    return "; ".join([*words, *([f"{plural(harm, 'incident')} came of it"] if harm else [])])


def _claim(
    one: Candidate,
    pieces: Sequence[Piece],
    answers: tuple[Gate, ...],
    teams: tuple[str, ...],
    standing: Standing,
    why: str,
    lost: str = "",
) -> Claim:
    text = one.words(pieces)
    refs = tuple(sorted({ref for piece in pieces for ref in piece.refs}))
    said = f"{text} Taken off: {why}." if standing is Standing.MADE and why else text
    return Claim(
        one.id, one.kind, one.title, said, one.team, one.helped, one.figures, refs, one.tag,
        standing, answers, teams, lost, why,
    )  # fmt: skip
