"""`opskit access`."""

from __future__ import annotations

from opskit.cli.commands import group

_HERE = "opskit.cli.access"


@group(
    short_help="Who may do what, where, and whether they should.",
    examples=[
        "opskit access lint /                   who is root on this machine, and by which chain",
        "opskit access explain                  what you may ask for",
        "opskit access request nginx-operator --for 2h --reason 'new certificate'",
        "opskit access approve r12 --sign-with ~/.ssh/id_ed25519",
        "opskit access list                     what is in force",
        "opskit access reconcile                what is in force that nobody granted",
    ],
    parts={
        "explain": "Ask",
        "approve": "Decide",
        "list": "See and use",
        "return": "End",
        "lint": "Look for what should not be",
        "onboard": "People come, people go",
        "settle": "Keep going, and prove it",
    },
    lazy={
        "explain": (f"{_HERE}.explaining:explain", "What somebody may ask for, and why."),
        "request": (f"{_HERE}.requesting:request", "Ask for a role, or for what a command needs."),
        "extend": (f"{_HERE}.requesting:extend", "Ask for more time with a grant."),
        "withdraw": (f"{_HERE}.requesting:withdraw", "Take a request back."),
        "break-glass": (f"{_HERE}.requesting:break_glass", "Access at once, reviewed afterwards."),
        "approve": (f"{_HERE}.deciding:approve", "Say yes to a request."),
        "deny": (f"{_HERE}.deciding:deny", "Say no to a request."),
        "list": (f"{_HERE}.seeing:list_", "Grants in force, or requests that wait."),
        "show": (f"{_HERE}.seeing:show", "A request or a grant, with all that was said and seen."),
        "cert": (f"{_HERE}.certificates:cert", "SSH certificates for a grant of yours."),
        "return": (f"{_HERE}.ending:return_", "Hand a grant back before its end."),
        "revoke": (f"{_HERE}.ending:revoke", "End grants now."),
        "lint": (f"{_HERE}.linting:lint", "What is wrong with access: hosts' files, policy."),
        "may": (f"{_HERE}.asking:may", "Whether sudo lets somebody run a command, and why."),
        "reconcile": (
            f"{_HERE}.reconciling:reconcile",
            "What is in force against what was granted.",
        ),
        "usage": (f"{_HERE}.using:usage", "Read from logs what grants are used for."),
        "rightsize": (f"{_HERE}.using:rightsize", "What roles give beside what was used of it."),
        "onboard": (f"{_HERE}.people:onboard", "Ask for all that somebody new needs."),
        "offboard": (f"{_HERE}.people:offboard", "End all that somebody could do, and prove it."),
        "review": (f"{_HERE}.reviewing:review", "Look at all access again."),
        "settle": (f"{_HERE}.ending:settle", "Start, end and try again what is due."),
        "drill": (f"{_HERE}.drilling:drill", "Prove that access can be taken away."),
        "export": (f"{_HERE}.auditing:export", "Everything an auditor needs."),
    },
)
def access() -> None:
    """Who may do what, where, and whether they should."""
