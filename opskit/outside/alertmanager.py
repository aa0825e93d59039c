"""The one door to version 2 of the API of an Alertmanager, or of what answers as one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from opskit.core.errors import ConfigError, OpskitError, OutsideError
from opskit.core.text import clean, decode, shorten
from opskit.outside import http
from opskit.outside.alerting import Alertmanager
from opskit.outside.credentials import bearer

_LARGEST = 32_000_000
_SUCCESS = range(200, 300)


@dataclass(frozen=True)
class Door:
    """An Alertmanager at `url`, the part before `/api/v2`.

    Every call raises `ConfigError` for what it refuses, and `OutsideError` where it does not, or
    not properly, answer.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_private: bool = True
    ca_file: Path | None = None

    def get(self, *path: str) -> bytes:
        """Return what is there."""
        response = http.get(
            self._at(path), self.headers, max_bytes=_LARGEST, allow_private=self.allow_private,
            ca_file=self.ca_file,
        )  # fmt: skip
        return self._body(response)

    def post(self, path: str, data: object) -> bytes:
        """Send something, and return what was answered."""
        headers = {**self.headers, "content-type": "application/json"}
        response = http.post(
            self._at((path,)), json.dumps(data).encode(), headers,
            allow_private=self.allow_private, ca_file=self.ca_file,
        )  # fmt: skip
        return self._body(response)

    def delete(self, *path: str) -> None:
        """Take something away."""
        response = http.delete(
            self._at(path), self.headers, allow_private=self.allow_private, ca_file=self.ca_file
        )
        self._body(response)

    def garbled(self, wanted: str) -> OutsideError:
        """Return the error for an answer that is not what it should be."""
        message = f"{self.url} answered with something that is not {wanted}"
        return OutsideError(message, hint="is an Alertmanager there, and no page in front of it?")

    def _at(self, path: tuple[str, ...]) -> str:
        return "/".join([self.url.rstrip("/"), "api/v2", *(quote(one, safe="") for one in path)])

    def _body(self, response: http.Response) -> bytes:
        if response.status in _SUCCESS:
            return response.body
        raise self._error(response)

    def _error(self, response: http.Response) -> OpskitError:
        said = shorten(clean(decode(response.body).strip()), 200)
        told = f"{self.url} answered {response.status}{f': {said}' if said else ''}"
        if response.status in {401, 403}:
            return ConfigError(told, hint="check alertmanager.token_file in opskit.yaml")
        if response.status in range(300, 500) and response.status not in {408, 429}:
            return ConfigError(told, hint="check alertmanager.url: the part before /api/v2")
        return OutsideError(told, hint="try again once it is well", retryable=True)


def door_of(settings: Alertmanager, root: Path) -> Door:
    """Return the door that the settings name.

    Raises:
        ConfigError: the token cannot be read, or others can.
    """
    headers = bearer(root / settings.token_file) if settings.token_file else {}
    ca_file = root / settings.ca_file if settings.ca_file else None
    return Door(settings.url, headers, settings.allow_private, ca_file)
