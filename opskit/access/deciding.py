"""`access approve` and `deny`: one decision, proven where the policy wants it, bound to the check.

A decision counts only for the check it was made over. Where the files have changed since so that
the check says something else, the request is checked anew, and whoever decides is told to look
again: nobody approves what they have not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from opskit.access import scheduling, signatures
from opskit.access.approvers import Asking, excluded, satisfied, still_wanted
from opskit.access.judgment import Judgment, Verdict
from opskit.access.lifecycle import RequestState
from opskit.access.requesting import judged, lapse, new_approvers, write_check
from opskit.access.store import certificates, decisions, policies, requests
from opskit.access.store.grants import Grant
from opskit.access.store.requests import Request
from opskit.access.workplace import Workplace
from opskit.core.errors import Conflict, OpskitError, Refused
from opskit.outside import sshsig

Say = Literal["approve", "deny"]


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision: who else is wanted, or the grant."""

    request: Request
    wanted: tuple[str, ...] = ()
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody says to a request; `signature` is armored, empty where none was given."""

    approver: str
    say: Say
    reason: str = ""
    signature: str = ""


def pending(work: Workplace, number: int) -> Request:
    """Return a request that waits, checked by the files as they are now.

    Raises:
        Refused: it does not wait, or the files do not allow it any more.
        Conflict: the check says something else than before; it was written anew.
    """
    with work.database.write() as connection:
        policies.keep(connection, work.ledger, work.registry)
        found, trouble = _current(work, connection, requests.one(connection, number))
    if trouble is not None:
        raise trouble
    return found


def _current(
    work: Workplace, connection: sa.Connection, one: Request
) -> tuple[Request, OpskitError | None]:
    """Return a request as it is now judged; what was found out is written whatever follows."""
    if lapse(work, connection, one) or one.state is not RequestState.PENDING:
        one = requests.one(connection, one.id)
        work.tell(connection, "decision.refused_stale", one.name, {"state": one.state.value})
        hint = f"opskit access show {one.name}"
        return one, Refused(f"{one.name} is {one.state.value}", hint=hint)
    judgment = judged(work, connection, one.ask, one.id)
    if judgment.digest == one.check_hash:
        return one, None
    one = write_check(work, connection, one, judgment, RequestState.PENDING)
    if judgment.verdict is Verdict.REFUSED:
        reasons = [each.as_json() for each in judgment.refusals]
        work.tell(connection, "request.denied", one.name, {"by": "policy", "refusals": reasons})
        one = requests.advance(connection, one, RequestState.DENIED, closed_at=work.now())
        first = judgment.refusals[0]
        return one, Refused(f"the files allow {one.name} no more: {first.message}", hint=first.way)
    message = f"{one.name} was checked anew: what it needs or gives has changed since"
    return one, Conflict(message, hint=f"opskit access show {one.name}, then decide again")


def decide(work: Workplace, number: int, word: Word) -> Decided:
    """Write what somebody says, and what follows from it.

    Raises:
        Refused: they may not, the signature is missing or wrong, or the request is over.
        Conflict: somebody else decided at the same moment, or the check has changed.
    """
    seen = pending(work, number)
    with work.database.read() as connection:
        judgment = judged(work, connection, seen.ask, seen.id)
        newcomers = new_approvers(work, connection, seen.ask, judgment.groups)
        twins = _agreed(connection, seen) & work.registry.sharing_a_key(word.approver)
    trouble = _not_entitled(work, seen, judgment, word, newcomers) or _twice(seen, word, twins)
    if trouble is not None:
        kind, error = trouble
        with work.database.write() as connection:
            work.tell(connection, kind, seen.name, {"approver": word.approver, "say": word.say})
        raise error
    text, key = _proven(work, seen, word, required=judgment.signed and word.say == "approve")
    with work.database.write() as connection:
        return _written(work, connection, seen, word, text, key)


def _not_entitled(
    work: Workplace,
    seen: Request,
    judgment: Judgment,
    word: Word,
    newcomers: frozenset[str],
) -> tuple[str, Refused] | None:
    """Return why somebody may not decide, and the kind under which that is written."""
    ask = seen.ask
    names = {name for group in judgment.groups for name in group.eligible}
    if word.approver in excluded(Asking(ask.requester, ask.beneficiary), work.registry):
        return "decision.refused_self", Refused(
            f"{word.approver} has a part in {seen.name}: nobody decides for themselves, for who "
            "they report to, or with a key they share",
            hint=f"ask {', '.join(sorted(names)) or 'somebody else'}",
        )
    if word.approver in newcomers:
        return "decision.refused_new", Refused(
            f"{word.approver} was made an approver less than a day ago (FLOW-SELF)",
            hint=f"ask {', '.join(sorted(names - newcomers)) or 'again tomorrow'}",
        )
    if word.approver not in names:
        return "decision.refused_stranger", Refused(
            f"{word.approver} is no approver of {seen.name}",
            hint=f"ask {', '.join(sorted(names))}",
        )
    return None


def _twice(seen: Request, word: Word, twins: frozenset[str]) -> tuple[str, Refused] | None:
    """Return why somebody's yes is not one more: it comes with the key of who agreed already."""
    if word.say == "deny" or not twins - {word.approver}:
        return None
    others = ", ".join(sorted(twins - {word.approver}))
    return "decision.refused_self", Refused(
        f"{word.approver} shares a key with {others}, who agreed to {seen.name} already",
        hint="one key is one person: ask somebody else",
    )


def _proven(work: Workplace, seen: Request, word: Word, *, required: bool) -> tuple[str, str]:
    """Return the text that was signed and the fingerprint of the key; empty where none was."""
    if not word.signature and not required:
        return "", ""
    if not word.signature:
        raise Refused(
            f"{seen.name} needs signed decisions",
            hint=f"opskit access approve {seen.name} --sign-with ~/.ssh/id_ed25519",
        )
    text = signatures.statement(seen, word.approver, word.say)
    with work.database.read() as connection:
        lost = [one.key for one in certificates.revoked_keys(connection)]
    key = sshsig.verify(
        text,
        word.signature,
        identity=word.approver,
        namespace=signatures.NAMESPACE,
        trust=signatures.trust(work.registry, work.today(), lost),
        at=work.now(),
        environment=work.environment,
    )
    return text, key


def _written(
    work: Workplace,
    connection: sa.Connection,
    seen: Request,
    word: Word,
    text: str,
    key: str,
) -> Decided:
    one, now = requests.one(connection, seen.id), work.now()
    # Judged once more where it is written: what is held may have changed since it was read.
    judgment = judged(work, connection, one.ask, one.id)
    if one.version != seen.version or judgment.digest != seen.check_hash:
        raise Conflict(f"{one.name} was changed just now", hint=f"opskit access show {one.name}")
    if one.state_at(now) is not RequestState.PENDING:
        raise Refused(f"{one.name} is lapsed", hint=f"opskit access show {one.name}")
    decisions.insert(
        connection, request=one.id, approver=word.approver, verdict=word.say, reason=word.reason,
        at=now, check_hash=one.check_hash, statement=text, signature=word.signature, key=key,
    )  # fmt: skip
    told = {
        "approver": word.approver,
        "check_hash": one.check_hash,
        "reason": word.reason,
        "statement": text,
        "signature": word.signature,
        "key": key,
    }
    kind = "decision.approved" if word.say == "approve" else "decision.denied"
    work.tell(connection, kind, one.name, told)
    if word.say == "deny":
        work.tell(connection, "request.denied", one.name, {"by": word.approver})
        return Decided(requests.advance(connection, one, RequestState.DENIED, closed_at=now))
    return _counted(work, connection, one, judgment)


def _counted(
    work: Workplace, connection: sa.Connection, one: Request, judgment: Judgment
) -> Decided:
    agreed = _agreed(connection, one)
    if not satisfied(judgment.groups, agreed):
        # The version moves with each decision, so that of two racing ones the second looks again.
        kept = requests.advance(connection, one, RequestState.PENDING)
        return Decided(kept, wanted=still_wanted(judgment.groups, agreed))
    closed, grant = scheduling.approve(work, connection, one, judgment, ", ".join(sorted(agreed)))
    return Decided(closed, grant=grant)


def _agreed(connection: sa.Connection, one: Request) -> frozenset[str]:
    """Return who said yes to a request as it is checked now."""
    said = decisions.of(connection, one.id)
    return frozenset(
        each.approver
        for each in said
        if each.verdict == "approve" and each.check_hash == one.check_hash
    )
