"""What can be sent to opskit, as an OpenAPI 3.1 document: alerts, silences, webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit import __version__
from opskit.alerts.alertmanager.messages import MOST_ALERTS, PostedAlert, WebhookMessage
from opskit.alerts.alertmanager.silences import SilenceBody
from opskit.outside.models import Model
from opskit.serve.answer import Answer, Asked, as_json
from opskit.serve.site import Site

_REF = "#/components/schemas/{model}"
_BODIES: tuple[type[Model], ...] = (PostedAlert, SilenceBody, WebhookMessage)
_TEXT = {"type": "string"}
_TRUTH = {"type": "string", "enum": ["true", "false"]}


def shown(_site: Site, _asked: Asked) -> Answer:
    """Show the document."""
    return as_json(document())


def document() -> dict[str, Any]:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "opskit",
            "version": __version__,
            "description": "Alerts in, as Alertmanager takes them; silences; webhooks.",
        },
        "security": [{"token": []}],
        "paths": {**{"/api/v2" + path: one for path, one in _API.items()}, **_OTHERS},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for model in _BODIES:
        schema = model.model_json_schema(ref_template=_REF)
        found |= schema.pop("$defs", {})
        found[model.__name__] = schema
    return found


def _answers(good: Mapping[str, Any] | None, *codes: int) -> dict[str, Any]:
    """Return the answers of a route: what it says where all is well, and what else it may say."""
    said = {code: {"description": _SAID[code]} for code in (401, 403, 408, 421, 429, 503, *codes)}
    well: dict[str, Any] = {"description": "done"}
    if good is not None:
        well["content"] = {"application/json": {"schema": good}}
    return {"200": well, **{str(code): said[code] for code in sorted(said)}}


_SAID = {
    400: "not as it should be", 401: "a token is needed", 404: "there is none",
    403: "from another site, or no token is set", 408: "too slow", 413: "too large",
    415: "no JSON", 421: "another host", 429: "too often", 503: "not now: send it again",
}  # fmt: skip


def _read(what: str, answer: Mapping[str, Any], *codes: int, **queries: object) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "query", "schema": schema} for name, schema in queries.items()
    ]
    return {"summary": what, "parameters": parameters, "responses": _answers(answer, *codes)}


def _sent(what: str, body: Mapping[str, Any], answer: Mapping[str, Any] | None) -> dict[str, Any]:
    content = {"application/json": {"schema": body}}
    return {
        "summary": what,
        "requestBody": {"required": True, "content": content},
        "responses": _answers(answer, 400, 404, 413, 415),
    }


def _object(*names: str) -> dict[str, Any]:
    return {"type": "object", "required": list(names)}


def _list(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _ref(model: type[Model]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


_FILTER = _list(_TEXT)
_ALERT = _object("fingerprint", "labels", "annotations", "startsAt", "endsAt", "status")
_SILENCE = _object("id", "status", "matchers", "startsAt", "endsAt", "createdBy", "comment")
_ID = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": _TEXT}]}
_API: Mapping[str, dict[str, Any]] = {
    "/status": {"get": _read("what answers here", _object("cluster", "versionInfo", "config"))},
    "/receivers": {"get": _read("who may be told", _list(_object("name")))},
    "/alerts": {
        "get": _read(
            "the alerts that fire", _list(_ALERT), 400, filter=_FILTER, receiver=_TEXT,
            active=_TRUTH, silenced=_TRUTH, inhibited=_TRUTH, unprocessed=_TRUTH,
        ),
        "post": _sent(
            "alerts; each ends at its end unless it is sent again",
            {**_list(_ref(PostedAlert)), "maxItems": MOST_ALERTS}, None,
        ),
    },
    "/silences": {
        "get": _read("the silences", _list(_SILENCE), 400, filter=_FILTER),
        "post": _sent("a silence", _ref(SilenceBody), _object("silenceID")),
    },
    "/silence/{id}": {
        **_ID,
        "get": _read("one silence", _SILENCE, 404),
        "delete": {"summary": "end it now", "responses": _answers(None, 404)},
    },
}  # fmt: skip
_OTHERS: Mapping[str, dict[str, Any]] = {
    "/webhook/{name}": {
        "parameters": [{"name": "name", "in": "path", "required": True, "schema": _TEXT}],
        "post": _sent("what Alertmanager or a signed sender tells", _ref(WebhookMessage), None),
    },
    "/api/openapi.json": {"get": _read("this document", _object("openapi", "paths"))},
}
