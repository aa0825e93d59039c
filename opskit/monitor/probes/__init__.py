"""One module per kind of probe; each says what to fetch and what the answer means.

`request(settings)` and `judge(settings, result)` are pure: the transfer between them is the only
part that touches the network. To add a kind: its settings in `model.py`, a module here, a line in
`KINDS`; the contract suite then runs for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opskit.monitor.model import Seen
from opskit.monitor.probes import http, tcp
from opskit.outside.transfer import TransferRequest, TransferResult


@dataclass(frozen=True, slots=True)
class Kind:
    """The two halves of a probe. The settings' type is the one that its `kind` names."""

    request: Callable[[Any], TransferRequest]
    judge: Callable[[Any, TransferResult], tuple[Seen, str]]


KINDS: Mapping[str, Kind] = {
    "http": Kind(http.request, http.judge),
    "tcp": Kind(tcp.request, tcp.judge),
}
