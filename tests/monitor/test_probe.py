"""`monitor probe`: what is tried where a service is named, and what `--debug` tells."""

from __future__ import annotations

import json
from pathlib import Path

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside

QUICK = {"interval": "2s", "timeout": "200ms", "confirm_after": "100ms"}
CLOSED = {"kind": "tcp", "address": "127.0.0.1:1", **QUICK}
JOB = {"kind": "heartbeat", "beat": "nightly", "every": "1d", "grace": "90m"}


def catalogue(root: Path) -> None:
    """Write a service that is made of two others, and one beside them."""
    services = {
        "shop": {"owner": "web", "made_of": [{"any_of": ["left", "right"]}]},
        **{name: {"owner": "web", "probes": [CLOSED]} for name in ("left", "right", "mail")},
        "backup": {"owner": "web", "probes": [JOB]},
    }
    (root / "services.yaml").write_text(json.dumps({"services": services}))


def test_a_service_made_of_others_is_tried_with_them(ops: Path, inside: Inside) -> None:
    catalogue(ops)
    done = inside("monitor", "probe", "shop", "left", "--json")
    assert done.code == ExitCode.FINDINGS
    tried = [one["target"] for one in json.loads(done.out)["observations"]]
    assert tried == ["left/tcp", "right/tcp"]


def test_debug_tells_lengths_as_they_are_written(ops: Path, inside: Inside) -> None:
    catalogue(ops)
    done = inside("monitor", "probe", "backup", "mail", "--debug", "--json")
    told = {step["detail"] for look in json.loads(done.out)["looks"] for step in look["steps"]}
    assert {"every: 1 d", "grace: 1 h 30 min", "connect to 127.0.0.1:1"} <= told


def test_a_token_is_printed_only_for_a_heartbeat_there_is(ops: Path, inside: Inside) -> None:
    catalogue(ops)
    token = ops / "token"
    token.write_text("t" * 32)
    token.chmod(0o600)
    (ops / "opskit.yaml").write_text(json.dumps({"serve": {"token_file": "token"}}))
    assert inside("serve", "--heartbeat-token", "nightly").code == ExitCode.OK
    refused = inside("serve", "--heartbeat-token", "nigthly")
    assert refused.code == ExitCode.USAGE
    assert "did you mean 'nightly'?" in refused.err
