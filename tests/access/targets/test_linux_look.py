"""What a host gives to be read: whole, safe to show, and without what must stay there."""

from __future__ import annotations

import base64

from opskit.access.hosts.model import HostState
from opskit.access.targets.linux.told import Seen, unpacked
from opskit.access.targets.linux.wire import Collected, sight
from opskit.core.clock import Instant
from tests.access.targets.deputy import Deputy, grant, packed
from tests.rig.hosts import Host

NAMES = ("web1",)


def test_what_a_host_says_is_safe_to_show_and_whole(deputy: Deputy, host: Host) -> None:
    script = r"""
    printf '\377\033[31m is no rule\n' > "$(printf '/etc/sudoers.d/a\377\033.x')"
    useradd -m -p '*' rita
    setpriv --reuid rita --regid rita --clear-groups setsid \
        bash -c 'exec -a "$(printf "\033]0;x\007")" sleep 990' >/dev/null 2>&1 &
    until pgrep -u rita sleep >/dev/null; do sleep 0.02; done
    """
    done = host.run(("bash", "-c", script))
    assert done.returncode == 0, done.stderr

    seen = unpacked(packed(deputy.observe(grant("g20", "rita"))), Seen)
    found = sight("web1", seen, Instant(0), collected_only)

    assert any("\\x1b" in session.what for session in found.sessions)
    assert not any("\x1b" in session.what for session in found.sessions)
    assert isinstance(found.state, HostState)
    file = next(file for path, file in found.state.files.items() if path.endswith(".x"))
    assert file.text.encode("utf-8", "surrogateescape") == b"\xff\x1b[31m is no rule\n"
    assert file.shown.isprintable()
    host.run(("sh", "-c", "pkill -u rita sleep; rm /etc/sudoers.d/a*"))


def collected_only(name: str, collected: Collected) -> HostState:
    return HostState(name, collected.files)


def test_no_hash_leaves_the_host(deputy: Deputy, host: Host) -> None:
    secret = "$6$abcdefgh$" + "x" * 86
    host.run(("usermod", "-p", secret, "games"))
    host.run(("usermod", "-p", "", "irc"))
    old = f"old:{secret}:4711:4711::/:/bin/sh\n"
    host.write("/etc/passwd", host.read("/etc/passwd") + old)
    files = {row["path"]: row for row in deputy.observe()["files"]}
    passwd = base64.b64decode(files["/etc/passwd"]["text"]).decode().splitlines()
    assert passwd[-1] == "old:$set$:4711:4711::/:/bin/sh"
    assert passwd[0].startswith("root:x:")
    shadow = base64.b64decode(files["/etc/shadow"]["text"]).decode()
    fields = {line.split(":")[0]: line.split(":")[1] for line in shadow.splitlines()}
    assert (fields["games"], fields["irc"], fields["root"]) == ("$set$", "", "!")
    assert secret not in str(deputy.observe())


def test_who_may_replace_a_command_is_told(deputy: Deputy, host: Host) -> None:
    script = """
    mkdir -p /opt/tools/open; chown games /opt/tools; chmod 1777 /opt/tools/open
    printf '#!/opt/tools/python\\n' > /opt/tools/open/run; chmod 775 /opt/tools/open/run
    chgrp adm /opt/tools/open/run
    """
    host.run(("sh", "-c", script))
    rule = "games ALL=(root) /opt/tools/open/run, /opt/none/x, !/usr/bin/id -u\n"
    host.write("/etc/sudoers.d/t", rule)
    facts = {row["path"]: row for row in deputy.observe()["paths"]}
    assert facts["/opt/tools/open/run"]["writable_by"] == ["%adm", "games"]
    assert facts["/opt/tools/open/run"]["interpreter"] == "/opt/tools/python"
    assert facts["/opt/none/x"]["kind"] == "missing"
    assert facts["/usr/bin/id"]["writable_by"] == []
    assert len(facts["/usr/bin/id"]["sha256"]) == 64
    host.run(("rm", "/etc/sudoers.d/t"))
