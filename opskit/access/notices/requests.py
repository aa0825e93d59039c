"""What is told of requests: somebody waits for a yes, or has their answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opskit.access.notices.notice import Files, Notice
from opskit.access.store.decisions import Decision
from opskit.access.store.requests import Request


@dataclass(frozen=True, slots=True)
class AboutRequest:
    """An entry about a request, with what was decided so far."""

    request: Request
    data: Mapping[str, Any]
    files: Files
    decisions: tuple[Decision, ...] = ()

    @property
    def both(self) -> tuple[str, ...]:
        """Return who asked, and for whom."""
        return tuple(dict.fromkeys((self.request.ask.requester, self.request.ask.beneficiary)))

    @property
    def what(self) -> str:
        """Return what was asked for."""
        ask = self.request.ask
        return f"{ask.role} on {', '.join(ask.targets)}"

    def facts(self) -> Iterator[str]:
        """Yield what it gives and why."""
        ask = self.request.ask
        blast = self.request.judgment.get("blast_radius")
        if blast:
            yield f"It {blast}."
        yield f"Why: {ask.reason}"
        if ask.ticket:
            yield f"Ticket: {ask.ticket}"
        if ask.requester != ask.beneficiary:
            yield f"Asked by {ask.requester}."
        if ask.break_glass:
            yield "It is an emergency: nobody was waited for."


def submitted(about: AboutRequest) -> Notice | None:
    """Tell approvers that somebody waits for them; nobody where no yes is needed."""
    approvers = tuple(about.data.get("approvers", ()))
    if not approvers:
        return None
    name, ask = about.request.name, about.request.ask
    return Notice(
        f"{name}: {ask.beneficiary} asks for {about.what}",
        (
            *about.facts(),
            f"Who may decide: {', '.join(approvers)}.",
            f"It waits until {about.files.when(about.data.get('lapses_at'))}, then it lapses.",
        ),
        (
            f"opskit access show {name}",
            f"opskit access approve {name}",
            f"opskit access deny {name} --reason WHY",
        ),
        approvers,
    )


def approved(about: AboutRequest) -> Notice:
    """Tell who asked that the answer is yes."""
    name = about.request.name
    return Notice(
        f"{name}: {about.what} is approved for {about.request.ask.beneficiary}",
        (f"Approved by {about.data['by']}.", *about.facts()),
        (f"opskit access show {name}",),
        about.both,
    )


def denied(about: AboutRequest) -> Notice:
    """Tell who asked that the answer is no, and why."""
    name, by = about.request.name, about.data["by"]
    whose = "the files in access/ allow it no more" if by == "policy" else f"denied by {by}"
    reasons = [one["message"] for one in about.data.get("refusals", ())]
    reasons += [one.reason for one in about.decisions if one.verdict == "deny" and one.reason]
    return Notice(
        f"{name}: {about.what} is denied to {about.request.ask.beneficiary}",
        (f"Who: {whose}.", *(f"Why: {reason}" for reason in reasons)),
        (f"opskit access show {name}",),
        about.both,
    )


WORDS: Mapping[str, Callable[[AboutRequest], Notice | None]] = {
    "request.submitted": submitted,
    "request.approved": approved,
    "request.denied": denied,
}
