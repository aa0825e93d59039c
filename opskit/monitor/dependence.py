"""Who is down because of whom. Pure; a cause never changes what is said of the service itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from opskit.monitor.catalogue import AnyOf, Catalogue, Need, named


def causes(catalogue: Catalogue, name: str, down: Collection[str]) -> tuple[str, ...]:
    """Return the services at the bottom of it: down, needed by this one, and needing none down.

    A group of which enough are up is no cause.
    """
    service = catalogue.services[name]
    found: dict[str, None] = {}
    for need in (*service.depends_on, *service.made_of):
        for missing in _missing(need, down):
            deeper = causes(catalogue, missing, down) or (missing,)
            found.update(dict.fromkeys(deeper))
    return tuple(found)


def needs(catalogue: Catalogue, name: str) -> set[str]:
    """Return every service that this one needs, and that those need."""
    found: set[str] = set()
    left = [name]
    while left:
        service = catalogue.services[left.pop()]
        more = set(named((*service.depends_on, *service.made_of))) - found
        left.extend(more)
        found |= more
    return found


def _missing(need: Need, down: Collection[str]) -> tuple[str, ...]:
    if isinstance(need, AnyOf):
        gone = tuple(name for name in need.any_of if name in down)
        return gone if len(need.any_of) - len(gone) < need.needed else ()
    return (need,) if need in down else ()


def not_up(catalogue: Catalogue, name: str, bad: Mapping[str, str]) -> str:
    """Return why a service is not up, where it or some that it is made of are `bad`, with a reason.

    It is empty where the service is up.
    """
    if name in bad:
        return bad[name]
    for need in catalogue.services[name].made_of:
        among, needed = (need.any_of, need.needed) if isinstance(need, AnyOf) else ((need,), 1)
        reasons = [reason for one in among if (reason := not_up(catalogue, one, bad))]
        if len(among) - len(reasons) < needed:
            return reasons[0]
    return ""
