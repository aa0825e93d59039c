"""What programs can do as root, by name and by arguments."""

from __future__ import annotations

import pytest

from opskit.access.capability import Capability, class_of, judge, reviewed
from opskit.access.sudoers.render import parse_commands


@pytest.mark.parametrize(
    ("path", "args", "capability"),
    [
        ("/bin/bash", None, Capability.EXEC), ("/bin/bash", '""', Capability.EXEC),
        ("/bin/bash", "/usr/local/sbin/rotate", None),
        ("/usr/bin/vim", "/etc/motd", Capability.EXEC),
        ("/usr/bin/python3.12", None, Capability.EXEC), ("/usr/bin/find", '""', None),
        ("/usr/bin/find", "/srv -name *", Capability.EXEC), ("/usr/bin/env", None, Capability.EXEC),
        ("/usr/bin/systemctl", None, Capability.EXEC), ("/usr/bin/systemctl", "*", Capability.EXEC),
        ("/usr/bin/systemctl", "edit nginx", Capability.EXEC),
        ("/usr/bin/systemctl", "restart nginx", None),
        ("/usr/bin/systemctl", "status nginx", Capability.PAGER),
        ("/usr/bin/systemctl", "--no-pager status nginx", None),
        ("/usr/bin/journalctl", "-u nginx", Capability.PAGER),
        ("/usr/bin/less", "/var/log/syslog", Capability.PAGER),
        ("/usr/bin/tee", None, Capability.WRITE), ("/usr/bin/tee", "/srv/x", None),
        ("/usr/bin/tee", "/etc/sudoers.d/x", Capability.WRITE),
        ("/bin/chmod", "0644 *", Capability.WRITE), ("/bin/cat", None, Capability.READ),
        ("/bin/cat", "/var/log/syslog", None), ("/usr/bin/apt-get", None, Capability.PACKAGE),
        ("/usr/bin/apt-get", "update", None), ("/usr/bin/docker", None, Capability.CONTAINER),
        ("/usr/sbin/service", None, Capability.CONTROL), ("/usr/sbin/service", "x start", None),
        ("/usr/bin/id", None, None),
    ],
)  # fmt: skip
def test_a_command_is_judged_by_its_program_and_its_arguments(
    path: str, args: str | None, capability: Capability | None
) -> None:
    judged = judge(path, args)
    assert (judged.capability, judged.known) == (capability, True)


def test_what_nobody_looked_at_is_not_known() -> None:
    judged = judge("/opt/vendor/tool", "--now")
    assert (judged.capability, judged.known) == (None, False)


def test_the_table_is_as_wide_as_promised() -> None:
    assert len(reviewed()) >= 600
    assert {class_of(name) for name in reviewed()} == {*Capability, None}


def test_the_commands_of_a_role_are_judged_like_those_of_a_host() -> None:
    restart, shell, anything = parse_commands(
        ["/usr/bin/systemctl restart nginx", "/bin/sh", "/usr/bin/tee *"]
    )
    assert judge(restart.name, restart.args).capability is None
    assert judge(shell.name, shell.args).capability is Capability.EXEC
    assert judge(anything.name, anything.args).capability is Capability.WRITE
