"""`opskit access`."""

from __future__ import annotations

from opskit.cli.commands import group

_HERE = "opskit.cli.access"


@group(
    short_help="Who may do what, where, and whether they should.",
    examples=[
        "opskit access lint                     the files in access/ of the ops repository",
        "opskit access lint copied/web1         what is wrong with access on a host",
        "opskit access may alice systemctl restart nginx --tree copied/web1",
    ],
    lazy={
        "lint": (f"{_HERE}.linting:lint", "What is wrong with access: hosts' files, policy."),
        "may": (f"{_HERE}.asking:may", "Whether sudo lets somebody run a command, and why."),
    },
)
def access() -> None:
    """Who may do what, where, and whether they should."""
