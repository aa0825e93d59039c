"""What access is given of the inventory: asked once in a command, and anew in a long life."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.access.targets.linux import LinuxKind
from opskit.app import App
from opskit.core.clock import MINUTE, FrozenClock, Instant
from opskit.outside.ansible import listing

FILES = {
    "people": {"people": {"bob": {"name": "Bob"}}, "teams": {}},
    "roles": {"roles": {}},
    "targets": {"targets": {"web": {"kind": "linux", "hosts": "all", "administrators": ["boss"]}}},
    "policy": {"rules": []},
}


def test_who_administers_a_host_is_known_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "access").mkdir()
    for name, content in FILES.items():
        (tmp_path / "access" / f"{name}.yaml").write_text(json.dumps(content))
    (tmp_path / "opskit.yaml").write_text("inventory: [hosts.ini]\n")
    there = ["web1"]
    asked: list[str] = []

    def matching(_: object, pattern: str, *__: object) -> tuple[str, ...]:
        asked.append(pattern)
        return tuple(there)

    monkeypatch.setattr(listing, "matching", matching)
    clock = FrozenClock(Instant(1_795_000_000_000_000))
    app = replace(App.find(tmp_path, {"PATH": "/usr/bin:/bin"}), clock=clock)
    work = app.granting.workplace

    def administered() -> list[str]:
        kind = work.kind("linux")
        assert isinstance(kind, LinuxKind)
        return [host for host, who in kind.administrators.items() if "boss" in who]

    assert work.places("web") == ("web1",)
    assert administered() == ["web1"]
    assert asked == ["all"], "one command asks Ansible once"
    there.append("web2")
    clock.advance(MINUTE)
    assert administered() == ["web1", "web2"]
    app.database.close()
