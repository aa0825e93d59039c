"""`opskit alerts`."""

from __future__ import annotations

from opskit.cli.commands import group

_COMMANDS = {
    "test": ("opskit.cli.alerts.testing:test", "Run tests of rules, without a Prometheus."),
}


@group(
    short_help="Test alert rules before they are trusted.",
    lazy=_COMMANDS,
    examples=[
        "opskit alerts test alerts/tests/*.yaml   do the rules fire when they should?",
    ],
)
def alerts() -> None:
    """Test alert rules before they are trusted: they are Prometheus's own files."""
