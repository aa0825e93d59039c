"""`access export`: everything an auditor needs, as files that stock tools can check.

Each signed decision lies there as the text that was signed and the signature, beside the signers
who were allowed by the files of that time; `verify.sh` asks ssh-keygen about every one of them. The
ledger is exported whole, since a chain with pieces missing proves nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access import signatures
from opskit.access.past import GrantSeen, RequestSeen, one_request, open_grants, waiting
from opskit.access.proving import told, unproven
from opskit.access.store import policies
from opskit.access.store.decisions import Decision
from opskit.access.workplace import Workplace
from opskit.core.clock import to_datetime
from opskit.outside.sshsig import allowed_signers
from opskit.records.ledger import entries

README = """\
What is in this directory
=========================

grants.jsonl      every grant: who, which role, where, from when to when, what ended it; for each
                  host or server when it was last seen there and when it was first seen gone
requests.jsonl    every request: who asked, for whom, what the check said, who decided what
policies/         the files in access/ as they were, by the version that requests name
decisions/        what approvers signed (.txt) and their signatures (.sig)
signers/          whose keys counted, by the version of the files
ledger.jsonl      the whole ledger, one entry a line

How to check it, without opskit
===============================

Signatures:       sh verify.sh          asks ssh-keygen about each of them
The ledger:       sh verify.sh recomputes its hashes where there is a python3: each is SHA-256 over
                  seven lines: the hash before it, seq, at, actor, kind, subject, data (without a
                  newline at the end); the first one follows 64 zeros. Compare the last one with a
                  head that left the machine: each report prints it
A request:        its decisions name request_hash and check_hash; both are in requests.jsonl

Instants are microseconds since 1970-01-01 00:00 UTC.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """The files by their names below the directory, and how much is in them.

    `unproven` says what stands in the tables and not in the ledger.
    """

    files: Mapping[str, str]
    grants: int
    requests: int
    signed: int
    unproven: tuple[str, ...] = ()


def export(work: Workplace) -> Exported:
    """Return all that there is to audit."""
    grants = open_grants(work, everything=True)
    requests = [one_request(work, one.request.id) for one in waiting(work, everything=True)]
    with work.database.read() as connection:
        known = told(entries(connection))
        files = dict(_records(connection, grants, requests))
        signed = list(_signed(connection, requests))
        files |= dict(_signers(connection))
    files |= {name: text for name, text, _ in signed}
    files["verify.sh"] = _script([line for _, _, line in signed if line])
    asked = ((one.request, one.decisions) for one in requests)
    odd = tuple(unproven(known, asked, (one.grant for one in grants)))
    return Exported(files, len(grants), len(requests), len(signed) // 2, odd)


def _records(
    connection: sa.Connection, grants: tuple[GrantSeen, ...], requests: list[RequestSeen]
) -> Iterator[tuple[str, str]]:
    yield "README.txt", README
    yield "grants.jsonl", _lines(one.as_json() for one in grants)
    yield "requests.jsonl", _lines(one.as_json() for one in requests)
    yield "ledger.jsonl", _lines(entry.as_json() for entry in entries(connection))
    for version, content in policies.contents(connection).items():
        yield f"policies/{version}.json", content + "\n"


def _lines(rows: Iterator[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _signers(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    for version, registry in policies.kept(connection).items():
        lines = allowed_signers(signatures.signers(registry), signatures.NAMESPACE)
        yield f"signers/{version}", lines


def _signed(
    connection: sa.Connection, requests: list[RequestSeen]
) -> Iterator[tuple[str, str, str]]:
    """Yield each signed text and each signature, with the line that verifies both."""
    for one in requests:
        for said in one.decisions:
            if said.signature:
                # A name of people.yaml may hold what is no part of a file's name.
                stem = f"decisions/{one.request.name}-{said.id}"
                yield f"{stem}.txt", said.statement, ""
                yield f"{stem}.sig", said.signature, _check(connection, stem, said)


def _check(connection: sa.Connection, stem: str, said: Decision) -> str:
    # Who could sign is what the files said when it was signed: a key may be newer than the check.
    version = policies.version_at(connection, said.at)
    at = f"{to_datetime(said.at):%Y%m%d%H%M%S}"
    return shlex.join(["check", stem, version, said.approver, at])


_SCRIPT = """\
#!/bin/sh
# Asks ssh-keygen whether each decision was signed by whom it says, with a key that counted then.
# Times are UTC, and ssh-keygen takes them for local time.
cd "$(dirname "$0")" || exit 2
TZ=UTC
export TZ
failed=0
check() {
	if ssh-keygen -Y verify -f "signers/$2" -I "$3" -n opskit-decision -O "verify-time=$4" \\
		-s "$1.sig" <"$1.txt"; then :; else
		echo "NOT VALID: $1" >&2
		failed=1
	fi
}
if command -v python3 >/dev/null; then python3 - <<'END' || failed=1
import hashlib, json, sys
before, seq = "0" * 64, 0
for line in open("ledger.jsonl", encoding="utf-8"):
    one, seq = json.loads(line), seq + 1
    parts = [before, *(one[name] for name in ("seq", "at", "actor", "kind", "subject", "data"))]
    before = hashlib.sha256("\\n".join(map(str, parts)).encode()).hexdigest()
    if (one["seq"], one["prev_hash"], one["hash"]) != (seq, parts[0], before):
        sys.exit(f"NOT VALID: ledger.jsonl, line {seq}")
print(f"{seq} entries hold; head {before}")
END
else
	echo "NOT LOOKED AT: the ledger; there is no python3" >&2
fi
"""


def _script(lines: list[str]) -> str:
    return "".join([_SCRIPT, *(f"{line}\n" for line in lines), "exit $failed\n"])
