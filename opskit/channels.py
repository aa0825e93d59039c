"""Where deliveries go: the channels of the settings, and what sends to each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from opskit.core.clock import Clock
from opskit.core.errors import ConfigError, OpskitError
from opskit.outside.config import Config, Webhook
from opskit.outside.files import read_secret, translated
from opskit.outside.notify.settings import Mail, Slack

if TYPE_CHECKING:
    from opskit.records.outbox import Delivered, Outbox, Sender

WEBHOOK, MAIL, SLACK = "webhook", "mail", "slack"
Made: TypeAlias = "Callable[[], Sender]"


@dataclass(frozen=True, slots=True)
class Ready:
    """What sends to each channel that can be used, and why the others cannot."""

    senders: Mapping[str, Sender]
    unusable: Mapping[str, OpskitError]


@dataclass(frozen=True)
class Channels:
    """The channels that are configured; `others` carry more than notices, each by its name."""

    config: Config
    clock: Clock
    others: Callable[[], Mapping[str, Made]] = dict

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name of each."""
        settings = self.config.settings
        found = {WEBHOOK: settings.webhook, MAIL: settings.mail, SLACK: settings.slack}
        return tuple(name for name, own in found.items() if own is not None)

    def ready(self) -> Ready:
        """Return what sends to each; one whose secret is missing keeps none of the others back."""
        senders: dict[str, Sender] = {}
        unusable: dict[str, OpskitError] = {}
        for name, made in {**self.made, **self.others()}.items():
            try:
                senders[name] = made()
            except OpskitError as error:
                unusable[name] = error
        return Ready(senders, unusable)

    def deliver(self, outbox: Outbox) -> Delivered | None:
        """Send what is owed and due; nothing where no channel is configured.

        A channel that cannot be used keeps what it is owed, and is named.
        """
        if not self.names and not self.others():
            return None
        found = self.ready()
        told = (f"{name}: {one.message}; next: {one.hint}" for name, one in found.unusable.items())
        return replace(outbox.deliver(found.senders), unusable=tuple(told))

    def check(self) -> None:
        """Look whether all of them can be used.

        Raises:
            ConfigError: a secret is missing, or can be read by others.
        """
        for error in self.ready().unusable.values():
            raise error

    @property
    def made(self) -> Mapping[str, Made]:
        """Return what makes the sender of each; it raises where the channel cannot be used."""
        return dict(self._each())

    def _each(self) -> Iterator[tuple[str, Made]]:
        settings = self.config.settings
        if (webhook := settings.webhook) is not None:
            yield WEBHOOK, lambda: self._webhook(webhook)
        if (mail := settings.mail) is not None:
            yield MAIL, lambda: self._mail(mail)
        if (slack := settings.slack) is not None:
            yield SLACK, lambda: self._slack(slack)

    def _webhook(self, webhook: Webhook) -> Sender:
        from opskit.outside.notify.webhook import WebhookSender, secret_bytes  # noqa: PLC0415

        path = self.config.path(webhook.secret_file)
        with translated(path):
            if path.stat().st_mode & 0o077:
                raise ConfigError(f"{path} can be read by others", hint=f"chmod 600 {path}")
            secret = secret_bytes(path.read_text(encoding="utf-8"))
        return WebhookSender(webhook.url, secret, webhook.allow_private, self.clock)

    def _mail(self, mail: Mail) -> Sender:
        from opskit.outside.notify.mail import MailSender  # noqa: PLC0415  # heavy, as all below

        password = read_secret(self.config.path(mail.password_file)) if mail.user else ""
        return MailSender(mail, password, self.clock, self.config.root)

    def _slack(self, slack: Slack) -> Sender:
        from opskit.outside.notify.slack import SlackSender  # noqa: PLC0415

        path = self.config.path(slack.url_file)
        url = read_secret(path)
        if not url.startswith(("https://", "http://")):
            raise ConfigError(f"{path} holds no URL", hint="write https://hooks.slack.com/...")
        return SlackSender(url, slack.allow_private)
