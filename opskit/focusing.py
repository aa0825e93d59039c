"""Focus windows joined to the world: whose alerts they hold, and who may begin one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from opskit.alerts.routing.matchers import Matcher, Operator
from opskit.alerts.routing.verdicts import Quiet
from opskit.core.clock import Clock, Duration
from opskit.core.errors import ConfigError
from opskit.core.text import nearest
from opskit.desk.focus.keeping import FocusKeeping
from opskit.desk.focus.windows import Focus, Weekly
from opskit.desk.settings import Desk
from opskit.outside.config import Config
from opskit.outside.database import Database
from opskit.outside.models import read
from opskit.records.ledger import Ledger

# The label that says whose an alert is.
_TEAM = "team"


@dataclass(frozen=True)
class Focusing:
    """The focus windows of one ops repository.

    `owners` gives who owns each service, `teams` the names of all teams.
    """

    config: Config
    database: Database
    ledger: Ledger
    clock: Clock
    owners: Callable[[], Mapping[str, str]]
    teams: Callable[[], tuple[str, ...]]

    @cached_property
    def desk(self) -> Desk:
        """Return `desk.yaml`; an empty one where it is not there.

        Raises:
            DataError: it holds mistakes.
        """
        name = self.config.settings.desk
        path = self.config.path(name)
        return read(path, Desk, name=name) if path.is_file() else Desk()

    @cached_property
    def weekly(self) -> tuple[Weekly, ...]:
        """Return the windows that come again every week."""
        zone = self.config.zone
        return tuple(
            Weekly(one.team, tuple(each.hours for each in one.hours), one.timezone or zone,
                   one.passes)
            for one in self.desk.focus
        )  # fmt: skip

    @property
    def keeping(self) -> FocusKeeping:
        """Return what opens and ends windows."""
        return FocusKeeping(self.database, self.ledger, self.clock, self.weekly)

    def begin(self, team: str, lasting: Duration) -> Focus:
        """Open a window of a team.

        Raises:
            ConfigError: there is no such team.
            Refused: it is in focus already.
        """
        known = {*self.teams(), *(one.team for one in self.weekly)}
        if team not in known:
            guess = nearest(team, sorted(known))
            meant = f"; did you mean {guess}?" if guess else ""
            raise ConfigError(
                f"there is no team {team!r}{meant}", hint=f"see {self.config.settings.people}"
            )
        return self.keeping.begin(team, lasting, self.desk.paging(team))

    def quiet(self) -> tuple[Quiet, ...]:
        """Return what holds alerts now."""
        current = self.keeping.current()
        owners = self.owners() if current else {}
        return tuple(quiet for one in current for quiet in _held(one, owners))


def _held(focus: Focus, owners: Mapping[str, str]) -> Iterator[Quiet]:
    """Yield what a window holds: the team's alerts, and those of its services that name no team."""
    name, times = f"focus of {focus.team}", (focus.interval,)
    paging = "|".join(map(re.escape, focus.passes))
    passes = (Matcher("severity", Operator.LIKE, paging),)
    yield Quiet(name, times, (Matcher(_TEAM, Operator.IS, focus.team),), passes)
    services = [service for service, owner in owners.items() if owner == focus.team]
    for service in services:
        own = (Matcher("service", Operator.IS, service), Matcher(_TEAM, Operator.IS, ""))
        yield Quiet(name, times, own, passes)
