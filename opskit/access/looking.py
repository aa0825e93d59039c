"""A look at targets for its own sake: what hosts and servers say of access now."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.access.targets.kinds import Sight
from opskit.access.workplace import Workplace
from opskit.core.errors import ConfigError
from opskit.core.text import nearest


def look(work: Workplace, targets: Sequence[str]) -> tuple[Sight, ...]:
    """Return what is seen of every host or server that targets stand for, each of them once.

    Raises:
        ConfigError: there is no such target.
    """
    by_kind: dict[str, dict[str, None]] = {}
    for name in targets:
        known = work.registry.target(name)
        if known is None:
            guess = nearest(name, list(work.registry.targets.targets))
            hint = f"did you mean {guess}?" if guess else "see access/targets.yaml"
            raise ConfigError(f"there is no target {name!r}", hint=hint)
        by_kind.setdefault(known.kind, {}).update(dict.fromkeys(work.places(name)))
    found: list[Sight] = []
    for kind, places in by_kind.items():
        found += work.kind(kind).observe(tuple(places), {}).values()
    return tuple(found)
