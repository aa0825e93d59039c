"""`opskit alerts`."""

from __future__ import annotations

from opskit.cli.commands import group

_COMMANDS = {
    "oncall": ("opskit.cli.alerts.routing:oncall", "Who is on call, now and next."),
    "route": ("opskit.cli.alerts.routing:route", "Who is told of an alert with these labels."),
    "send-test": ("opskit.cli.alerts.sending:send_test", "Send a test message to a channel."),
    "test": ("opskit.cli.alerts.testing:test", "Run tests of rules, without a Prometheus."),
}


@group(
    short_help="Test alert rules; who is told, who is on call.",
    lazy=_COMMANDS,
    examples=[
        "opskit alerts test alerts/tests/*.yaml   do the rules fire when they should?",
        "opskit alerts route severity=page        who would be told?",
        "opskit alerts oncall                     who is on call, who is next?",
        "opskit alerts send-test oncall           does a message get through?",
    ],
)
def alerts() -> None:
    """Test alert rules before they are trusted, and see whom alerts reach.

    Rules and their tests are Prometheus's own files; routes are alerts/routes.yaml.
    """
