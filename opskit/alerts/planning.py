"""`alerts/routes.yaml`, read: who is told of an alert, and who is on call."""

from __future__ import annotations

from opskit.alerts.routing.plan import Plan, planned
from opskit.alerts.routing.settings import Routes
from opskit.core.errors import ConfigError
from opskit.outside.config import Config
from opskit.outside.models import read

ROUTES = "alerts/routes.yaml"


def plan_of(config: Config) -> Plan:
    """Return what the routes file of an ops repository says.

    Raises:
        ConfigError: there is none.
        DataError: with a finding for each mistake in it.
    """
    path = config.path(ROUTES)
    if not path.is_file():
        raise ConfigError(f"there is no {ROUTES}", hint="opskit schema routes says what it holds")
    return planned(read(path, Routes, name=ROUTES))
