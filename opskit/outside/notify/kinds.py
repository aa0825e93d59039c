"""The kinds of channels: for each what is written of it in `opskit.yaml`, and what sends by it.

A new kind is a class here with its line in `Channel`, and an entry in `tests/contract/`.
Secrets are in files or in the environment; here are only their names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from opskit.core.clock import Clock
from opskit.core.text import nearest
from opskit.outside.fields import Span
from opskit.outside.models import Model
from opskit.outside.notify.settings import Mail
from opskit.outside.notify.words import FIELDS, Wording, unknown_fields

if TYPE_CHECKING:
    from opskit.outside.notify.alertmanager import AlertmanagerSender
    from opskit.outside.notify.apprise import AppriseSender
    from opskit.outside.notify.mail import MailSender
    from opskit.outside.notify.ntfy import NtfySender
    from opskit.outside.notify.pagerduty import PagerDutySender
    from opskit.outside.notify.posting import Endpoint
    from opskit.outside.notify.slack import SlackSender
    from opskit.outside.notify.teams import TeamsSender
    from opskit.outside.notify.webhook import WebhookSender

DIGEST_OVER = 10
# So many may be on their way together to a receiver that knows a message by its key.
TOGETHER = 50
Url = Annotated[str, Field(pattern=r"^https?://[^\s@]+$")]


def _template(text: str) -> str:
    for name in unknown_fields(text):
        if name == "$":
            message = "write ${field}, or $$ for a dollar sign"
            raise ValueError(message)
        near = nearest(name, list(FIELDS))
        message = f"no field is called {name}{f'; did you mean {near}?' if near else ''}"
        raise ValueError(message)
    return text


Template = Annotated[str, AfterValidator(_template), Field(max_length=2_000)]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every sender needs besides its settings; `secret` reads one by file or variable."""

    root: Path
    clock: Clock
    secret: Callable[[str, str], str]


class _Channel(Model):
    """What all kinds have in common."""

    together: ClassVar[int] = 1
    gets: Literal["everything", "routed"] = Field(
        default="everything", description="routed: only what names this channel"
    )
    title: Template = Field(
        default="", description=f"template of the title, with ${{...}} of: {', '.join(FIELDS)}"
    )
    body: Template = Field(default="", description="template of the text, with the same fields")
    fallback: str = Field(
        default="", description="channel that is told too what this one did not take"
    )
    fallback_after: Span = Field(
        default="10m",
        validate_default=True,
        description="how long a message may wait before it goes there too",
    )
    digest_over: int = Field(
        default=DIGEST_OVER, ge=0, le=10_000,
        description="after an outage, more than so many go as one message; 0: each by itself",
    )  # fmt: skip

    @property
    def wording(self) -> Wording:
        """Return how its messages are worded."""
        return Wording(self.title, self.body)


class _Secretive(_Channel):
    """A channel with a secret, in a file or a variable of the environment."""

    secret_file: str = Field(default="", description="file with the secret, readable by you only")
    secret_env: str = Field(
        default="", pattern="^([A-Z_][A-Z0-9_]*)?$", description="variable with it, instead"
    )
    allow_private: bool = Field(
        default=False, description="allow an address on this machine or a private network"
    )

    @model_validator(mode="after")
    def _one_secret(self) -> _Secretive:
        if self.secret_file and self.secret_env:
            message = "write secret_file or secret_env, not both"
            raise ValueError(message)
        if self._needs_secret and not (self.secret_file or self.secret_env):
            message = "secret_file or secret_env is missing"
            raise ValueError(message)
        return self

    @property
    def _needs_secret(self) -> bool:
        return True

    def secret(self, around: Surroundings) -> str:
        """Return the secret; empty where none is named."""
        if not (self.secret_file or self.secret_env):
            return ""
        return around.secret(self.secret_file, self.secret_env)

    def endpoint(self, name: str, url: str, around: Surroundings) -> Endpoint:
        """Return where it posts to; `{host}` in its name is that of the URL."""
        from opskit.outside.notify.posting import Endpoint, host_of  # noqa: PLC0415  # heavy

        name = name.replace("{host}", host_of(url))
        return Endpoint(name, url, self.allow_private, clock=around.clock)


class WebhookChannel(_Secretive):
    """A program that is told by signed requests, as Standard Webhooks describe them."""

    together: ClassVar[int] = TOGETHER
    kind: Literal["webhook"]
    url: Url = Field(description="POSTed to; redirects are not followed")
    digest_over: Literal[0] = Field(default=0, description="a program gets each event by itself")

    def made(self, around: Surroundings) -> WebhookSender:
        """Return what sends by it."""
        from opskit.outside.notify.webhook import (  # noqa: PLC0415  # only where it is used
            WebhookSender,
            secret_bytes,
        )

        where = self.endpoint("the webhook at {host}", self.url, around)
        return WebhookSender(where, secret_bytes(self.secret(around)))


class SlackChannel(_Secretive):
    """A channel of Slack, by an incoming webhook whose URL is the secret."""

    kind: Literal["slack"]

    def made(self, around: Surroundings) -> SlackSender:
        """Return what sends by it."""
        from opskit.outside.notify.slack import NAME, SlackSender  # noqa: PLC0415  # as above

        return SlackSender(self.endpoint(NAME, self.secret(around), around), self.wording)


class TeamsChannel(_Secretive):
    """A channel of Microsoft Teams, by a workflow's webhook whose URL is the secret."""

    kind: Literal["teams"]

    def made(self, around: Surroundings) -> TeamsSender:
        """Return what sends by it."""
        from opskit.outside.notify.teams import NAME, TeamsSender  # noqa: PLC0415  # as above

        return TeamsSender(self.endpoint(NAME, self.secret(around), around), self.wording)


class PagerDutyChannel(_Secretive):
    """A service of PagerDuty, by an integration's routing key, which is the secret."""

    together: ClassVar[int] = TOGETHER
    kind: Literal["pagerduty"]
    url: Url = Field(
        default="https://events.pagerduty.com/v2/enqueue", description="another for the EU"
    )
    gets: Literal["everything", "routed"] = Field(
        default="routed", description="everything: opens an incident for each message"
    )
    digest_over: Literal[0] = Field(default=0, description="a program gets each event by itself")

    def made(self, around: Surroundings) -> PagerDutySender:
        """Return what sends by it."""
        from opskit.outside.notify.pagerduty import NAME, PagerDutySender  # noqa: PLC0415

        where = self.endpoint(NAME, self.url, around)
        return PagerDutySender(where, self.secret(around), self.wording)


class NtfyChannel(_Secretive):
    """A topic of ntfy; the secret is a token, where the topic needs one."""

    kind: Literal["ntfy"]
    url: Url = Field(default="https://ntfy.sh/", description="the server, without the topic")
    topic: str = Field(pattern=r"^[-_A-Za-z0-9]{1,64}$", description="what phones subscribe to")

    @property
    def _needs_secret(self) -> bool:
        return False

    def made(self, around: Surroundings) -> NtfySender:
        """Return what sends by it."""
        from opskit.outside.notify.ntfy import NAME, NtfySender  # noqa: PLC0415  # as above

        where = self.endpoint(NAME, self.url, around)
        return NtfySender(where, self.topic, self.secret(around), self.wording)


class AlertmanagerChannel(_Secretive):
    """A cluster of Alertmanager; the secret is a bearer token, where it needs one."""

    together: ClassVar[int] = TOGETHER
    kind: Literal["alertmanager"]
    peers: tuple[Url, ...] = Field(
        min_length=1, description="URL of every peer, never of a load balancer before them"
    )
    gets: Literal["everything", "routed"] = Field(
        default="routed", description="everything: makes an alert of each message"
    )
    digest_over: Literal[0] = Field(default=0, description="a program gets each event by itself")

    @property
    def _needs_secret(self) -> bool:
        return False

    def made(self, around: Surroundings) -> AlertmanagerSender:
        """Return what sends by it."""
        from opskit.outside.notify.alertmanager import PATH, AlertmanagerSender  # noqa: PLC0415

        peers = tuple(
            self.endpoint("Alertmanager at {host}", url.rstrip("/") + PATH, around)
            for url in self.peers
        )
        return AlertmanagerSender(peers, self.secret(around), self.wording)


class AppriseChannel(_Secretive):
    """Anything that apprise speaks to, by its URL, which is the secret; needs `opskit[apprise]`."""

    kind: Literal["apprise"]
    allow_private: Literal[True] = Field(default=True, description="apprise talks to any address")

    def made(self, around: Surroundings) -> AppriseSender:
        """Return what sends by it."""
        from opskit.outside.notify.apprise import AppriseSender  # noqa: PLC0415  # as above

        return AppriseSender(self.secret(around), around.clock, wording=self.wording)


class MailChannel(Mail, _Channel):
    """Mail by SMTP, as `mail:` has it."""

    model_config = ConfigDict(serialize_by_alias=True)

    kind: Literal["mail"]

    def made(self, around: Surroundings) -> MailSender:
        """Return what sends by it."""
        from opskit.outside.notify.mail import MailSender  # noqa: PLC0415  # as above

        password = around.secret(self.password_file, "") if self.user else ""
        return MailSender(self, password, around.clock, around.root, wording=self.wording)


Channel: TypeAlias = Annotated[
    WebhookChannel
    | SlackChannel
    | TeamsChannel
    | PagerDutyChannel
    | NtfyChannel
    | AlertmanagerChannel
    | AppriseChannel
    | MailChannel,
    Field(discriminator="kind"),
]
