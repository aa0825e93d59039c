"""What is told of lists of revoked keys: a host that should refuse somebody does not know. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opskit.access.notices.notice import Files, Notice
from opskit.access.store.certificates import Certificate
from opskit.access.store.grants import Grant


@dataclass(frozen=True, slots=True)
class AboutHost:
    """An entry about a host; `open` are certificates it would still take, each with its grant."""

    host: str
    open: tuple[tuple[Certificate, Grant], ...]
    data: Mapping[str, Any]
    files: Files

    @property
    def owners(self) -> tuple[str, ...]:
        """Return who answers for the roles that could still be used."""
        owners = (name for _, grant in self.open for name in grant.gives.owners)
        return tuple(sorted(self.files.registry.among(owners)))

    def facts(self) -> Iterator[str]:
        """Yield what could still be used there."""
        for one, grant in self.open:
            until = self.files.when(one.valid_before)
            yield f"Certificate {one.serial} of {grant.name} ({grant.person}), until {until}."
        yield from (f"The key {one}, for good." for one in self.data["keys"])


def overdue(about: AboutHost) -> Notice:
    """Wake who answers for the roles: a host would let in what was revoked."""
    data, host = about.data, about.host
    return Notice(
        f"{host} has not been told of what was revoked",
        (
            f"{host}: {data['reason'] or 'no reason known'}.",
            f"It is owed since {about.files.when(data['since'])}. What it could still take:",
            *about.facts(),
            "Make the host reachable, or put the list there by hand; then settle.",
        ),
        ("opskit access cert list", "opskit access settle"),
        about.owners,
        urgent=True,
    )
