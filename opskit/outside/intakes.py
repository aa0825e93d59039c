"""Who may send to opskit, as `opskit.yaml` has it under `serve.webhooks`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from opskit.outside.models import Model


class Intake(Model):
    """Who may send events to `/webhook/NAME`."""

    kind: Literal["signed", "alertmanager"] = Field(
        default="signed",
        description="signed: events as Standard Webhooks describe them; alertmanager: its alerts",
    )
    secret_file: str = Field(
        description="file with the secret that signs, or Alertmanager's token; readable by you only"
    )
