"""Run Python where it cannot do harm: with a disk, or a network, that only it can see."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
_ROOT = () if os.geteuid() == 0 else ("--user", "--map-root-user")


def python(
    script: str, *arguments: str | Path, prefix: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run SCRIPT in a Python of its own that imports this checkout."""
    return subprocess.run(
        (*prefix, sys.executable, "-c", script, *map(str, arguments)),
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        timeout=120,
    )


def with_disk(
    directory: Path, options: str, script: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run SCRIPT with an empty file system in memory, mounted with OPTIONS, on DIRECTORY."""
    mount = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    prefix = ("unshare", *_ROOT, "--mount", "sh", "-c", mount, str(directory))
    return python(script, *arguments, prefix=prefix)


def with_network(
    addresses: tuple[str, ...], script: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run SCRIPT in a network of nothing but this machine, which has ADDRESSES."""
    adding = "".join(f"ip address add {address} dev lo\n" for address in addresses)
    prefix = (
        "unshare",
        *_ROOT,
        "--net",
        "sh",
        "-c",
        f'set -e\nip link set lo up\n{adding}exec "$@"',
        "sh",
    )
    return python(script, *arguments, prefix=prefix)


def with_file(
    path: Path, content: Path, script: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run SCRIPT with the file PATH replaced by CONTENT."""
    mount = 'mount --bind "$0" "$1" && shift && exec "$@"'
    prefix = ("unshare", *_ROOT, "--mount", "sh", "-c", mount, str(content), str(path))
    return python(script, *arguments, prefix=prefix)
