"""`opskit fleet`."""

from __future__ import annotations

from opskit.cli.commands import group

_HERE = "opskit.cli.fleet"


@group(
    short_help="Find and fix what drifted from the standard.",
    examples=[
        "opskit fleet check",
        "opskit fleet plan --out change.plan",
        "opskit fleet apply change.plan --batch 1,10%,100%",
    ],
    lazy={
        "check": (f"{_HERE}.look:check", "Show what differs from the standard; changes nothing."),
        "plan": (f"{_HERE}.look:plan", "Check, and save what an apply would change."),
        "apply": (f"{_HERE}.change:apply", "Make hosts as the standard says, then look again."),
        "show": (f"{_HERE}.past:show", "A past run, read anew from its records."),
        "runs": (f"{_HERE}.past:runs", "The last runs and what they said."),
        "history": (f"{_HERE}.past:history", "A host over time."),
        "drift": (f"{_HERE}.past:drift", "Deviations over time, and how fast they were gone."),
        "posture": (f"{_HERE}.past:posture", "Updates, restarts, certificates and open ports."),
        "fidelity": (f"{_HERE}.past:fidelity", "How often each task's check told the truth."),
        "waive": (f"{_HERE}.accept:waive", "Accept a deviation for a time, or end that."),
        "waivers": (f"{_HERE}.accept:waivers", "What is accepted, by whom, until when."),
        "adopt": (f"{_HERE}.accept:adopt", "The patch that makes the standard match the hosts."),
        "owed": (f"{_HERE}.accept:owed", "What runs left undone on hosts."),
        "settle": (f"{_HERE}.accept:settle", "Sign off what is owed to a host."),
        "prune": (f"{_HERE}.past:prune", "Forget the records of old runs."),
    },
)
def fleet() -> None:
    """Find and fix what drifted from the standard."""
