"""One module per kind of probe: its settings, how it looks, and `KIND`, which names both.

To add a kind: a module here and a line in `_BUILT_IN`, or an entry point in the group
`opskit.probes` of another package. The contract suite then runs for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from opskit.core.errors import ConfigError
from opskit.monitor.kinds import Kind, LookKind, TransferKind
from opskit.monitor.probes import (
    banner,
    command,
    dns,
    domain,
    heartbeat,
    host,
    http,
    icmp,
    journey,
    postgres,
    scrape,
    smtp,
    ssh,
    tcp,
    tls,
)
from opskit.outside.plugins import plugins

GROUP = "opskit.probes"
_BUILT_IN: tuple[Kind, ...] = (
    http.KIND,
    tcp.KIND,
    banner.KIND,
    tls.KIND,
    dns.KIND,
    icmp.KIND,
    ssh.KIND,
    smtp.KIND,
    postgres.KIND,
    heartbeat.KIND,
    command.KIND,
    domain.KIND,
    journey.KIND,
    scrape.KIND,
    host.KIND,
)


def kind_name(kind: Kind) -> str:
    """Return the word by which `services.yaml` asks for a kind."""
    return str(get_args(kind.settings.model_fields["kind"].annotation)[0])


def _known() -> Mapping[str, Kind]:
    """Return every kind by name, those of other packages included.

    Raises:
        ConfigError: another package's kind is none, or has the name of one that is there.
    """
    kinds = {kind_name(one): one for one in _BUILT_IN}
    for name, found in plugins(GROUP).items():
        if not isinstance(found, TransferKind | LookKind):
            raise ConfigError(f"{GROUP}: {name} is no kind of probe", hint="opskit.monitor.kinds")
        own = kind_name(found)
        if own in kinds:
            raise ConfigError(f"{GROUP}: there is a kind {own!r} already", hint=f"rename {name}")
        kinds[own] = found
    return kinds


KINDS = _known()
