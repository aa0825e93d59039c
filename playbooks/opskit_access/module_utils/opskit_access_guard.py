"""What keeps an order from locking anybody out who must get in.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it.
"""

import base64
import hashlib
import os
import pwd
import re

from ansible.module_utils import (
    opskit_access_cut as cut,
    opskit_access_expire as expire,
    opskit_access_places as places,
    opskit_access_ways as ways_of,
)

_ENOUGH = 2
_SYSTEM = 1000
_NOBODY = 65_534
_MOST_PEOPLE = 500
_SHAPES = {
    "grant": re.compile(r"[a-z0-9][a-z0-9-]{0,62}"),
    "account": re.compile(r"[a-z_][a-z0-9_-]{0,31}"),
    "shell": re.compile(r"/[A-Za-z0-9._/-]+"),
}
_KEY = re.compile(r"[a-z0-9@.-]{1,64} [A-Za-z0-9+/]{16,10000}={0,3}")
_ADDRESS = re.compile(r"[0-9A-Za-z.:/*?!-]{1,100}")


def malformed(order):
    """Return why an order is none that opskit writes, or nothing."""
    for one in [*order["present"], *order["absent"]]:
        for name, shape in _SHAPES.items():
            if not shape.fullmatch(one[name]):
                return f"{name} {one[name]!r} is none"
        shapes = [(_SHAPES["account"], one["groups"]), (_KEY, one["keys"]), (_ADDRESS, one["from"])]
        for shape, values in shapes:
            wrong = next((value for value in values if not shape.fullmatch(value)), None)
            if wrong is not None:
                return f"{wrong[:60]!r} is no such thing"
    return ""


def lock_out(order, ways):
    """Return why an order would leave too few who can administer this host, or nothing.

    Only who can without a grant counts: a grant ends. An order that takes nobody is no matter.
    """
    if not order["remove"]:
        return ""
    before = standing_administrators(ways) | _named(order["administrators"])
    after = before - {who for one in order["remove"] for who in _meant(ways, one, before)}
    if after == before or len(after) >= _ENOUGH:
        return ""
    left = ", ".join(sorted(after)) or "nobody"
    return (
        f"it would leave only {left} to administer this host; two are the least: "
        "give somebody else a standing way in first, or take it away by hand"
    )


def standing_administrators(ways):
    """Return who can become root: accounts by sudo, and each key that opens root."""
    fields = cut.shadow("root")
    found = {"root password"} if fields and fields[1] not in ("!", "*") else set()
    for path in ways.key_files("root"):
        try:
            lines = ways_of.lines_of(path, "root")
        except (places.Trouble, OSError):
            continue
        found |= {"root key " + _blob(line)[-16:] for line in lines if _blob(line)}
    return found | {name for name in _people() - _granted() if _may_all(name)}


def _blob(line):
    words = re.findall(r"AAAA[A-Za-z0-9+/]{16,}={0,3}", line.decode("utf-8", "replace"))
    return words[0] if words and not line.lstrip().startswith(b"#") else ""


def _named(administrators):
    """Return the accounts that a target lists and that somebody can use, root apart."""
    there = {name for name in administrators if places.entry(name) and name != "root"}
    return {name for name in there if not cut.is_closed(name)}


def _people():
    rows = [one for one in pwd.getpwall() if _SYSTEM <= one.pw_uid < _NOBODY]
    return {one.pw_name for one in rows[:_MOST_PEOPLE] if not cut.is_closed(one.pw_name)}


def _granted():
    """Return the accounts that have sudo rules by a grant."""
    grants = places.kept()["grants"].items()
    return {one["account"] for name, one in grants if os.path.exists(cut.sudo_file(name))}


def _may_all(account):
    _, said = places.ran(["sudo", "-l", "-U", account])
    return bool(re.search(r"^\s+\((?:ALL|root)\b[^)]*\)\s+(?:[A-Z_]+: ?)*ALL$", said, re.MULTILINE))


def _meant(ways, one, before):
    """Return who may lose by a removal; rather one too many."""
    if one["kind"] == "key" and one["account"] == "root":
        blobs = {_blob(line) for path in ways.key_files("root") for line in _matching(path, one)}
        return {"root key " + blob[-16:] for blob in blobs}
    if one["kind"] == "key":
        return set()
    if places.entry(one["account"]) is None:  # a group, an alias, everybody
        return {who for who in before if not who.startswith("root ")}
    return {one["account"]}


def _matching(path, one):
    owned = ways_of.lines_of(path, one["account"])
    return [line for line in owned if fingerprint(line) == one["key"]]


def fingerprint(line):
    """Return the fingerprint of the key in a line, as ssh-keygen prints it, or nothing."""
    try:
        raw = base64.b64decode(_blob(line))
    except ValueError:
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def armed(order, ways, seconds):
    """Arm the way back for what could lock opskit itself out; return its name, or nothing."""
    files, members = [], []
    for one in order["present"]:
        path = cut.sudo_file(one["grant"])
        if one["sudo"] and differs(path, ways_of.sudo_text(ways, one)):
            files.append((path, None))
    for one in order["remove"]:
        if one["kind"] == "sudo":
            files.append((one["key"].rpartition(":")[0], None))
        elif one["kind"] == "key":
            paths = ways.key_files(one["account"])
            files += [
                (path, one["account"]) for path in paths if ways_of.place_of(path, one["account"])
            ]
            files += [(path, None) for path in paths if not ways_of.place_of(path, one["account"])]
        elif one["kind"] in ("group", "membership"):
            members.append((one["key"], one["account"]))
    if not files and not members:
        return ""
    return expire.arm(files, members, seconds)


def differs(path, data):
    """Return whether a file does not hold DATA."""
    try:
        with open(path, "rb") as stream:
            return stream.read() != data
    except OSError:
        return True
