"""The routing tree: which receivers an alert goes to, and how its messages are grouped. Pure.

Source: Alertmanager documentation, "Configuration", section "route". Depth first: the nodes below
that match take an alert from the one above; of several beside each other the first, unless it
says to go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from opskit.alerts.routing.matchers import Matcher, all_hold, parsed
from opskit.alerts.routing.settings import GROUP_INTERVAL, GROUP_WAIT, REPEAT, RouteSettings
from opskit.core.clock import Duration

EVERY_LABEL = "..."


@dataclass(frozen=True, slots=True)
class Route:
    """A node with all it has from above. `path` tells nodes apart, as `0/2`: it is no name."""

    path: str
    receiver: str
    matchers: tuple[Matcher, ...]
    group_by: tuple[str, ...]
    goes_on: bool
    group_wait: Duration
    group_interval: Duration
    repeat_interval: Duration
    muted_in: tuple[str, ...]
    active_in: tuple[str, ...]
    escalation: str
    below: tuple[Route, ...] = ()

    @property
    def name(self) -> str:
        """Return what tells it apart, also from what stands at its place when the file changed."""
        return f"{self.path} {self.receiver}"

    def grouped(self, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Return the labels that an alert's group has in common."""
        names = sorted(labels) if EVERY_LABEL in self.group_by else sorted(self.group_by)
        return tuple((name, labels[name]) for name in names if name in labels)

    def taken(self, labels: Mapping[str, str]) -> Iterator[Route]:
        """Yield the nodes that an alert ends at."""
        if not all_hold(self.matchers, labels):
            return
        found = False
        for one in self.below:
            ends = tuple(one.taken(labels))
            yield from ends
            found = found or bool(ends)
            if ends and not one.goes_on:
                return
        if not found:
            yield self


def grown(settings: RouteSettings) -> Route:
    """Return the tree of a file."""
    top = Route(
        "0", "", (), (), goes_on=False,
        group_wait=Duration(GROUP_WAIT), group_interval=Duration(GROUP_INTERVAL),
        repeat_interval=Duration(REPEAT), muted_in=(), active_in=(), escalation="",
    )  # fmt: skip
    return _node(settings, top, "0")


def _node(own: RouteSettings, above: Route, path: str) -> Route:
    node = Route(
        path=path,
        receiver=own.receiver or above.receiver,
        matchers=tuple(one for text in own.matchers for one in parsed(text)),
        group_by=above.group_by if own.group_by is None else own.group_by,
        goes_on=own.continue_,
        group_wait=_given(own.group_wait, above.group_wait),
        group_interval=_given(own.group_interval, above.group_interval),
        repeat_interval=_given(own.repeat_interval, above.repeat_interval),
        # Times are not inherited, as in Alertmanager.
        muted_in=own.mute_time_intervals,
        active_in=own.active_time_intervals,
        escalation=own.escalation or above.escalation,
    )
    below = (_node(one, node, f"{path}/{index}") for index, one in enumerate(own.routes))
    return replace(node, below=tuple(below))


def _given(own: int | None, above: Duration) -> Duration:
    return above if own is None else Duration(own)
