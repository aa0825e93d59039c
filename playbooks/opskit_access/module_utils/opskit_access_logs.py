"""What sshd and sudo wrote on a host since a time: from its journal, or from its log file.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it.
"""

import calendar
import os
import re
import subprocess
import time

LARGEST = 32 * 1024 * 1024
SECONDS = 120
PROGRAMS = ("sshd", "sshd-session", "sshd-auth", "sudo", "sudo-rs")
FIELDS = "MESSAGE,SYSLOG_IDENTIFIER,_EXE,_UID,_HOSTNAME"
FILES = ("/var/log/auth.log", "/var/log/secure")
# What was written just now may not have arrived, and is read next time.
SETTLING = 2
_TRADITIONAL = re.compile(r"([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_SAYS = re.compile(r" (?:{})(?:\[[0-9]+\])?: ".format("|".join(PROGRAMS)))


def logs(since, files=FILES):
    """Return lines, from when to when they are whole (seconds), and why they are not."""
    prove()
    until = time.time() - SETTLING
    found = journal(since, until)
    return found if found is not None else from_files(since, until, files)


def prove():
    """Let sudo log one command of root's: if it is not there afterwards, nothing sudo does is."""
    try:
        subprocess.run(
            ["/usr/bin/sudo", "-n", "--", "/bin/true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10,
            check=False,
        )
        time.sleep(0.2)
    except (OSError, subprocess.SubprocessError):
        pass


def journal(since, until):
    """Return what the journal says; None where there is none, or it is empty."""
    command = ["journalctl", "--no-pager", "--quiet", "--output=json"]
    oldest = first_entry([*command, "--output-fields=_BOOT_ID"])
    if oldest is None:
        return None
    start = max(since, oldest)
    named = [word for name in PROGRAMS for word in ("-t", name)]
    text, whole = output([*command, "--output-fields=" + FIELDS, f"--since=@{int(since)}", *named])
    why = "" if whole else "the journal is too large to be read at once"
    return {"lines": text.split("\n"), "since": start, "until": until, "why": why}


def first_entry(command):
    """Return the time of the oldest entry in seconds."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None
    with process:
        line = process.stdout.readline(1024 * 1024).decode("utf-8", "replace")
        process.kill()
    stamp = re.search(r'"__REALTIME_TIMESTAMP" ?: ?"([0-9]+)"', line)
    return int(stamp.group(1)) / 1e6 if stamp else None


def output(command):
    """Return what a program printed, and whether that is all of it."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        raw = process.stdout.read(LARGEST + 1)
        whole = len(raw) <= LARGEST
        if not whole:
            process.kill()
            raw = raw[: raw.rfind(b"\n", 0, LARGEST) + 1]
    whole = whole and process.returncode == 0
    return raw.decode("utf-8", "backslashreplace"), whole


def from_files(since, until, names):
    """Return what the log file says, and the one before it."""
    for name in names:
        parts = [one for one in (name + ".1", name) if os.path.isfile(one)]
        if parts:
            return read(parts, since, until)
    return {"lines": [], "since": since, "until": until, "why": "it has no journal and no log file"}


def read(paths, since, until):
    """Return the lines of sshd and sudo, with stamps that name the year and the zone."""
    lines, first, why = [], None, ""
    for path in paths:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > LARGEST:
                stream.seek(size - LARGEST)
                stream.readline()
                lines, first = [], None
            for raw in stream.read(LARGEST).split(b"\n"):
                line = stamped(raw.decode("utf-8", "backslashreplace"))
                if first is None and line[:4].isdigit():
                    first = line
                if _SAYS.search(line[:400]):
                    lines.append(line)
    oldest = seconds(first)
    if oldest is None:
        oldest, why = until, "its log file has no line with a time"
    return {"lines": lines, "since": max(since, oldest), "until": until, "why": why}


def stamped(line):
    """Return a line with its local stamp written in full: the host knows its zone."""
    found = _TRADITIONAL.match(line)
    if not found or found.group(1) not in _MONTHS:
        return line
    month, day = _MONTHS.index(found.group(1)) + 1, int(found.group(2))
    clock = [int(one) for one in found.groups()[2:]]
    year = time.localtime().tm_year
    try:
        at = time.mktime((year, month, day, clock[0], clock[1], clock[2], 0, 0, -1))
        if at > time.time() + 86400:
            at = time.mktime((year - 1, month, day, clock[0], clock[1], clock[2], 0, 0, -1))
    except (OverflowError, ValueError):
        return line
    return time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime(at)) + line[found.end() :]


def seconds(line):
    """Return the time of a line whose stamp is written in full."""
    found = re.match(
        r"([0-9-]{10}T[0-9:]{8})(?:\.[0-9]+)?(Z|([+-])([0-9]{2}):([0-9]{2})) ", line or ""
    )
    if not found:
        return None
    at = calendar.timegm(time.strptime(found.group(1), "%Y-%m-%dT%H:%M:%S"))
    if found.group(2) != "Z":
        away = int(found.group(4)) * 3600 + int(found.group(5)) * 60
        at -= away if found.group(3) == "+" else -away
    return at
