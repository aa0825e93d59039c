"""Who finds alerts, and an Alertmanager beside opskit, as `opskit.yaml` has them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from opskit.core.clock import HOUR, SECOND
from opskit.outside.fields import Span
from opskit.outside.models import Model


class Alerts(Model):
    """Who looks at alert rules, and how opskit does."""

    evaluator: Literal["opskit", "prometheus"] = Field(
        default="opskit",
        description="prometheus: it has the rules, and its alerts come in by webhook or API",
    )
    rules: tuple[str, ...] = Field(
        default=("alerts/*.yaml", "alerts/opskit/**/*.yaml"),
        description="rule files that opskit evaluates; others are for a Prometheus",
    )
    interval: Span = Field(
        default="30s", validate_default=True, ge=SECOND, le=HOUR,
        description="how often rules are evaluated that say nothing else",
    )  # fmt: skip
    history: Span = Field(
        default="35d", validate_default=True, ge=HOUR,
        description="how long what rules look at is kept, for backtests",
    )  # fmt: skip
    watchdog_url_file: str = Field(
        default="",
        description="file with the URL that is called while all rules are evaluated: who is not "
        "called any more raises the alarm",
    )


class Alertmanager(Model):
    """An Alertmanager whose alerts are read, and where silences are kept."""

    url: str = Field(
        pattern=r"^https?://[^\s@?#]+$", description="of any peer; silences reach the others"
    )
    token_file: str = Field(
        default="", description="file with its bearer token, readable by you only"
    )
    ca_file: str = Field(
        default="", description="PEM file of who vouches for the server, instead of the system's"
    )
    allow_private: bool = Field(
        default=True, description="it may be on this machine or a private network"
    )
