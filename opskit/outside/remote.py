"""The program that takes a host's fingerprint: its text is sent to `python3 -` over ssh.

Standard library only, and no syntax newer than Python 3.8. It reads and prints; it writes nothing.
It never opens what is not a regular file. What it cannot look at for certain is `null`: not taken.
It prints one line: the mark it was given, and JSON {"euid", "prints": [[value, stamp] or null],
"why"}. A value is a hash of the state, a stamp of what moves with every change, also one undone.
"""

from __future__ import annotations

import functools
import glob
import grp
import hashlib
import json
import os
import platform
import pwd
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable

LARGEST = 64 * 1024 * 1024
MOST_ENTRIES = 5000
SECONDS = 40
CHUNK = 1024 * 1024


class NotTaken(Exception):
    """It cannot be told for certain how a thing is."""


def main(mark: str, spec: str) -> None:
    """Print the fingerprint of the resources in SPEC, a JSON list of [kind, name]."""
    signal.alarm(SECONDS)
    prints: list[list[str] | None] = []
    why = ""
    for kind, name in json.loads(spec):
        try:
            prints.append(taken(kind, name))
        except (NotTaken, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            prints.append(None)
            why = why or f"{kind} {name}: {type(error).__name__} {error}"
    answer = {"euid": os.geteuid(), "prints": prints, "why": why[:300]}
    sys.stdout.write(f"\n{mark}{json.dumps(answer)}\n")


def taken(kind: str, name: str) -> list[str]:
    """Return value and stamp of one resource."""
    value, stamp = KINDS[kind](name)
    return [digest(value), digest(stamp)]


def digest(value: object) -> str:
    """Return the hash of a plain value."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# Files


def lstat(name: str) -> os.stat_result | None:
    """Return the status of a name, or nothing if it is not there."""
    try:
        return os.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None


def path(name: str) -> tuple[object, object]:
    """Return what a file, directory or link is, with its content, and where a link leads."""
    status = lstat(name)
    if status is None:
        return "missing", ""
    value: list[object] = [rights(name, status)]
    stamp: list[object] = [stamp_of(status)]
    if stat.S_ISREG(status.st_mode):
        value.append(content(name, status))
    elif stat.S_ISLNK(status.st_mode):
        target = os.path.realpath(name)
        end = lstat(target)
        if end is not None and stat.S_ISLNK(end.st_mode):
            raise NotTaken("links in a circle")
        beyond, later = path(target)
        value += [os.readlink(name), target, beyond]
        stamp.append(later)
    return value, stamp


def rights(name: str, status: os.stat_result) -> list[object]:
    """Return type, mode, owner and group, by number and name, and extended attributes."""
    return [
        status.st_mode,
        status.st_uid,
        owner_of(status.st_uid),
        status.st_gid,
        group_of(status.st_gid),
        status.st_rdev,
        attributes(name),
    ]


def stamp_of(status: os.stat_result) -> list[object]:
    """Return what no change of a file leaves as it was: nobody sets the time of change.

    /proc makes its numbers and times up at each look: there only the content says anything.
    """
    if status.st_dev == kernel_device():
        return []
    return [status.st_ino, status.st_dev, status.st_ctime_ns, status.st_mtime_ns]


@functools.lru_cache(None)
def kernel_device() -> int | None:
    """Return the device number of /proc, if there is one."""
    status = lstat("/proc")
    return None if status is None else status.st_dev


@functools.lru_cache(None)
def owner_of(number: int) -> str:
    """Return the name of a user."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return ""


@functools.lru_cache(None)
def group_of(number: int) -> str:
    """Return the name of a group."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""


def attributes(name: str) -> list[object]:
    """Return the extended attributes: access lists, capabilities, labels."""
    try:
        names = sorted(os.listxattr(name, follow_symlinks=False))
        return [[one, os.getxattr(name, one, follow_symlinks=False).hex()] for one in names]
    except OSError:
        return []


def content(name: str, status: os.stat_result) -> str:
    """Return the hash of a regular file, opened without following or waiting."""
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_ino != status.st_ino:
            raise NotTaken("changed while it was looked at")
        if found.st_size > LARGEST:
            raise NotTaken("too large")
        hashed, left = hashlib.sha256(), LARGEST
        while left >= 0:
            chunk = os.read(handle, CHUNK)
            if not chunk:
                return hashed.hexdigest()
            hashed.update(chunk)
            left -= len(chunk)
        raise NotTaken("grows while it is looked at")
    finally:
        os.close(handle)


def presence(name: str) -> tuple[object, object]:
    """Return whether a name is there, as `find` sees it."""
    return lstat(name) is not None, ""


def pattern(name: str) -> tuple[object, object]:
    """Return whether a pattern matches anything."""
    return bool(glob.glob(name)), ""


def full_stat(name: str) -> tuple[object, object]:
    """Return all that the stat module tells, but for the time of the last look."""
    value, stamp = path(name)
    status = lstat(name)
    if status is None:
        return value, stamp
    followed = os.stat(name) if os.path.exists(name) else status
    return [value, stamp, times(status), times(followed)], stamp


def times(status: os.stat_result) -> list[object]:
    """Return size, links and times."""
    return [status.st_size, status.st_nlink, status.st_mtime_ns, status.st_ctime_ns]


def listing(name: str) -> tuple[object, object]:
    """Return the entries of a directory."""
    status = lstat(name)
    if status is None:
        return "missing", ""
    names = sorted(os.listdir(name)) if os.path.isdir(name) else []
    if len(names) > MOST_ENTRIES:
        raise NotTaken("too many entries")
    found = []
    for one in names:
        inner = os.path.join(name, one)
        entry = os.lstat(inner)
        link = os.readlink(inner) if stat.S_ISLNK(entry.st_mode) else ""
        found.append([one, rights(inner, entry), times(entry), stamp_of(entry), link])
    return [path(name)[0], found], stamp_of(status)


def tree(name: str) -> tuple[object, object]:
    """Return everything below a directory, contents included."""
    value, stamp = [path(name)[0]], [path(name)[1]]
    waiting, count = [name], 0
    while waiting:
        at = waiting.pop()
        value.append(listing(at)[0])
        for one in sorted(os.listdir(at)) if os.path.isdir(at) else []:
            inner, count = os.path.join(at, one), count + 1
            if count > MOST_ENTRIES or (os.path.islink(inner) and os.path.isdir(inner)):
                raise NotTaken("too many entries, or a link to a directory")
            value.append(path(inner)[0])
            if os.path.isdir(inner):
                waiting.append(inner)
    return value, stamp


# Accounts


@functools.lru_cache(None)
def lines(name: str) -> list[list[str]]:
    """Return the lines of a colon separated file as lists."""
    with open(name, encoding="utf-8", errors="surrogateescape") as file:
        return [line.rstrip("\n").split(":") for line in file]


def entries(file: str, name: str) -> list[list[str]]:
    """Return the lines of an account file about NAME."""
    return [line for line in lines(file) if line[0] == name]


def user(name: str) -> tuple[object, object]:
    """Return an account: all fields, password and ageing, groups, whether its home is there."""
    own = entries("/etc/passwd", name)
    known = next((one for one in pwd.getpwall() if one.pw_name == name), None)
    if (known is None) != (not own):
        raise NotTaken("the account is not in /etc/passwd alone")
    if known is None:
        return ["missing", entries("/etc/shadow", name)], ""
    member = [line for line in lines("/etc/group") if name in line[-1].split(",")]
    home = os.path.isdir(known.pw_dir), os.path.lexists(known.pw_dir)
    primary = group_of(known.pw_gid)
    return [own, entries("/etc/shadow", name), member, primary, home], accounts()


def group(name: str) -> tuple[object, object]:
    """Return a group: number and members."""
    own = entries("/etc/group", name)
    known = [one.gr_gid for one in grp.getgrall() if one.gr_name == name]
    if len(known) != len(own):
        raise NotTaken("the group is not in /etc/group alone")
    return own or "missing", accounts()


def accounts() -> list[object]:
    """Return what moves with every change of an account."""
    files = ("/etc/passwd", "/etc/shadow", "/etc/group")
    return [stamp_of(os.stat(name)) for name in files if os.path.exists(name)]


def user_number(name: str) -> tuple[object, object]:
    """Return which number an owner's name stands for."""
    try:
        return pwd.getpwnam(name).pw_uid, ""
    except KeyError:
        return name if name.isdigit() else "missing", ""


def group_number(name: str) -> tuple[object, object]:
    """Return which number a group's name stands for."""
    try:
        return grp.getgrnam(name).gr_gid, ""
    except KeyError:
        return name if name.isdigit() else "missing", ""


# Packages, services, kernel


@functools.lru_cache(None)
def installed() -> dict[str, list[dict[str, str]]]:
    """Return status, version and architecture of each package that dpkg knows."""
    if os.listdir("/var/lib/dpkg/updates"):
        raise NotTaken("dpkg is at work")
    found: dict[str, list[dict[str, str]]] = {}
    with open("/var/lib/dpkg/status", encoding="utf-8", errors="surrogateescape") as file:
        for block in file.read().split("\n\n"):
            kept = ("Package", "Status", "Version", "Architecture")
            heads = (line.partition(": ") for line in block.splitlines() if line[:1] != " ")
            fields = {name: text for name, _, text in heads if name in kept}
            found.setdefault(fields.get("Package", ""), []).append(fields)
    return found


def package(name: str) -> tuple[object, object]:
    """Return an installed package; one that is not installed itself may be provided by another."""
    found = installed().get(name, [])
    if not any(one.get("Status", "").endswith(" installed") for one in found):
        raise NotTaken("no package of this name is installed")
    return found, ""


def package_absent(name: str) -> tuple[object, object]:
    """Return what is left of a package."""
    return installed().get(name, []), ""


SETTLED = ("enabled", "disabled", "static", "masked", "enabled-runtime", "linked", "alias")


def unit(name: str) -> tuple[object, object]:
    """Return whether a unit is there, runs, and is enabled."""
    if not set(name).isdisjoint("*?[]"):
        raise NotTaken("a pattern of units")
    asked = "LoadState,ActiveState,UnitFileState,FragmentPath"
    out = told(["systemctl", "show", "--no-pager", "-p", asked, "--", name])
    fields = dict(line.split("=", 1) for line in out[1].splitlines() if "=" in line)
    state = fields.get("UnitFileState")
    if out[0] or (state not in SETTLED and fields.get("LoadState") != "not-found"):
        raise NotTaken("systemd does not say for certain")
    return fields, ""


def told(argv: list[str]) -> tuple[int, str, str]:
    """Return exit status and output of a program that only looks."""
    where = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=15,
        env=where,
        cwd="/",
        check=False,
    )
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


def program(name: str) -> tuple[object, object]:
    """Return what a program that only looks says."""
    return told(json.loads(name)), ""


def sysctl(name: str) -> tuple[object, object]:
    """Return a value of the running kernel."""
    swapped = name.translate(str.maketrans("./", "/."))
    if ".." in swapped:
        raise NotTaken("no name of a setting")
    return text("/proc/sys/" + swapped), ""


def text(name: str) -> str | None:
    """Return a small file of the kernel or of /etc, or nothing if it is not there."""
    status = lstat(os.path.realpath(name))
    if status is None or not stat.S_ISREG(status.st_mode):
        return None
    with open(name, encoding="latin-1") as file:
        return file.read(CHUNK)


def texts(*names: str) -> list[str | None]:
    """Return several of them; one that cannot be read is nothing."""
    found = []
    for name in names:
        try:
            found.append(text(name))
        except OSError as error:
            found.append(str(error.errno))
    return found


# Facts


def fact(name: str) -> tuple[object, object]:
    """Return what a set of stable facts is made from."""
    return FACTS[name](), ""


def release() -> object:
    """Return the files that name the distribution."""
    names = (
        "os-release debian_version redhat-release system-release lsb-release SuSE-release"
        " alpine-release arch-release gentoo-release centos-release"
    )
    return texts("/usr/lib/os-release", *("/etc/" + name for name in names.split()))


def virtual() -> object:
    """Return what tells a container or a virtual machine."""
    marks = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container", "/proc/xen", "/proc/vz")
    there = [os.path.exists(name) for name in (*marks, "/proc/lxc", "/proc/bc", "/dev/kvm")]
    modules = {line.split(" ")[0] for line in (text("/proc/modules") or "").splitlines()}
    known = sorted(
        one for one in modules if one.startswith(("kvm", "vbox", "virtio", "xen", "vmw"))
    )
    first = texts("/proc/1/environ")[0] or ""
    environment = [one for one in first.split("\0") if "container" in one]
    more = texts("/run/systemd/container", "/proc/xen/capabilities", "/proc/1/cgroup")
    return [there, known, environment, more, hardware(), flags()]


def flags() -> object:
    """Return the lines on the processors that do not move with their load."""
    moving = ("cpu MHz", "bogomips", "BogoMIPS")
    listed = (text("/proc/cpuinfo") or "").splitlines()
    return [line for line in listed if not line.startswith(moving)]


def hardware() -> object:
    """Return what the firmware says of itself."""
    base = "/sys/class/dmi/id/"
    names = (
        "bios_date bios_vendor bios_version board_name board_vendor chassis_asset_tag chassis_type"
        " chassis_vendor product_family product_name product_serial product_uuid product_version"
        " sys_vendor"
    )
    return texts(*(base + name for name in names.split()))


def init() -> object:
    """Return what tells the service manager."""
    marks = (
        "/run/systemd/system",
        "/dev/.run/systemd",
        "/dev/.systemd",
        "/etc/init.d",
        "/etc/init",
    )
    there = [os.path.exists(name) for name in (*marks, "/sbin/openrc", "/usr/bin/systemctl")]
    return [text("/proc/1/comm"), os.path.realpath("/sbin/init"), there]


def network() -> object:
    """Return interfaces, addresses and routes."""
    links = []
    for name in sorted(os.listdir("/sys/class/net")):
        base = f"/sys/class/net/{name}/"
        links.append([name, texts(base + "address", base + "mtu", base + "type")])
    tables = ("/proc/net/route", "/proc/net/ipv6_route", "/proc/net/fib_trie", "/proc/net/if_inet6")
    routes = [[row.split()[:4] for row in (text(name) or "").splitlines()] for name in tables]
    return [links, routes]


def memory() -> object:
    """Return how much memory there is."""
    total = ("MemTotal", "SwapTotal")
    return [line for line in (text("/proc/meminfo") or "").splitlines() if line.startswith(total)]


def security() -> object:
    """Return what tells the state of SELinux, AppArmor and FIPS."""
    names = ("/sys/fs/selinux/enforce", "/etc/selinux/config", "/proc/sys/crypto/fips_enabled")
    return [texts(*names), os.path.exists("/sys/kernel/security/apparmor")]


def packagers() -> object:
    """Return which package managers are there."""
    names = (
        "apt-get apt-rpm dnf dnf5 microdnf yum zypper apk pacman emerge rpm-ostree opkg"
        " xbps-install swupd pkg snap nix-env flatpak"
    )
    places = ("/usr/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
    return [[os.path.exists(place + name) for name in names.split()] for place in places]


FACTS: dict[str, Callable[[], object]] = {
    "os": release,
    "kernel": lambda: [platform.uname().release, platform.uname().version, platform.machine()],
    "name": lambda: [socket.gethostname(), os.uname().nodename],
    "full-name": lambda: [socket.gethostname(), socket.getfqdn()],
    "virtual": virtual,
    "init": init,
    "network": network,
    "processor": lambda: [flags(), os.cpu_count(), sorted(os.sched_getaffinity(0))],
    "memory": memory,
    "python": lambda: [sys.version, sys.executable],
    "security": security,
    "dmi": hardware,
    "packages": packagers,
    "account": lambda: [os.getresuid(), os.getresgid(), list(pwd.getpwuid(os.geteuid()))],
    "machine-id": lambda: texts("/etc/machine-id", "/var/lib/dbus/machine-id"),
    "boot": lambda: texts("/proc/cmdline"),
    "resolver": lambda: texts("/etc/resolv.conf"),
}
KINDS: dict[str, Callable[[str], tuple[object, object]]] = {
    "path": path,
    "presence": presence,
    "glob": pattern,
    "stat": full_stat,
    "list": listing,
    "tree": tree,
    "user": user,
    "group": group,
    "owner": user_number,
    "group-id": group_number,
    "package": package,
    "package-absent": package_absent,
    "unit": unit,
    "program": program,
    "sysctl": sysctl,
    "fact": fact,
}
