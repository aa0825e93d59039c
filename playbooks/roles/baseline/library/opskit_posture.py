#!/usr/bin/python
"""What a host is exposed to, read without changing anything: updates, certificates, open ports.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it.
"""

import os
import re
import socket
import ssl
import struct
import subprocess
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: opskit_posture
short_description: Reads what a host is exposed to
description:
  - Reads pending updates, a pending restart, certificates, listening ports, and how full disks
    and memory are.
  - Changes nothing. A part that cannot be read holds C(unknown) with the reason, and is no failure.
options:
  certificate_paths:
    description: Files, and directories to look through, for certificates in PEM form.
    type: list
    elements: path
    default:
      - /etc/ssl/private
      - /etc/ssl/certs
      - /etc/letsencrypt/live
      - /etc/apache2
      - /etc/dovecot
      - /etc/exim4
      - /etc/haproxy
      - /etc/nginx
      - /etc/postfix
      - /etc/postgresql
  max_certificates:
    description: How many certificates are read at most.
    type: int
    default: 500
  seconds:
    description: How long each part may take.
    type: int
    default: 30
attributes:
  check_mode:
    description: It reads, so a check and a run are the same.
    support: full
  diff_mode:
    description: There is never a difference.
    support: none
  platform:
    description: Linux; updates and restarts on Debian and its descendants.
    platforms: posix
author: The opskit authors
"""

EXAMPLES = r"""
- name: The posture of the host is known
  opskit_posture:
  register: posture

- name: Only the certificates of the shop are read
  opskit_posture:
    certificate_paths: [/srv/shop/tls]
"""

RETURN = r"""
posture:
  description: One value per part; instants are UTC, and null is what could not be told.
  returned: always
  type: dict
  contains:
    read_at:
      description: When it was read, by the clock of the host.
      type: str
    updates:
      description:
        - C(pending) and C(security) count the packages with a newer version, C(packages) names
          them, C(omitted) counts those left out, C(lists_at) is when APT last fetched its lists.
        - C(published_at) of a package is when its file was put on the mirror. It is known once APT
          has downloaded the file; package lists carry no dates.
      type: dict
    reboot:
      description: Whether a restart is C(required), C(since) when, and for which C(packages).
      type: dict
    certificates:
      description:
        - C(items) with C(path), C(subject), C(not_after) and, where these are null, C(reason).
        - Of a file with several only the first is read, which is the host's own. Authorities of
          the distribution are left out. C(omitted) counts what came after the limit.
      type: dict
    ports:
      description: C(items) with C(proto), C(address), C(port) and C(process), null if not readable.
      type: dict
    system:
      description:
        - C(mounts) with C(mount), C(device), C(fstype), C(size_total), C(size_available) in bytes,
          C(inode_total) and C(inode_available); file systems on disks only.
        - C(memory_total) and C(memory_available) in bytes, C(load) over 1, 5 and 15 minutes,
          C(cpus) and C(uptime_seconds).
      type: dict
"""

_MIB = 1 << 20
_MOST_ROWS = 500
_LARGEST_FILE = _MIB
_SUFFIXES = {".cer", ".cert", ".crt", ".pem"}
_BEGIN = b"-----BEGIN CERTIFICATE-----"
# A file with more is a collection of authorities.
_LONGEST_CHAIN = 10
_AUTHORITIES = ("/usr/share/ca-certificates", "/usr/local/share/ca-certificates")
_OPENSSL = ("-noout", "-subject", "-enddate", "-nameopt", "RFC2253,utf8,-esc_msb")
_INSTALLED = re.compile(r"Inst (\S+) \[([^\]]+)\] \((\S+) (.*?)(?: \[(\w+)\])?\)")
# What tells of a restart, for the kernel's package to call.
_TELLERS = ("unattended-upgrades", "update-notifier")
_TCP_LISTENS = "0A"
# Always full, by their nature.
_NO_ROOM = {"squashfs", "iso9660"}
_UDP_UNCONNECTED = "07"


class Unknown(Exception):
    """A part cannot be read; the message says why."""


def instant(seconds):
    """Return SECONDS since 1970 as text, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def changed_at(path):
    """Return when PATH was last written, or None if it is not there."""
    try:
        return instant(path.stat().st_mtime)
    except OSError:
        return None


def text_of(path):
    """Return what PATH holds, up to a limit, or nothing if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST_FILE).decode("utf-8", "replace")
    except OSError:
        return ""


# Updates


def updates(seconds):
    """Return the packages that have a newer version in APT's lists."""
    program = Path("/usr/bin/apt-get")
    lists = Path("/var/lib/apt/lists")
    if not program.exists():
        raise Unknown("APT is not installed")
    if not any(lists.glob("*Release")):
        raise Unknown("APT has no package lists: apt-get update never ran, or they were removed")
    done = subprocess.run(
        [str(program), "--simulate", "-o", "Debug::NoLocking=true", "dist-upgrade"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Unknown("apt-get --simulate: " + (said[0] if said else "failed"))
    found = _INSTALLED.findall(done.stdout.decode("utf-8", "replace"))
    rows = [_update(*row) for row in found]
    stamp = changed_at(Path("/var/lib/apt/periodic/update-success-stamp"))
    return {
        "pending": len(rows),
        "security": sum(row["security"] for row in rows),
        "packages": rows[:_MOST_ROWS],
        "omitted": max(0, len(rows) - _MOST_ROWS),
        "lists_at": stamp or changed_at(lists / "partial"),
    }


def _update(name, installed, available, origin, architecture):
    escaped = available.replace(":", "%3a")
    downloaded = Path("/var/cache/apt/archives", f"{name}_{escaped}_{architecture}.deb")
    return {
        "name": name,
        "installed": installed,
        "available": available,
        "security": "security" in origin.lower(),
        "published_at": changed_at(downloaded),
    }


def reboot(_seconds):
    """Return whether an update asks for a restart."""
    flag = Path("/run/reboot-required")
    since = changed_at(flag)
    hooks = [Path("/etc/kernel/postinst.d", name) for name in _TELLERS]
    if since is None and not any(hook.exists() for hook in hooks):
        raise Unknown("nothing on this host writes /run/reboot-required")
    packages = text_of(Path("/run/reboot-required.pkgs")).split() if since else []
    return {
        "required": since is not None,
        "since": since,
        "packages": sorted(set(packages))[:_MOST_ROWS],
    }


# Certificates


def certificates(seconds, places, most):
    """Return the certificates in PLACES, at most MOST."""
    until = time.monotonic() + seconds
    openssl = next((p for p in ("/usr/bin/openssl", "/bin/openssl") if Path(p).exists()), None)
    items, omitted = [], 0
    for path in candidates(places, until):
        if len(items) >= most or time.monotonic() > until:
            omitted += 1
        else:
            items.append({"path": str(path), **_certificate(path, openssl, until)})
    return {"items": items, "omitted": omitted, "complete": time.monotonic() <= until}


def candidates(places, until):
    """Yield the files in PLACES that hold a certificate of their own, each once."""
    seen = set()
    for place in places:
        for path in _files(Path(place)):
            if time.monotonic() > until:
                return
            real = os.path.realpath(path)
            if real not in seen and not real.startswith(_AUTHORITIES):
                seen.add(real)
                if _holds_certificate(Path(real)):
                    yield path


def _files(place):
    if place.is_file():
        yield place
    for parent, folders, names in os.walk(place):
        folders.sort()
        for name in sorted(names):
            # Links by the hash of a subject lead to files that are met under their own name.
            if Path(name).suffix.lower() in _SUFFIXES:
                yield Path(parent, name)


def _holds_certificate(path):
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            return False
        count = path.read_bytes().count(_BEGIN)
    except OSError:
        return False
    return 0 < count <= _LONGEST_CHAIN


def _certificate(path, openssl, until):
    nothing = {"subject": None, "not_after": None}
    if openssl is None:
        return {**nothing, "reason": "openssl is not installed"}
    try:
        done = subprocess.run(
            [openssl, "x509", "-in", str(path), *_OPENSSL],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(0.1, min(5.0, until - time.monotonic())),
            check=False,
        )
        told = done.stdout.decode("utf-8", "replace")
        said = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        end = ssl.cert_time_to_seconds(said["notAfter"])
    except (OSError, subprocess.TimeoutExpired, KeyError, ValueError) as error:
        return {**nothing, "reason": f"openssl cannot read it ({type(error).__name__})"}
    return {"subject": said.get("subject", "").strip(), "not_after": instant(end)}


# Ports


def ports(seconds):
    """Return what listens, on which address and port, and which process that is."""
    tables = [Path("/proc/net", name) for name in ("tcp", "tcp6", "udp", "udp6")]
    if not any(table.exists() for table in tables):
        raise Unknown("/proc/net has no tables of sockets")
    found = [row for table in tables if table.exists() for row in _listening(table)]
    owners = _owners({inode for *_, inode in found}, time.monotonic() + seconds)
    rows = sorted({(*row, owners.get(inode, "")) for *row, inode in found})
    items = [
        {"proto": proto, "address": address, "port": port, "process": process or None}
        for proto, port, address, process in rows
    ]
    return {"items": items[:_MOST_ROWS], "omitted": max(0, len(items) - _MOST_ROWS)}


def _listening(table):
    wanted = _TCP_LISTENS if table.name.startswith("tcp") else _UDP_UNCONNECTED
    with table.open(encoding="ascii") as stream:
        next(stream)
        for line in stream:
            words = line.split()
            address, port = words[1].split(":")
            if words[3] == wanted:
                yield table.name, int(port, 16), _address(address), words[9]


def _address(text):
    # Each 32-bit word is written as a number, in the byte order of the machine.
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def _owners(inodes, until):
    """Return the name of the process that holds each of INODES; others are not readable."""
    owners = {}
    for process in Path("/proc").glob("[0-9]*"):
        if time.monotonic() > until or len(owners) == len(inodes):
            break
        for inode in _sockets(process) & inodes:
            owners.setdefault(inode, text_of(process / "comm").strip())
    return owners


def _sockets(process):
    held = set()
    try:
        for entry in (process / "fd").iterdir():
            target = str(entry.readlink())
            if target.startswith("socket:["):
                held.add(target[8:-1])
    except OSError:  # it ended meanwhile, or is another user's
        pass
    return held


def system(_seconds):
    """Return how full disks and memory are, and how busy the host is."""
    memory = dict(
        re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB", _proc("meminfo"), re.MULTILINE)
    )
    if len(memory) < 2:
        raise Unknown("/proc/meminfo does not tell")
    return {
        "mounts": list(_mounts()),
        "memory_total": int(memory["MemTotal"]) * 1024,
        "memory_available": int(memory["MemAvailable"]) * 1024,
        "load": [float(one) for one in _proc("loadavg").split()[:3]],
        "cpus": os.cpu_count(),
        "uptime_seconds": float((_proc("uptime").split() or ["0"])[0]),
    }


def _proc(name):
    return text_of(Path("/proc", name))


def _mounts():
    """Yield each file system on a disk once, by the mount that is listed first."""
    seen = set()
    for line in _proc("self/mounts").splitlines()[:_MOST_ROWS]:
        device, mount, fstype = line.split(" ")[:3]
        mount = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), mount)
        if not device.startswith("/") or device in seen or fstype in _NO_ROOM:
            continue
        try:
            told = os.statvfs(mount)
        except OSError:
            continue
        if told.f_blocks:
            seen.add(device)
            yield {
                "mount": mount,
                "device": device,
                "fstype": fstype,
                "size_total": told.f_blocks * told.f_frsize,
                "size_available": told.f_bavail * told.f_frsize,
                "inode_total": told.f_files,
                "inode_available": told.f_favail,
            }


def part(read, *arguments):
    """Return what READ returns, or why there is nothing: no part stops the others."""
    try:
        return read(*arguments)
    except Unknown as error:
        return {"unknown": str(error)}
    except subprocess.TimeoutExpired:
        return {"unknown": "it took too long"}
    except (OSError, ValueError, LookupError) as error:
        return {"unknown": f"{type(error).__name__}: {error}"}


def main():
    """Read all parts."""
    module = AnsibleModule(
        argument_spec={
            "certificate_paths": {
                "type": "list",
                "elements": "path",
                "default": [
                    "/etc/ssl/private",
                    "/etc/ssl/certs",
                    "/etc/letsencrypt/live",
                    "/etc/apache2",
                    "/etc/dovecot",
                    "/etc/exim4",
                    "/etc/haproxy",
                    "/etc/nginx",
                    "/etc/postfix",
                    "/etc/postgresql",
                ],
            },
            "max_certificates": {"type": "int", "default": 500},
            "seconds": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    seconds = module.params["seconds"]
    places, most = module.params["certificate_paths"], module.params["max_certificates"]
    posture = {
        "read_at": instant(time.time()),
        "updates": part(updates, seconds),
        "reboot": part(reboot, seconds),
        "certificates": part(certificates, seconds, places, most),
        "ports": part(ports, seconds),
        "system": part(system, seconds),
    }
    module.exit_json(changed=False, posture=posture)


if __name__ == "__main__":
    main()
