"""What must hold within the people file, and of those who are named elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from opskit.access.model import People
from opskit.core.findings import Finding, Severity
from opskit.core.text import nearest


def references(people: People, path: str) -> Iterator[Finding]:
    """Yield each manager or team that a person names and that is not there."""
    for name, person in people.people.items():
        if person.manager and person.manager not in people.people:
            yield _unknown(
                "access-unknown-manager",
                f"people.{name}.manager",
                person.manager,
                people.people,
                path,
            )
        if person.team and person.team not in people.teams:
            yield _unknown(
                "access-unknown-team", f"people.{name}.team", person.team, people.teams, path
            )


def owners(people: People, owned: Mapping[str, str], path: str) -> Iterator[Finding]:
    """Yield each owner (of thing -> owner) that is neither a person nor a team."""
    known = [*people.people, *people.teams]
    for thing, owner in owned.items():
        if owner not in known:
            yield _unknown("access-unknown-owner", thing, owner, known, path)


def _unknown(rule: str, subject: str, name: str, known: Iterable[str], path: str) -> Finding:
    guess = nearest(name, list(known))
    fix = f"did you mean {guess!r}?" if guess else f"add it to {path}"
    return Finding(rule, Severity.MEDIUM, subject, f"{name!r} is not in {path}", None, fix)
