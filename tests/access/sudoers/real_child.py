"""Asks the sudo of this machine, in namespaces of its own, with files of a case for its /etc.

Started by `real.py` under `unshare`; one case a line of standard input, one answer a line back.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

NSSWITCH = "passwd: files\ngroup: files\nshadow: files\nhosts: files\nsudoers: files\n"
PERMIT = (
    "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
)
ASKED = "Defaults noninteractive_auth\n"


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def prepare(root: Path) -> None:
    """Cover the parts of /etc that sudo reads, and make commands that do nothing."""
    mount("-t", "tmpfs", "tmpfs", str(root))
    files = ("sudoers", "passwd", "group", "shadow", "nsswitch.conf", "hosts", "pam.d/sudo")
    for name in files:
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        mount("--bind", str(path), f"/etc/{name}")
    for name in ("sudoers.d", "opt"):
        (root / name).mkdir()
    mount("--bind", str(root / "sudoers.d"), "/etc/sudoers.d")
    mount("--bind", str(root / "opt"), "/opt")
    Path("/etc/nsswitch.conf").write_text(NSSWITCH)
    Path("/etc/hosts").write_text("127.0.0.1 web1.example.org web1 localhost\n")
    Path("/etc/pam.d/sudo").write_text(PERMIT)
    subprocess.run(["hostname", "web1.example.org"], check=True)
    for name in ("bin/id", "bin/ls", "bin/lsof", "bin/vi", "bin/.hid", "sbin/ls", "sbin/x y"):
        path = Path("/opt") / name
        path.parent.mkdir(exist_ok=True)
        shutil.copy("/bin/true", path)


def write(case: dict[str, Any], first: str) -> None:
    for name in ("passwd", "group"):
        Path("/etc", name).write_text(case[name])
    people = [line.split(":")[0] for line in case["passwd"].splitlines()]
    Path("/etc/shadow").write_text("".join(f"{one}:*:19000:0:99999:7:::\n" for one in people))
    Path("/etc/sudoers").write_text(first + case["sudoers"], errors="surrogateescape")
    Path("/etc/sudoers").chmod(0o440)
    for path in Path("/etc/sudoers.d").iterdir():
        path.unlink()
    for name, text in case["included"].items():
        path = Path("/etc/sudoers.d", name)
        path.write_text(text, errors="surrogateescape")
        path.chmod(0o440)


def run(wish: dict[str, Any]) -> bool:
    """Return whether sudo ran it for the user without asking anything."""
    options = ["-k", "-n"]
    options += ["-u", wish["run_as"]] if wish["run_as"] else []
    options += ["-g", wish["group"]] if wish["group"] else []
    words = wish["words"]
    argv = ["sudo", *options, *words]
    if words[0] == "sudoedit":
        argv = ["sudoedit", *options, *words[1:]]
    environment = {"PATH": "/usr/bin:/bin:/opt/bin", "EDITOR": "/bin/true", "LC_ALL": "C"}
    done = subprocess.run(
        argv, user=wish["uid"], group=wish["gid"], extra_groups=wish["gids"], cwd="/",
        env=environment, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    return done.returncode == 0


def main() -> None:
    prepare(Path(sys.argv[1]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for line in sys.stdin:
            case = json.loads(line)
            write(case, ASKED)
            allowed = list(pool.map(run, case["wishes"]))
            write(case, "")
            asked = list(
                pool.map(
                    lambda p: p[1] and not run(p[0]), zip(case["wishes"], allowed, strict=True)
                )
            )
            told = [
                "denied" if not yes else "with password" if password else "without password"
                for yes, password in zip(allowed, asked, strict=True)
            ]
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
