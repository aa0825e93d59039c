"""What may hold a rollout back: commands and services, asked as a rollout asks them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from opskit.app import App
from opskit.core.errors import ConfigError
from opskit.fleet.apply import Gate

SERVICES = """
services:
  shop:
    owner: web
    probes:
      - {{kind: tcp, address: "127.0.0.1:{port}", timeout: 5s, confirm_after: 100ms}}
"""


@pytest.fixture
def app(ops: Path) -> Iterator[App]:
    found = App.find(ops / "opskit.yaml", {})
    yield found
    found.database.close()


def gate(app: App, command: str = "", service: str = "") -> Gate:
    (made,) = app.gates((command,) if command else (), (service,) if service else ())
    return made


@contextmanager
def listening() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_command_that_ends_well_lets_the_next_batch_start(app: App) -> None:
    assert not gate(app, "/bin/true").closed()
    assert not gate(app, f"/usr/bin/test -f '{app.config.root}/opskit.yaml'").closed()


def test_a_command_that_fails_says_its_last_line(app: App) -> None:
    said = gate(app, "/bin/sh -c 'echo one; echo two >&2; exit 7'").closed()
    assert said.startswith("the gate is shut (7): ")
    assert said.endswith(" two")


@pytest.mark.parametrize("command", ["/bin/echo 'open", " "])
def test_a_command_that_is_none_is_refused_before_anything_is_changed(
    app: App, command: str
) -> None:
    with pytest.raises(ConfigError, match="--gate"):
        gate(app, command)


def test_a_service_that_was_never_probed_can_be_a_gate(app: App, ops: Path) -> None:
    with listening() as port:
        (ops / "services.yaml").write_text(SERVICES.format(port=port))
        shop = gate(app, service="shop")
        assert shop.closed() == ""
    said = shop.closed()
    assert "shop" in said
    assert " is down: " in said
    assert shop.closed() == said


@pytest.mark.parametrize(
    ("made_of", "shut"),
    [
        (["left", "right"], True),
        ([{"any_of": ["left", "right"]}], False),
        ([{"any_of": ["left", "right"], "needed": 2}], True),
    ],
    ids=["all", "any", "two"],
)
def test_a_service_made_of_others_is_shut_as_they_are(
    app: App, ops: Path, made_of: list[object], shut: bool
) -> None:
    with listening() as port:
        services = {
            "shop": {"owner": "web", "made_of": made_of},
            "left": {"owner": "web", "probes": [quick(port)]},
            "right": {"owner": "web", "probes": [quick(1)]},
        }
        (ops / "services.yaml").write_text(json.dumps({"services": services}))
        said = gate(app, service="shop").closed()
    assert said.startswith("right/tcp is down: ") if shut else not said


def quick(port: int) -> dict[str, str]:
    """Return a probe of a port that soon knows."""
    return {"kind": "tcp", "address": f"127.0.0.1:{port}", "confirm_after": "100ms"}


def test_a_service_that_is_not_in_the_catalogue_is_refused(app: App, ops: Path) -> None:
    (ops / "services.yaml").write_text(SERVICES.format(port=1))
    with pytest.raises(ConfigError, match="there is no service 'shp'"):
        gate(app, service="shp")
