"""What tests of access may ask for."""

from __future__ import annotations

import pytest

from opskit.core.clock import FrozenClock
from opskit.outside.database import Database
from tests.access.world import Obedient, World, registry


@pytest.fixture
def world(database: Database, clock: FrozenClock) -> World:
    """Return an office with two web hosts, at noon, 1 October 2026."""
    return World(database, clock, Obedient(clock), registry())
