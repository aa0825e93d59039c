"""What the tables say held against the ledger: what stands there and was never told is not proven.

Whoever can write to the database can enter a decision or a grant. The ledger is chained, and its
head leaves the machine; what has no entry in it, or another one, was not written by opskit. Pure.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opskit.access.store.decisions import Decision
from opskit.access.store.grants import Grant
from opskit.access.store.requests import Request
from opskit.records.ledger import Entry

_KINDS = {"approve": "decision.approved", "deny": "decision.denied"}
Told = Mapping[tuple[str, str], list[dict[str, Any]]]


def told(entries: Iterable[Entry]) -> Told:
    """Return what was told of requests and grants when they came about, by kind and subject."""
    wanted = {"request.created", "grant.created", *_KINDS.values()}
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for one in entries:
        if one.kind in wanted:
            found[one.kind, one.subject].append(json.loads(one.data))
    return found


def unproven(
    known: Told, asked: Iterable[tuple[Request, Iterable[Decision]]], given: Iterable[Grant]
) -> Iterator[str]:
    """Yield in words each request, decision and grant that the ledger does not know as it is."""
    for request, decisions in asked:
        if not _tells(known["request.created", request.name], request.ask.as_json()):
            yield f"{request.name} is not what the ledger says was asked"
        for one in decisions:
            fields = ("approver", "check_hash", "reason", "statement", "signature", "key")
            said = {name: getattr(one, name) for name in fields}
            if not _tells(known[_KINDS[one.verdict], request.name], said):
                yield f"the ledger knows no {one.verdict} of {request.name} by {one.approver}"
    for grant in given:
        if not _tells(known["grant.created", grant.name], {"request": f"r{grant.request}"}):
            yield f"the ledger knows no {grant.name} given for r{grant.request}"


def _tells(entries: Iterable[Mapping[str, Any]], values: Mapping[str, object]) -> bool:
    """Return whether an entry says all this; what opskit did not tell yet back then is passed."""
    return any(
        all(one.get(name, value) == value for name, value in values.items()) for one in entries
    )
