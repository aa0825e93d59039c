"""Whether a channel takes a message can be seen without anything being wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.outside.servers import Server, body, header, plain

SECRET = "R0UT1NGKEY"


def channels(ops: Path, text: str) -> None:
    (ops / "secret").write_text(SECRET)
    (ops / "secret").chmod(0o600)
    with (ops / "opskit.yaml").open("a") as stream:
        stream.write(f"channels: {text}\n")


def test_a_fault_is_opened_and_ended_under_one_key(ops: Path, inside: Inside) -> None:
    with Server(plain(b"{}", "202 Accepted")) as server:
        channels(
            ops,
            f"{{oncall: {{kind: pagerduty, url: '{server.url}', secret_file: secret, "
            "allow_private: true}}",
        )
        for status in ("firing", "resolved"):
            done = inside("alerts", "send-test", "oncall", "--status", status)
            assert done.code == ExitCode.OK, done.err
            assert SECRET not in done.out + done.err
    first, last = (json.loads(body(one)) for one in server.requests)
    assert (first["event_action"], last["event_action"]) == ("trigger", "resolve")
    assert first["dedup_key"] == last["dedup_key"]
    assert first["routing_key"] == SECRET


@pytest.mark.parametrize("answer", ["400 Bad Request", "503 Unavailable"])
def test_what_is_not_taken_fails_and_shows_no_secret(
    ops: Path, inside: Inside, answer: str
) -> None:
    with Server(plain(SECRET.encode(), answer)) as server:
        channels(
            ops,
            f"{{phone: {{kind: ntfy, topic: ops, url: '{server.url}', secret_file: secret, "
            "allow_private: true}}",
        )
        done = inside("alerts", "send-test", "phone")
    assert done.code == ExitCode.FAILED
    assert f"phone: ntfy answered {answer[:3]}" in done.err
    assert SECRET not in done.out + done.err
    assert header(server.requests[0], b"authorization") == f"Bearer {SECRET}".encode()


def test_a_secret_may_be_in_the_environment(
    ops: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(plain(b"ok")) as server:
        channels(ops, "{chat: {kind: teams, secret_env: TEAMS_URL, allow_private: true}}")
        missing = inside("alerts", "send-test", "chat")
        monkeypatch.setenv("TEAMS_URL", server.url)
        done = inside("alerts", "send-test", "chat")
    assert (missing.code, done.code) == (ExitCode.USAGE, ExitCode.OK)
    assert "TEAMS_URL does not hold a secret" in missing.err
    assert len(server.requests) == 1


def test_a_channel_that_is_none_is_named_with_the_nearest(ops: Path, inside: Inside) -> None:
    channels(ops, "{oncall: {kind: ntfy, topic: ops}}")
    done = inside("alerts", "send-test", "oncal")
    assert done.code == ExitCode.USAGE
    assert "did you mean oncall?" in done.err


MISTAKES = {
    "a secret in the file": ("{a: {kind: teams, secret: x}}", "secret"),
    "no secret": ("{a: {kind: pagerduty}}", "secret_file or secret_env is missing"),
    "an unknown kind": ("{a: {kind: fax}}", "kind"),
    "a field that is none": (
        "{a: {kind: ntfy, topic: t, title: '${titel}'}}",
        "did you mean title",
    ),
    "an attribute": ("{a: {kind: ntfy, topic: t, body: '${title.__class__}'}}", "write ${field}"),
    "a fallback that is none": ("{a: {kind: ntfy, topic: t, fallback: b}}", "is no other channel"),
    "a name of opskit's own": ("{mail: {kind: ntfy, topic: t}}", "take another name"),
    "a secret in the URL": ("{a: {kind: ntfy, topic: t, url: 'https://u:p@x/'}}", "url"),
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named_where_they_are(ops: Path, inside: Inside, text: str, said: str) -> None:
    channels(ops, text)
    done = inside("alerts", "send-test", "a")
    assert done.code == ExitCode.USAGE
    assert said in " ".join(done.err.split())
