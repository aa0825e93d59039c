"""What a lint of many copied hosts costs, as a process: `python -m tests.bench.lint [HOSTS]`.

Each host is a tree of 17 files: accounts, groups, sudoers with four files beside it, sshd_config
with one, keys of five accounts. Sudoers, accounts and keys are of each host alone.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.bench.sudoers import NAMES, content, spent

HOSTS = 10_000
DIRECTORIES = (
    "etc/sudoers.d", "etc/ssh/sshd_config.d", "root/.ssh",
    *(f"home/{name}/.ssh" for name in NAMES[:4]),
)  # fmt: skip
SYSTEM = ("daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
          "www-data", "backup", "list", "irc", "_apt", "nobody", "sshd")  # fmt: skip
SSHD = """# Package generated configuration file
Include /etc/ssh/sshd_config.d/*.conf
Port 22
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
Match User backup
    PasswordAuthentication yes
"""


def key(number: int) -> str:
    """Return the line of a key like no other."""
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + random.Random(number).randbytes(32)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} k{number}\n"


def files(number: int) -> dict[str, str]:
    """Return the files of a host by their paths."""
    passwd = ["root:x:0:0:root:/root:/bin/bash\n"]
    shadow = ["root:*:19000:0:99999:7:::\n"]
    for at, name in enumerate(SYSTEM, start=1):
        passwd.append(f"{name}:x:{at}:{at}:{name}:/var/{name}:/usr/sbin/nologin\n")
        shadow.append(f"{name}:*:19000:0:99999:7:::\n")
    for at, name in enumerate((*NAMES, f"user{number}"), start=1001):
        passwd.append(f"{name}:x:{at}:{at}:{name}:/home/{name}:/bin/bash\n")
        shadow.append(f"{name}:$6$salt${number:086d}:19000:0:99999:7:::\n")
    groups = [f"{name}:x:{at}:\n" for at, name in enumerate(("root", *SYSTEM))]
    groups += ["sudo:x:27:alice\n", "ops:x:30:alice,bob\n", f"web:x:40:carol,user{number}\n"]
    groups += [f"{name}:x:{at}:\n" for at, name in enumerate(NAMES, start=1001)]
    return {
        "etc/hostname": f"host{number}.example.org\n",
        "etc/timezone": "Europe/Vienna\n",
        "etc/passwd": "".join(passwd),
        "etc/shadow": "".join(shadow),
        "etc/group": "".join(groups),
        "etc/sudoers": content(number) + "@includedir /etc/sudoers.d\n",
        "etc/sudoers.d/ops": f"%ops ALL=(root) /usr/bin/systemctl restart app{number}\n",
        "etc/sudoers.d/web": "%web ALL=(root) NOPASSWD: /usr/bin/systemctl reload nginx\n",
        "etc/sudoers.d/backup": "backup ALL=(root) NOPASSWD: /usr/bin/rsync --server\n",
        "etc/sudoers.d/README": "# nothing here\n",
        "etc/ssh/sshd_config": SSHD,
        "etc/ssh/sshd_config.d/50-local.conf": "AllowTcpForwarding no\nAllowGroups ops web\n",
        "root/.ssh/authorized_keys": key(7),
        **{
            f"home/{name}/.ssh/authorized_keys": f"# {name}\n{key(number * 10 + at + 100)}"
            for at, name in enumerate(NAMES[:4])
        },
    }


def plant(root: Path, count: int) -> None:
    """Write the trees of so many hosts."""
    for number in range(count):
        host = root / f"h{number}"
        for directory in DIRECTORIES:
            (host / directory).mkdir(parents=True)
        for path, text in files(number).items():
            (host / path).write_text(text)


def ran(argv: Sequence[str], directory: str) -> None:
    """Run a lint to its end."""
    subprocess.run(argv, cwd=directory, capture_output=True, check=False)


def main(count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        trees, told = Path(name, "trees"), Path(name, "told.json")
        plant(trees, count)
        argv = [sys.executable, "-m", "opskit", "access", "lint", str(trees), "--json",
                "--output-file", str(told)]  # fmt: skip
        cost = spent(partial(ran, argv, name))
        counts = json.loads(told.read_text())["counts"]
    print(
        f"{counts['targets']:,} hosts, {counts['findings']:,} findings, {counts['unread']} unread"
    )
    print(f"CPU {cost.cpu:.1f} s, wall {cost.wall:.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS)
