"""Where deliveries go: the channels of the settings, and what sends to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opskit.core.clock import Clock
from opskit.core.errors import ConfigError
from opskit.outside.config import Config
from opskit.outside.files import translated

if TYPE_CHECKING:
    from opskit.records.outbox import Sender

WEBHOOK = "webhook"


@dataclass(frozen=True)
class Channels:
    """The channels that are configured."""

    config: Config
    clock: Clock

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name of each."""
        return (WEBHOOK,) if self.config.settings.webhook else ()

    def senders(self) -> Mapping[str, Sender]:
        """Return what sends to each.

        Raises:
            ConfigError: a secret is missing, or can be read by others.
        """
        webhook = self.config.settings.webhook
        if webhook is None:
            return {}
        from opskit.outside.notify.webhook import WebhookSender, secret_bytes  # noqa: PLC0415

        path = self.config.path(webhook.secret_file)
        with translated(path):
            if path.stat().st_mode & 0o077:
                raise ConfigError(f"{path} can be read by others", hint=f"chmod 600 {path}")
            secret = secret_bytes(path.read_text(encoding="utf-8"))
        return {WEBHOOK: WebhookSender(webhook.url, secret, webhook.allow_private, self.clock)}
