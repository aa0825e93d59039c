"""A host whose owner answers in the place of opskit's modules: refused with a reason, in words."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from opskit.access.model import LinuxRights
from opskit.access.targets.kinds import Order, Placement, Presence
from opskit.access.targets.linux import LinuxKind
from opskit.core.clock import HOUR, FrozenClock, Instant
from opskit.core.transcript import RunnerSummary, Transcript
from opskit.outside.ansible import door
from tests.access.targets.deputy import packed

NOW = Instant(1_795_000_000_000_000)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
GRANT = Placement("g1", "alice", "alice", LinuxRights(), Instant(NOW + HOUR), (KEY,))
PART = {
    "what": "key SHA256:x", "presence": "absent", "enforced_by": "none", "fence": None,
}  # fmt: skip
SEEN: dict[str, Any] = {
    "files": [{"path": "/etc/passwd", "text": "", "mode": 420, "uid": 0, "gid": 0}],
    "unread": [], "sudo_version": "Sudo version 1.9.13p3", "sshd_version": "", "sshd": {},
    "timer": "cron", "sessions": [{"account": "alice", "what": "sleep", "since": 1}],
    "paths": [{"path": "/bin/id", "kind": "file", "writable_by": [], "interpreter": "",
               "sha256": ""}],
    "remains": [], "standings": {"g1": [PART]}, "wrong": [],
}  # fmt: skip
DONE = {"changed": True, "refused": "", "armed": "", "wrong": [], "ended": {"alice": ["sleep"]}}


def answered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *told: str) -> LinuxKind:
    """Return the kind, with one host that answers so."""
    said = Transcript(
        expected=("web1",), plays=(), results=(), stats={}, runner=RunnerSummary(),
        told={"web1": told},
    )  # fmt: skip
    monkeypatch.setattr(door, "run", lambda *_: said)
    return LinuxKind((), tmp_path, tmp_path / "runs", {}, FrozenClock(NOW), lambda *_: "")


def altered(path: str, value: object) -> dict[str, Any]:
    """Return a look in which one thing is another."""
    copy: dict[str, Any] = json.loads(json.dumps(SEEN))
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    there: Any = copy
    for part in way:
        there = there[part]
    there[last] = value
    return copy


BOMB = base64.b64encode(zlib.compress(b'"' + b"x" * (200 << 20) + b'"')).decode()
LIES = {
    "a bomb": BOMB,
    "no base64": "<script>",
    "nothing packed": base64.b64encode(b"x").decode(),
    "cut off": packed(SEEN)[:-8],
    "depth": base64.b64encode(zlib.compress(b"[" * 200_000)).decode(),
    "a list": packed([]),
    "no number": base64.b64encode(zlib.compress(b'{"at": NaN}')).decode(),
    "an unknown key": packed({**SEEN, "administrator": True}),
    "a missing key": packed({key: value for key, value in SEEN.items() if key != "wrong"}),
    "a fence beyond all time": packed(altered("standings.g1.0.fence", 10**30)),
    "a presence of its own": packed(altered("standings.g1.0.presence", "\x1b[31mgone")),
    "text for a number": packed(altered("files.0.mode", "0644")),
    "a number for text": packed(altered("sudo_version", 1)),
    "a list of nothing": packed(altered("sessions.0", None)),
    "no base64 within": packed(altered("files.0.text", "%%%")),
    "a negative owner": packed(altered("files.0.uid", -1)),
}


@pytest.mark.parametrize("told", LIES.values(), ids=LIES)
def test_what_no_module_tells_is_no_look_and_no_absence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str
) -> None:
    kind = answered(monkeypatch, tmp_path, told)
    sight = kind.observe(["web1"], {"web1": [GRANT]})["web1"]
    assert (sight.reached, sight.standings) == (False, {})
    assert "its answer is not what opskit's modules give" in sight.reason
    assert sight.reason.isprintable()
    answer = kind.carry_out([Order("web1", absent=(GRANT,))])["web1"]
    assert (answer.sight.reached, answer.sight.standings) == (False, {})
    assert answer.failed
    assert "not what opskit's modules give" in kind.logs({"web1": NOW})["web1"].why


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SEEN]), inner),
    max_leaves=20,
))  # fmt: skip
def test_no_answer_at_all_is_a_traceback(value: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        kind = answered(patch, Path("/nonexistent"), packed(value))
        patch.setattr(Path, "mkdir", lambda *_, **__: None)
        assert kind.observe(["web1"], {})["web1"].reached is False


def test_when_something_was_gone_is_not_the_host_s_to_say_nor_an_end_before_its_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    part = {**PART, "presence": "present", "enforced_by": "timer", "fence": 1}
    kind = answered(monkeypatch, tmp_path, packed(altered("standings.g1", [part])))
    sight = kind.observe(["web1"], {"web1": [GRANT]})["web1"]
    assert sight.at == NOW
    assert sight.standings["g1"].fence_until == GRANT.until
    logs: Mapping[str, object] = {"lines": [], "since": 1.0, "until": 8e9, "why": "\x1b[0m"}
    told = answered(monkeypatch, tmp_path, packed(logs)).logs({"web1": NOW})["web1"]
    assert told.until == NOW
    assert told.why.isprintable()


def test_what_it_says_is_safe_to_show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    evil = "\x1b]0;x\x07\u202e\udc80"
    seen = altered("standings.g1", [{**PART, "what": evil}])
    seen = {**seen, "wrong": [evil], "unread": [{"path": evil, "why": evil}],
            "sessions": [{"account": evil, "what": evil, "since": None}]}  # fmt: skip
    done = {**DONE, "ended": {evil: [evil]}, "refused": evil, "wrong": [evil]}
    kind = answered(monkeypatch, tmp_path, packed({"done": done, "seen": seen}))
    answer = kind.carry_out([Order("web1", absent=(GRANT,))])["web1"]
    sight = answer.sight
    assert sight.standings["g1"].presence is Presence.ABSENT
    texts = [answer.refused, answer.failed, sight.reason, sight.standings["g1"].parts[0].what]
    for one in (*answer.ended, *sight.sessions):
        texts += [one.account, one.what]
    assert all(text.isprintable() for text in texts)


def test_a_second_login_that_is_none_confirms_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = packed({"done": {**DONE, "armed": "ab12"}, "seen": SEEN})
    kind = answered(monkeypatch, tmp_path, first, packed({"confirmed": "yes"}))
    answer = kind.carry_out([Order("web1", absent=(GRANT,))])["web1"]
    assert (answer.sight.reached, bool(answer.failed)) == (False, True)
