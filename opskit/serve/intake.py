"""What calls in: heartbeats, and events as signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from opskit.core.clock import MINUTE, SECOND
from opskit.core.redact import Redactor
from opskit.core.text import clean, clean_block, decode
from opskit.monitor import beats
from opskit.monitor.store.beats import Word
from opskit.outside.notify.webhook import signature
from opskit.records import intake
from opskit.serve import alertmanager
from opskit.serve.answer import Answer, Asked, text
from opskit.serve.site import Site

_WORDS: Mapping[str, Word] = {"": "ok", "ok": "ok", "start": "start", "fail": "fail"}
_WINDOW = 5 * MINUTE
_LARGEST_EVENT = 262_144
_KEPT_BODY = 2_000
_ID = re.compile(r"[!-~]{1,255}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_REFUSED = text(401, "not accepted")


def heartbeat(site: Site, asked: Asked) -> Answer:
    """Take a call; who it is from was looked at before."""
    name = asked.path["name"]
    word = _WORDS.get(asked.path.get("word", ""))
    if word is None or name not in beats.expected(site.app.catalogue):
        return text(404, "there is no such heartbeat")
    if not site.beats.lets(name):
        return text(429, "too often", Retry_After="60")
    app = site.app
    app.beats.call(name, app.clock.now(), word)
    site.log.info("heartbeat", name=name, word=word, peer=asked.peer)
    return text(200, "ok")


def webhook(site: Site, asked: Asked) -> Answer:
    """Take what a sender may send, by its kind; what is wrong with others is not told."""
    source = asked.path["name"]
    sender = site.intakes.get(source)
    if sender is not None and sender.kind == "alertmanager":
        return alertmanager.take(site, asked, source, sender.key)
    return _event(site, asked, source, None if sender is None else sender.key)


def _event(site: Site, asked: Asked, source: str, key: bytes | None) -> Answer:
    """Take an event whose signature holds, once."""
    if len(asked.body) > _LARGEST_EVENT:
        return text(413, "too large")
    number, stamp = asked.headers.get("webhook-id", ""), asked.headers.get("webhook-timestamp", "")
    # Without a key the same work is done: how long it takes must not tell which names there are.
    if not _is_signed(key or b"\0" * 32, number, stamp, asked) or key is None:
        site.log.warning("webhook.refused", source=source, peer=asked.peer, reason="signature")
        return _REFUSED
    if abs(int(stamp) * SECOND - site.app.clock.now()) > _WINDOW:
        site.log.warning("webhook.refused", source=source, peer=asked.peer, reason="time")
        return _REFUSED
    is_new = _store(site, source, number, asked.body)
    site.log.info("webhook", source=source, id=number, new=is_new, peer=asked.peer)
    return text(200, "accepted" if is_new else "known already")


def _is_signed(key: bytes, number: str, stamp: str, asked: Asked) -> bool:
    if not (_ID.fullmatch(number) and _SECONDS.fullmatch(stamp)):
        return False
    wanted = signature(key, number, stamp, asked.body).encode()
    given = asked.headers.get("webhook-signature", "").split(" ")[:8]
    return any(hmac.compare_digest(one.encode("utf-8", "replace"), wanted) for one in given)


def _store(site: Site, source: str, number: str, body: bytes) -> bool:
    app = site.app
    told = Redactor().with_secrets(decode(one.key) for one in site.intakes.values())
    data = {
        "id": clean(number),
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "body": clean_block(told.start_of(decode(body), _KEPT_BODY)),
    }
    with app.database.write() as connection:
        is_new = intake.take(connection, source, number, app.clock.now())
        if is_new:
            app.ledger.append(connection, "webhook.received", source, data)
    return is_new
