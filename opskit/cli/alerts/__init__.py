"""`opskit alerts`."""

from __future__ import annotations

from opskit.cli.commands import group

_COMMANDS = {
    "ack": ("opskit.cli.alerts.responding:ack", "Say that you have alerts in hand."),
    "backtest": (
        "opskit.cli.alerts.backtesting:backtest",
        "What a rule would have said, and how often rightly.",
    ),
    "check": ("opskit.cli.alerts.checking:check", "Find rules that cannot be trusted."),
    "evaluate": ("opskit.cli.alerts.listing:evaluate", "Look at all rules once."),
    "explain": (
        "opskit.cli.alerts.listing:explain",
        "Why somebody was told of an alert, or nobody.",
    ),
    "export": ("opskit.cli.alerts.exporting:export", "alerts/routes.yaml for an Alertmanager."),
    "list": ("opskit.cli.alerts.listing:listing", "What fires now, and who has it in hand."),
    "load": ("opskit.cli.alerts.loading:load", "How often on-call shifts were called."),
    "new": ("opskit.cli.alerts.drafting:new", "Write a rule with its test and runbook section."),
    "oncall": ("opskit.cli.alerts.routing:oncall", "Who is on call, now and next."),
    "review": ("opskit.cli.alerts.reviewing:review", "Which rules were worth it, and which not."),
    "route": ("opskit.cli.alerts.routing:route", "Who is told of an alert with these labels."),
    "send-test": ("opskit.cli.alerts.sending:send_test", "Send a test message to a channel."),
    "silence": (
        "opskit.cli.alerts.silencing:silence",
        "Let nobody be told of what matches, for a time.",
    ),
    "take": ("opskit.cli.alerts.taking:take", "Take over a time on call."),
    "test": ("opskit.cli.alerts.testing:test", "Run tests of rules, without a Prometheus."),
}


@group(
    short_help="What fires, who is told, who has it in hand.",
    lazy=_COMMANDS,
    examples=[
        "opskit alerts list                       what fires now?",
        "opskit alerts ack 1f3c8a02               I have it in hand",
        "opskit alerts explain ServiceDown        why was nobody told?",
        "opskit alerts check                      rules that never fire, or wake for nothing?",
        "opskit alerts test alerts/tests/*.yaml   do the rules fire when they should?",
        "opskit alerts backtest ServiceDown       how often would it have been wrong?",
        "opskit alerts review                     which rules were worth it?",
        "opskit alerts route severity=page        who would be told?",
        "opskit alerts oncall                     who is on call, who is next?",
        "opskit alerts send-test oncall           does a message get through?",
    ],
)
def alerts() -> None:
    """See what fires, answer it, and test alert rules before they are trusted.

    Rules and their tests are Prometheus's own files; routes are alerts/routes.yaml.
    """
