"""Alerts that an Alertmanager sends: its webhook, with a token of its own."""

from __future__ import annotations

from opskit.alerts.alertmanager.messages import WebhookMessage
from opskit.core.errors import DataError
from opskit.outside.bodies import read_body
from opskit.serve.access import Access
from opskit.serve.answer import Answer, Asked, text
from opskit.serve.site import Site


def take(site: Site, asked: Asked, source: str, token: bytes) -> Answer:
    """Take down what an Alertmanager tells of its alerts, as often as it likes.

    Alertmanager sends again what was answered with 5xx, and drops what was answered with 4xx.
    """
    if not Access.allows_sender(asked.headers.get("authorization", ""), token):
        site.log.warning("webhook.refused", source=source, peer=asked.peer, reason="token")
        return text(401, "not accepted")
    try:
        message = read_body(asked.body, WebhookMessage)
    except DataError as error:
        site.log.warning("webhook.refused", source=source, peer=asked.peer, reason="body")
        return text(400, error.message)
    app = site.app
    now = app.clock.now()
    words = [one.told(now) for one in message.alerts]
    heard = app.alerting.hearing.take(source, words, untold=message.truncated)
    if message.truncated:
        site.log.warning("webhook.truncated", source=source, alerts=message.truncated)
    site.log.info(
        "webhook", source=source, alerts=len(words), fired=heard.fired, resolved=heard.resolved,
        peer=asked.peer,
    )  # fmt: skip
    return text(200, "accepted")
