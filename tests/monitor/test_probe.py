"""`monitor probe`: what is tried where a service is named, and what `--debug` tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


def test_the_status_of_a_service_made_of_others_is_theirs_too(ops: Path, inside: Inside) -> None:
    catalogue(ops)
    inside("monitor", "probe")
    done = inside("monitor", "status", "shop", "--json")
    assert done.code == ExitCode.FINDINGS
    told = json.loads(done.out)
    assert {one["target"] for one in told["targets"]} == {"left/tcp", "right/tcp"}
    assert {one["service"] for one in told["services"]} == {"shop", "left", "right"}
    assert inside("monitor", "status", "nobody").code == ExitCode.USAGE


@pytest.mark.parametrize("options", [("--loop", "--debug"), ("--for", "1s", "--json")])
def test_what_a_loop_cannot_show_is_refused(
    ops: Path, inside: Inside, options: tuple[str, ...]
) -> None:
    catalogue(ops)
    done = inside("monitor", "probe", *options)
    assert done.code == ExitCode.USAGE
    assert "leave out" in done.err


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
