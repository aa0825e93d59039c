"""mitogen: a strategy that is not Ansible's own, installed only where somebody wants it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from opskit.core.errors import ConfigError

# A play that names a strategy of its own still has to find it: naming a path replaces these.
_ELSEWHERE = "/usr/share/ansible/plugins/strategy"
# The path of a socket is at most 103 bytes long on some systems; mitogen adds up to 30.
_LONGEST = 70


def directory() -> Path:
    """Return where mitogen's strategies lie.

    Raises:
        ConfigError: it is not installed.
    """
    found = find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        raise ConfigError("mitogen is not installed", hint="pip install 'opskit[mitogen]'")
    return Path(found.origin).parent / "plugins" / "strategy"


def environment(given: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """Return what Ansible is told beside `given` to use mitogen where a play names no strategy.

    Its socket is made in `temporary`, which goes with the run, if the path is short enough.
    """
    home = given.get("ANSIBLE_HOME") or f"{given.get('HOME', '')}/.ansible"
    own = given.get("ANSIBLE_STRATEGY_PLUGINS") or f"{home}/plugins/strategy:{_ELSEWHERE}"
    short = len(os.fsencode(temporary)) <= _LONGEST
    return {
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": f"{own}:{directory()}",
        # Ansible deprecates all strategies but its own: whoever asks for this one knows.
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        **({"TMPDIR": str(temporary)} if short else {}),
    }
