"""Where deliveries go: the channels of the settings, and what sends to each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from opskit.core.clock import Clock, Duration
from opskit.core.errors import ConfigError, OpskitError
from opskit.core.notice import Notice, Status, as_body
from opskit.core.text import nearest
from opskit.outside.config import Config, Webhook
from opskit.outside.files import read_secret, translated
from opskit.outside.notify.kinds import DIGEST_OVER, TOGETHER, Surroundings
from opskit.outside.notify.settings import Mail, Slack

if TYPE_CHECKING:
    from opskit.outside.notify.posting import Endpoint
    from opskit.records.messages import Delivered, Sender, Terms
    from opskit.records.outbox import Outbox

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
    environment: Mapping[str, str] = field(default_factory=dict)
    others: Callable[[], Mapping[str, Made]] = dict

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name of each that gets everything."""
        named = self.config.settings.channels.items()
        return (*self._unnamed, *(name for name, one in named if one.gets == "everything"))

    @property
    def every(self) -> tuple[str, ...]:
        """Return the name of each."""
        return (*self._unnamed, *self.config.settings.channels)

    @property
    def _unnamed(self) -> tuple[str, ...]:
        settings = self.config.settings
        found = {WEBHOOK: settings.webhook, MAIL: settings.mail, SLACK: settings.slack}
        return tuple(name for name, own in found.items() if own is not None)

    @property
    def terms(self) -> Mapping[str, Terms]:
        """Return what holds for the deliveries of channels that say so."""
        from opskit.records.messages import Terms  # noqa: PLC0415  # heavy

        named = {
            name: Terms(one.digest_over, one.fallback, Duration(one.fallback_after), one.together)
            for name, one in self.config.settings.channels.items()
        }
        # People read what goes there; programs get each event by itself.
        read = {name: Terms(DIGEST_OVER) for name in self._unnamed if name != WEBHOOK}
        return {WEBHOOK: Terms(together=TOGETHER), **read, **named}

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
        if not self.every and not self.others():
            return None
        found = self.ready()
        told = (f"{name}: {one.message}; next: {one.hint}" for name, one in found.unusable.items())
        return replace(outbox.deliver(found.senders, self.terms), unusable=tuple(told))

    def test(self, name: str, status: Status) -> None:
        """Send a message that says it is a test, at once and once; nothing is owed for it.

        Messages of all tests of a channel are one group: `resolved` ends what `firing` began.

        Raises:
            OpskitError: there is no such channel, it cannot be used, or it did not take it.
        """
        from opskit.records.messages import Message  # noqa: PLC0415  # heavy

        if name not in self.made:
            raise ConfigError(f"there is no channel {name!r}", hint=self._known(name))
        now = self.clock.now()
        said = Notice(
            "This is a test of opskit",
            (f"Who reads this is told by the channel {name}.", "Nothing is wrong."),
            status=status, group=f"opskit-test/{name}", at=now,
        )  # fmt: skip
        body = json.dumps(as_body(said))
        self.made[name]().send(Message(f"test-{now}-{name}", name, body, 0))

    def _known(self, name: str) -> str:
        if not self.every:
            return "add channels: to opskit.yaml; see: opskit schema opskit"
        near = nearest(name, list(self.every))
        return f"did you mean {near}?" if near else f"there are: {', '.join(self.every)}"

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

        for name, channel in settings.channels.items():
            yield name, partial(channel.made, self._around)

    @property
    def _around(self) -> Surroundings:
        return Surroundings(self.config.root, self.clock, self._secret)

    def _secret(self, file: str, variable: str) -> str:
        if file:
            return read_secret(self.config.path(file))
        secret = self.environment.get(variable, "").strip()
        if not secret or not secret.isprintable():
            hint = "set it where opskit runs, or write secret_file"
            raise ConfigError(f"the variable {variable} does not hold a secret", hint=hint)
        return secret

    def _webhook(self, webhook: Webhook) -> Sender:
        from opskit.outside.notify.webhook import WebhookSender, secret_bytes  # noqa: PLC0415

        path = self.config.path(webhook.secret_file)
        with translated(path):
            if path.stat().st_mode & 0o077:
                raise ConfigError(f"{path} can be read by others", hint=f"chmod 600 {path}")
            secret = secret_bytes(path.read_text(encoding="utf-8"))
        return WebhookSender(self._endpoint("the webhook at {host}", webhook.url, webhook), secret)

    def _mail(self, mail: Mail) -> Sender:
        from opskit.outside.notify.mail import MailSender  # noqa: PLC0415  # heavy, as all below

        password = read_secret(self.config.path(mail.password_file)) if mail.user else ""
        return MailSender(mail, password, self.clock, self.config.root)

    def _slack(self, slack: Slack) -> Sender:
        from opskit.outside.notify.slack import NAME, SlackSender  # noqa: PLC0415

        path = self.config.path(slack.url_file)
        url = read_secret(path)
        if not url.startswith(("https://", "http://")):
            raise ConfigError(f"{path} holds no URL", hint="write https://hooks.slack.com/...")
        return SlackSender(self._endpoint(NAME, url, slack))

    def _endpoint(self, name: str, url: str, settings: Webhook | Slack) -> Endpoint:
        from opskit.outside.notify.posting import Endpoint, host_of  # noqa: PLC0415

        name = name.replace("{host}", host_of(url))
        return Endpoint(name, url, settings.allow_private, clock=self.clock)
