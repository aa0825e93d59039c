"""A host that every file here plants the modules on, and a key of somebody's."""

from __future__ import annotations

import pytest

from tests.access.targets.deputy import Deputy, Key
from tests.rig.hosts import Fleet, Host


@pytest.fixture(scope="module")
def host(own_fleet: Fleet) -> Host:
    return own_fleet["web1"]


@pytest.fixture(scope="module")
def deputy(host: Host) -> Deputy:
    return Deputy.on(host)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key.made(tmp_path_factory.mktemp("keys") / "key")
