"""The settings of an Alertmanager that stands beside opskit, from the files of the repository."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opskit.alerts.alertmanager.export import Callback, Exported, Native, exported
from opskit.alerts.routing.plan import Plan
from opskit.channels import MAIL, SLACK
from opskit.outside.config import Config
from opskit.outside.notify.kinds import PagerDutyChannel, SlackChannel
from opskit.outside.notify.settings import Mail

_SMTPS = 465
_SENDER, _TOKEN = "alertmanager", "alertmanager.token"
_MISSING = (
    "opskit takes no alerts yet: add to serve.webhooks of opskit.yaml"
    f" {_SENDER}: {{kind: {_SENDER}, secret_file: {_TOKEN}}}"
)


def alertmanager_settings(config: Config, plan: Plan, url: str, *, native: bool) -> Exported:
    """Return the settings; `url` is where opskit is reached, what it listens on if empty.

    Raises:
        ConfigError: a matcher or a time means nothing to Alertmanager.
    """
    serve = config.settings.serve
    senders = [name for name, one in serve.webhooks.items() if one.kind == _SENDER]
    name = senders[0] if senders else _SENDER
    file = serve.webhooks[name].secret_file if senders else _TOKEN
    scheme = "https" if serve.certificate else "http"
    base = (url or f"{scheme}://{serve.listen}").rstrip("/")
    callback = Callback(f"{base}/webhook/{name}", str(config.path(file)))
    found = exported(plan.routes, callback, dict(_native(config, plan)) if native else {})
    missing = () if senders else (_MISSING,)
    return Exported(found.document, (*found.notes, *missing))


def _native(config: Config, plan: Plan) -> Iterator[tuple[str, Native]]:
    """Yield what Alertmanager can tell by itself: how receivers name it, and its settings."""
    named = {channel for one in plan.routes.receivers for channel in one.channels}
    for channel in sorted(named):
        name, _, address = channel.partition(":")
        made = _settings(config, name, address)
        if made is not None:
            yield channel, made


def _settings(config: Config, name: str, address: str) -> Native | None:
    settings = config.settings
    channel = settings.channels.get(name)
    mail = settings.mail if name == MAIL else channel
    if isinstance(mail, Mail):
        # Alertmanager begins with TLS on port 465 only.
        known = mail.tls != "tls" or mail.port_used == _SMTPS
        return {"email_configs": _mail(config, mail, address)} if known else None
    if address:
        return None
    if name == SLACK and settings.slack is not None:
        return {"slack_configs": {"api_url_file": str(config.path(settings.slack.url_file))}}
    if isinstance(channel, SlackChannel) and channel.secret_file:
        return {"slack_configs": {"api_url_file": str(config.path(channel.secret_file))}}
    if isinstance(channel, PagerDutyChannel) and channel.secret_file:
        key = {"routing_key_file": str(config.path(channel.secret_file)), "url": channel.url}
        return {"pagerduty_configs": key}
    return None


def _mail(config: Config, mail: Mail, address: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "to": address or ", ".join(mail.to),
        "from": mail.sender,
        "smarthost": f"{mail.server}:{mail.port_used}",
        "require_tls": mail.tls == "starttls",
    }
    if mail.user:
        password = str(config.path(mail.password_file))
        found |= {"auth_username": mail.user, "auth_password_file": password}
    if mail.ca_file:
        found["tls_config"] = {"ca_file": str(config.path(mail.ca_file))}
    return found
