"""The web side: the only importer of starlette and uvicorn.

Whatever comes in passes the same gate: the name it was sent to, the caller's pace, the token, the
size of the body, the time all of it may take. Handlers are plain functions in threads.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable

import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from uvicorn.protocols.http.h11_impl import H11Protocol

from opskit.core.errors import ConfigError, OpskitError
from opskit.outside.eventlog import EventLog
from opskit.outside.logs import write_crash
from opskit.serve.answer import Answer, Asked, text
from opskit.serve.patience import Patient
from opskit.serve.routes import ROUTES, Route
from opskit.serve.site import Site

_LARGEST_HEAD = 16_384
_BODY_SECONDS = 10.0
_STOP_SECONDS = 5
_THREADS = 8
_PROBES = 64
# A report of a large month takes a while and hundreds of megabytes to draw.
_REPORTS = 2
_AT_ONCE = {"probe": _PROBES, "report": _REPORTS}
_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_CHALLENGE = 'Basic realm="opskit", charset="UTF-8"'


class _Protocol(Patient, H11Protocol):  # type: ignore[misc]  # uvicorn narrows asyncio's argument
    """HTTP/1.1, with bounded patience."""


class Web:
    """A thread that answers. `site` is what it answers from; a reload puts another in its place."""

    def __init__(self, site: Site, log: EventLog) -> None:
        self._site = site
        self._log = log
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        # One kind of page must not keep another waiting; probes take their time.
        self._threads = {
            one.page: anyio.CapacityLimiter(_AT_ONCE.get(one.page, _THREADS)) for one in ROUTES
        }

    @property
    def listens(self) -> bool:
        """Return whether it answers."""
        return self._thread is not None and self._thread.is_alive()

    def use(self, site: Site) -> None:
        """Answer from other settings, and show the certificate that is on the disk now."""
        self._site = site
        context = self._server.config.ssl if self._server is not None else None
        if isinstance(context, ssl.SSLContext) and site.tls is not None:
            context.load_cert_chain(site.tls.certificate, site.tls.key)

    def start(self) -> None:
        """Listen and answer.

        Raises:
            ConfigError: it cannot listen there.
        """
        settings = self._site.app.config.settings.serve
        listener = _listener(settings.host, settings.port)
        tls = self._site.tls
        config = uvicorn.Config(
            self._application(),
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        self._log.takes_over("uvicorn.error")
        self._log.takes_over("asyncio")
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            listener.close()
            raise ConfigError(f"serve: the certificate cannot be used: {error}") from error
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="web", daemon=True
        )
        self._thread.start()
        host, port = listener.getsockname()[:2]
        self._log.info("listening", address=f"{host}:{port}", tls=tls is not None)

    def stop(self) -> None:
        """Answer no more; who is being answered is given a moment."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(2 * _STOP_SECONDS)

    def _application(self) -> Starlette:
        routes = [
            StarletteRoute(one.path, self._endpoint(one), methods=list(one.methods))
            for one in ROUTES
        ]
        application = Starlette(
            routes=routes,
            exception_handlers={HTTPException: self._not_found, Exception: self._broken},
        )
        application.router.redirect_slashes = False
        return application

    def _endpoint(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            answer = await self._answer(route, request)
            self._site.requests.note(route.page, refused=answer.status >= 400)
            return _response(answer)

        return answered

    async def _not_found(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        known = self._site.access.knows_host(_header(request, "host"))
        words = "there is no such page" if status == 404 else "this page takes another method"
        allow = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
        told = text(status, words, Allow=allow) if allow else text(status, words)
        answer = told if known else _ANOTHER_HOST
        self._site.requests.note("other", refused=True)
        return _response(answer)

    async def _broken(self, _request: Request, error: Exception) -> Response:
        path = write_crash(error, self._site.app.environment)
        self._log.error("bug", kind=type(error).__name__, details=path or "")
        return _response(text(500, "this is a bug in opskit; see its log"))

    async def _answer(self, route: Route, request: Request) -> Answer:
        site = self._site
        peer = request.client.host if request.client else ""
        refusal = _refusal(site, route, request, peer)
        if refusal is not None:
            return refusal
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _body(request, route.body_limit)
        except (TimeoutError, ClientDisconnect):
            return text(408, "too slow", Connection="close")
        if body is None:
            return text(413, "too large", Connection="close")
        asked = Asked(
            request.method,
            peer,
            {name: str(value) for name, value in request.path_params.items()},
            dict(request.query_params),
            dict(request.headers),
            body,
            tuple(request.query_params.multi_items()),
        )
        limiter = self._threads[route.page]
        return await anyio.to_thread.run_sync(_guarded, site, route, asked, limiter=limiter)


_TOO_OFTEN = text(429, "too often", Retry_After="60")
_ANOTHER_HOST = text(421, "this server is not called that; see serve.hosts")


def _refusal(site: Site, route: Route, request: Request, peer: str) -> Answer | None:
    """Return why a request is not answered; nothing if it may be."""
    if not site.access.knows_host(_header(request, "host")):
        return _ANOTHER_HOST
    # A page elsewhere may make a browser ask; it must not make opskit do anything.
    if route.acts and _header(request, "sec-fetch-site") not in {"", "none", "same-origin"}:
        return text(403, "not from another site")
    if route.needs in {"beat", "signature"} and not site.callers.lets(peer):
        return _TOO_OFTEN
    if not _may(site, route, request):
        if not site.guesses.lets(peer):
            return _TOO_OFTEN
        site.log.warning("unauthorized", page=route.page, peer=peer)
        return text(401, "a token is needed", WWW_Authenticate=_CHALLENGE)
    return None


def _may(site: Site, route: Route, request: Request) -> bool:
    public = route.needs == "status" and site.app.config.settings.serve.public_status
    if public or route.needs in {"nobody", "signature"}:
        return True
    given = _header(request, "authorization")
    if route.needs == "beat":
        return site.access.allows_beat(given, str(request.path_params.get("name", "")))
    # What acts must not be done by a browser that remembers a password.
    return site.access.allows(given, basic=not route.acts)


def _header(request: Request, name: str) -> str:
    values = request.headers.getlist(name)
    return values[0] if len(values) == 1 else ""


async def _body(request: Request, limit: int) -> bytes | None:
    """Return the body; nothing if it is larger than `limit`, however large."""
    announced = _header(request, "content-length")
    if announced.isdecimal() and int(announced) > limit:
        return None
    kept = bytearray()
    async for chunk in request.stream():
        kept.extend(chunk)
        if len(kept) > limit:
            return None
    return bytes(kept)


def _guarded(site: Site, route: Route, asked: Asked) -> Answer:
    try:
        return route.handler(site, asked)
    except OpskitError as error:
        site.log.warning("page.failed", page=route.page, reason=error.message)
        return text(503, "not now; see the log of opskit", Retry_After="10")


def _response(answer: Answer) -> Response:
    headers = {**_HEADERS, **{name.lower(): value for name, value in answer.headers.items()}}
    return Response(answer.body, answer.status, headers, media_type=answer.kind)


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"serve.listen: {error.strerror or error}", hint="check it") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="choose another: opskit serve --listen 127.0.0.1:PORT",
        ) from error
    return listener
