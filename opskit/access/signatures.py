"""What an approver signs, and who may sign: a decision that an auditor can check without opskit.

The text is one line of JSON with sorted keys. It binds the request as it was asked, the check as
the approver saw it, the policy it was judged by, the verdict, and until when the decision counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from opskit.access.model import Key, KeyUse
from opskit.access.registry import Registry
from opskit.access.store.requests import Request
from opskit.core.clock import iso
from opskit.outside.sshsig import Signer, Trust, allowed_signers
from opskit.records.ledger import canonical

NAMESPACE = "opskit-decision"


def statement(request: Request, approver: str, verdict: str) -> str:
    """Return the text that somebody signs to decide on a request; it ends with a newline."""
    ask = request.ask
    data = {
        "opskit": "access decision",
        "version": 1,
        "request": request.name,
        "request_hash": request.hash,
        "check_hash": request.check_hash,
        "policy_version": request.policy_version,
        "verdict": verdict,
        "approver": approver,
        "expires_at": iso(request.lapses_at) if request.lapses_at is not None else "",
        "for": ask.beneficiary,
        "role": ask.role,
        "targets": list(ask.targets),
    }
    return canonical(data) + "\n"


def trust(registry: Registry, today: date, lost: Iterable[str] = ()) -> Trust:
    """Return whose signatures count today, in the forms ssh-keygen reads.

    `lost` are keys that were revoked apart from the files, as `type base64`.
    """
    revoked = [one.key for one in _keys(registry) if one.revoked and one.revoked <= today]
    revoked += lost
    return Trust(allowed_signers(signers(registry), NAMESPACE), "".join(f"{k}\n" for k in revoked))


def signers(registry: Registry) -> Iterator[Signer]:
    """Yield everybody's signing keys, with the days on which each counts."""
    for name, person in registry.people.people.items():
        for key in person.keys:
            if KeyUse.SIGN in key.use:
                yield Signer(name, key.key, key.added, _last_day(key))


def _last_day(key: Key) -> date | None:
    ends = [key.expires] if key.expires else []
    ends += [key.revoked - timedelta(days=1)] if key.revoked else []
    return min(ends, default=None)


def _keys(registry: Registry) -> Iterator[Key]:
    for person in registry.people.people.values():
        yield from person.keys
