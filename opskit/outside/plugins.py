"""What other packages bring: entry points, the only door to them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from opskit.core.errors import ConfigError


def plugins(group: str) -> Mapping[str, object]:
    """Return what installed packages offer in a group of entry points, by name.

    Raises:
        ConfigError: one of them cannot be loaded.
    """
    found: dict[str, object] = {}
    for entry in entry_points(group=group):
        try:
            found[entry.name] = entry.load()
        except Exception as error:
            package = entry.dist.name if entry.dist else "a package"
            raise ConfigError(
                f"{group}: {entry.name} of {package} cannot be loaded: {error!r}",
                hint=f"pip uninstall {package}, or mend it",
            ) from error
    return found
