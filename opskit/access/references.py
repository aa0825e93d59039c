"""What must hold within the people file, and of those who are named elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from opskit.access.model import People
from opskit.core.findings import Finding, Location, Severity
from opskit.core.text import nearest

# Where a key path of a file stands.
Place = Callable[[tuple[str | int, ...]], Location]


def references(people: People, path: str, place: Place) -> Iterator[Finding]:
    """Yield each manager or team that a person names and that is not there."""
    for name, person in people.people.items():
        for key, value, known in (
            ("manager", person.manager, people.people.keys()),
            ("team", person.team, people.teams.keys()),
        ):
            if value and value not in known:
                where = place(("people", name, key))
                yield _unknown(
                    f"access-unknown-{key}", f"people.{name}.{key}", value, known, path, where
                )


def owners(people: People, owned: Mapping[str, str], path: str, place: Place) -> Iterator[Finding]:
    """Yield each owner (of service -> owner) that is neither a person nor a team of `path`."""
    known = [*people.people, *people.teams]
    for service, owner in owned.items():
        if owner not in known:
            subject, where = f"services.{service}.owner", place(("services", service, "owner"))
            yield _unknown("access-unknown-owner", subject, owner, known, path, where)


def unknown_team(people: People, team: str, path: str, where: Location) -> Finding | None:
    """Return the mistake of a file that names a team which is not in `path`; None where it is."""
    if team in people.teams:
        return None
    return _unknown("access-unknown-team", team, team, people.teams, path, where)


def _unknown(
    rule: str, subject: str, name: str, known: Iterable[str], path: str, where: Location
) -> Finding:
    guess = nearest(name, list(known))
    fix = f"did you mean {guess!r}?" if guess else f"add it to {path}"
    return Finding(rule, Severity.MEDIUM, subject, f"{name!r} is not in {path}", where, fix)
