"""`opskit import`."""

from __future__ import annotations

from opskit.cli.commands import group

_COMMANDS = {
    "pagerduty": (
        "opskit.cli.importing.files:pagerduty",
        "Incidents: CSV of an incident report, JSON of the API.",
    ),
    "alertmanager": (
        "opskit.cli.importing.files:alertmanager",
        "Alerts: JSON of /api/v2/alerts, or of its webhook, one message per line.",
    ),
    "jira": (
        "opskit.cli.importing.files:jira",
        "Issues of type Incident: CSV of an export, JSON of a search.",
    ),
    "github": (
        "opskit.cli.importing.files:github",
        "Issues labeled incident: JSON of the API, or of gh issue list --json.",
    ),
    "awx": ("opskit.cli.importing.files:awx", "Runs: JSON of /api/v2/jobs/ of AWX or its like."),
    "ara": ("opskit.cli.importing.files:ara", "Runs: JSON of /api/v1/playbooks of ARA."),
    "sudo": ("opskit.cli.importing.logs:sudo", "Use of access: commands in logs of sudo."),
    "sshd": ("opskit.cli.importing.logs:sshd", "Use of access: logins in logs of sshd."),
    "prometheus": ("opskit.cli.importing.series:prometheus", "Uptime: series of a Prometheus."),
    "list": ("opskit.cli.importing.keeping:listed", "Show what was imported."),
    "undo": ("opskit.cli.importing.keeping:undo", "Take an import out of the reports again."),
}


@group(
    name="import",
    lazy=_COMMANDS,
    short_help="Bring in history from what was there before.",
    examples=[
        "opskit import pagerduty incidents.csv --dry-run   what it would bring, and what not",
        "opskit import alertmanager webhook.jsonl --only labels.severity=critical",
        "opskit import list                                what was imported",
        "opskit import undo 3                              take one out again",
    ],
)
def importing() -> None:
    """Bring in history that other systems recorded, so that reports cover earlier months.

    Each import is marked as such in the report. The same file twice changes nothing; a row that
    changed gets a new version. No name of a person is read.
    """
