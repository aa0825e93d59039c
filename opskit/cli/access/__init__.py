"""`opskit access`."""

from __future__ import annotations

from opskit.cli.commands import group

_HERE = "opskit.cli.access"


@group(
    short_help="Who may do what, where, and whether they should.",
    examples=[
        "opskit access request nginx-operator --for 2h --reason 'new certificate'",
        "opskit access approve r12",
        "opskit access list                     what is in force",
        "opskit access lint                     the files in access/ of the ops repository",
        "opskit access lint copied/web1         what is wrong with access on a host",
        "opskit access may alice systemctl restart nginx --tree copied/web1",
    ],
    lazy={
        "request": (f"{_HERE}.requesting:request", "Ask for a role, or for what a command needs."),
        "approve": (f"{_HERE}.deciding:approve", "Say yes to a request."),
        "deny": (f"{_HERE}.deciding:deny", "Say no to a request."),
        "withdraw": (f"{_HERE}.requesting:withdraw", "Take a request back."),
        "list": (f"{_HERE}.seeing:list_", "Grants in force, or requests that wait."),
        "show": (f"{_HERE}.seeing:show", "A request or a grant, with all that was said and seen."),
        "extend": (f"{_HERE}.requesting:extend", "Ask for more time with a grant."),
        "return": (f"{_HERE}.ending:return_", "Hand a grant back before its end."),
        "revoke": (f"{_HERE}.ending:revoke", "End grants now."),
        "settle": (f"{_HERE}.ending:settle", "Start, end and try again what is due."),
        "cert": (f"{_HERE}.certificates:cert", "SSH certificates for a grant of yours."),
        "drill": (f"{_HERE}.drilling:drill", "Prove that access can be taken away."),
        "reconcile": (
            f"{_HERE}.reconciling:reconcile",
            "What is in force against what was granted.",
        ),
        "onboard": (f"{_HERE}.people:onboard", "Ask for all that somebody new needs."),
        "offboard": (f"{_HERE}.people:offboard", "End all that somebody could do, and prove it."),
        "review": (f"{_HERE}.reviewing:review", "Look at all access again."),
        "break-glass": (f"{_HERE}.requesting:break_glass", "Access at once, reviewed afterwards."),
        "export": (f"{_HERE}.auditing:export", "Everything an auditor needs."),
        "explain": (f"{_HERE}.explaining:explain", "What somebody may ask for, and why."),
        "usage": (f"{_HERE}.using:usage", "Read from logs what grants are used for."),
        "rightsize": (f"{_HERE}.using:rightsize", "What roles give beside what was used of it."),
        "lint": (f"{_HERE}.linting:lint", "What is wrong with access: hosts' files, policy."),
        "may": (f"{_HERE}.asking:may", "Whether sudo lets somebody run a command, and why."),
    },
)
def access() -> None:
    """Who may do what, where, and whether they should."""
