"""How ssh and Ansible log in to the hosts of one fleet."""

import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from tests.rig.command import run

_HANGS_UP_WITHIN = 2.0


@dataclass(frozen=True)
class Login:
    """Key, known host keys, and the directory for connections that are kept open."""

    key: Path
    known_hosts: Path
    sockets: Path

    @property
    def checks(self) -> tuple[str, ...]:
        """The ssh options that make a host prove itself, whatever the user's own settings."""
        return (
            *("-F", "none"),
            *("-o", f"UserKnownHostsFile={self.known_hosts}"),
            *("-o", "GlobalKnownHostsFile=/dev/null"),
            *("-o", "StrictHostKeyChecking=yes"),
            *("-o", "IdentitiesOnly=yes"),
            *("-o", f"ControlPath={self.sockets}/%r@%h"),
        )

    def command(self, address: str, user: str = "root") -> tuple[str, ...]:
        """Return the ssh command line, complete but for what to run."""
        options = ("-i", str(self.key), "-o", "BatchMode=yes", *self.checks)
        return ("ssh", *options, f"{user}@{address}")

    def inventory(self, addresses: dict[str, str]) -> str:
        """Return an Ansible inventory of hosts (name: address) in its INI format."""
        hosts = [f"{name} ansible_host={address}" for name, address in addresses.items()]
        shared = (
            "[all:vars]",
            "ansible_user=root",
            f"ansible_ssh_private_key_file={self.key}",
            f"ansible_ssh_common_args={shlex.join(self.checks)}",
            "ansible_python_interpreter=/usr/bin/python3",
        )
        return "\n".join((*hosts, "", *shared, ""))

    def hang_up(self, address: str = "*") -> None:
        """End the connections to ADDRESS that ControlPersist keeps open."""
        sockets = tuple(self.sockets.glob(f"*@{address}"))
        for path in sockets:
            run(("ssh", "-F", "none", "-o", f"ControlPath={path}", "-O", "exit", "rig"))
        deadline = time.monotonic() + _HANGS_UP_WITHIN
        while any(path.exists() for path in sockets) and time.monotonic() < deadline:
            time.sleep(0.005)
