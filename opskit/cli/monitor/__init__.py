"""`opskit monitor`."""

from __future__ import annotations

from opskit.cli.commands import group

_HERE = "opskit.cli.monitor"


@group(
    short_help="Probe services; uptime with bounds.",
    examples=[
        "opskit monitor probe",
        "opskit monitor status",
        "opskit monitor uptime --month 2026-10",
    ],
    lazy={
        "probe": (f"{_HERE}.probing:probe", "Try services now, or go on trying them."),
        "status": (f"{_HERE}.now:status", "How every service is now, worst first."),
        "uptime": (f"{_HERE}.periods:uptime", "Availability with bounds, coverage and objectives."),
        "explain": (f"{_HERE}.periods:explain", "Every interval behind an availability."),
        "objectives": (
            f"{_HERE}.objectives:objectives",
            "Every objective: budget allowed, spent, left; burn rates.",
        ),
        "targets": (f"{_HERE}.targets:targets", "What a Prometheus is to scrape or to probe."),
        "prometheus": (f"{_HERE}.prometheus:prometheus", "Uptime of what a Prometheus recorded."),
        "beat": (f"{_HERE}.calling:beat", "Call in as a job that is watched by its heartbeat."),
        "forecast": (f"{_HERE}.forecasts:forecast", "What will reach its threshold, and when."),
        "maintenance": (f"{_HERE}.work:maintenance", "Announce work, end it, list it."),
    },
)
def monitor() -> None:
    """Probe services and say how they did, with bounds and coverage."""
