"""Fixtures that hand out the rig; where it cannot run, tests skip and say why.

Under CI=true nothing may be skipped, and the same reason is a failure.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import browser as chromium, hosts, postgres as postgresql
from tests.rig.hosts import Fleet
from tests.rig.postgres import Postgres

NAMES = ("web1", "web2", "db1")


def require(reason: str | None) -> None:
    """Skip the test for this REASON, if there is one; under CI=true fail it."""
    if reason is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Hosts web1, web2 and db1, shared by all tests: leave them as you found them."""
    require(hosts.available())
    with Fleet(NAMES, tmp_path_factory.mktemp("fleet")) as running:
        yield running


@pytest.fixture(scope="module")
def own_fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Hosts for one module alone, which breaks or bends them; its own NAMES if it has any."""
    require(hosts.available())
    names = getattr(request.module, "NAMES", NAMES)
    with Fleet(names, tmp_path_factory.mktemp("fleet")) as running:
        yield running


@pytest.fixture
def fresh_fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Hosts web1, web2 and db1 for one test, to do with as it likes."""
    require(hosts.available())
    with Fleet(NAMES, tmp_path / "fleet") as running:
        yield running


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Run an empty PostgreSQL, shared by all tests."""
    require(postgresql.available())
    with Postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> None:
    """Require a browser, for tests that call `screenshot` or `dump_dom`."""
    require(chromium.available())
