"""How an order is made true on a host: what shall be in force is, what shall be gone is gone.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it. Each step may be
the last one before a kill: what is about to be there is written down first, what is gone last.
"""

import base64
import os
import time

from ansible.module_utils import (
    opskit_access_cut as cut,
    opskit_access_expire as expire,
    opskit_access_guard as guard,
    opskit_access_places as places,
    opskit_access_ways as ways_of,
)

_DAY = 86_400
_SYSTEM = 1000


class Doing:
    """One order on its way: what this host is, what was done, what went wrong."""

    def __init__(self, order, ways):
        """Read what opskit knows of this host."""
        self.order = order
        self.ways = ways
        self.state = places.kept()
        self.changed = False
        self.wrong = []
        self.ended = {}

    def attempt(self, label, step):
        """Take a step; one that fails does not keep the others from being taken."""
        try:
            self.changed = bool(step()) or self.changed
        except (places.Trouble, OSError) as error:
            self.wrong.append(f"{label}: {error}")
            return False
        return True


def carried_out(order, ways, rollback_seconds):
    """Make ORDER true; return what was done, beside what a look will tell."""
    with places.alone():
        doing = Doing(order, ways)
        doing.changed = expire.go_back() or doing.changed
        refused = guard.malformed(order) or guard.lock_out(order, ways)
        if refused:
            return _told(doing, refused=refused)
        doing.attempt("timer", expire.plant)
        given = [one for one in order["present"] if _may_be_given(doing, one)]
        order = doing.order = dict(order, present=given)
        armed = guard.armed(order, ways, rollback_seconds)
        _write_down(doing)
        for one in order["absent"]:
            _take(doing, one)
        for one in order["remove"]:
            doing.attempt(
                "{} {}".format(one["kind"], one["key"]), lambda one=one: _remove(doing, one)
            )
        for one in order["present"]:
            _give(doing, one)
        if order["krl"]:
            doing.attempt("revoked keys", lambda: place_krl(ways, base64.b64decode(order["krl"])))
        places.keep(doing.state)
        _close(doing)
        places.keep(doing.state)
        return _told(doing, armed=armed)


def _told(doing, refused="", armed=""):
    return {
        "changed": doing.changed,
        "refused": refused,
        "armed": armed,
        "wrong": doing.wrong,
        "ended": doing.ended,
    }


# Giving


def _may_be_given(doing, one):
    return doing.attempt(one["grant"] + ": account", lambda: _usable(doing, one["account"]))


def _usable(doing, account):
    """Refuse accounts that no grant may touch.

    Raises:
        Trouble: it is one.
    """
    found = places.entry(account)
    if account in doing.order["administrators"]:
        msg = f"{account} is listed as an administrator, who is never touched"
        raise places.Trouble(msg)
    if found and (found.pw_uid == 0 or (found.pw_uid < _SYSTEM and not _is_made(doing, account))):
        msg = f"{account} is an account of the system"
        raise places.Trouble(msg)


def _is_made(doing, account):
    return account in doing.state["accounts"]


def _write_down(doing):
    """Write down what is about to be there, so that a kill leaves nothing that nobody knows of."""
    state, order = doing.state, doing.order
    state["administrators"] = sorted({"root", *order["administrators"]})
    for one in order["present"]:
        state["grants"][one["grant"]] = _entry(doing, one)
    for account in order["end_sessions"]:
        usable = doing.attempt("sessions", lambda account=account: _usable(doing, account))
        if usable and account not in state["ending"]:
            state["ending"].append(account)
    places.keep(state)


def _entry(doing, one):
    before = doing.state["grants"].get(one["grant"])
    blobs = [key.split()[1] for key in one["keys"]] if one["login"] == "key" else []
    if before is None:
        before = {}
        _remember_own(doing, one["account"], blobs)
    return {
        "account": one["account"],
        "until": one["until"],
        "groups": one["groups"],
        "blobs": sorted({*blobs, *before.get("blobs", ())}),
        "key_files": before.get("key_files", []),
        "principal_files": before.get("principal_files", []),
    }


def _remember_own(doing, account, blobs):
    """Write down which of a new grant's keys open the account already: they outlast the grant.

    A line that is not opskit's, of a key that another grant gave, is a copy somebody made.
    """
    grants = [one for one in doing.state["grants"].values() if one["account"] == account]
    known = set(doing.state["had"].get(account, ()))
    given = {blob for grant in grants for blob in grant["blobs"]} - known
    found = set()
    for path in doing.ways.key_files(account):
        try:
            lines = ways_of.lines_of(path, account)
        except (places.Trouble, OSError):
            continue
        foreign = [line for line in lines if b"opskit:" not in line.rpartition(b" ")[2]]
        found |= {blob for blob in blobs for line in foreign if cut.opens(line, blob)}
    own = sorted((found - given) | (known - set(blobs)))
    if own or known:
        doing.state["had"][account] = own


def _give(doing, one):
    label = "{}: ".format(one["grant"])
    if not doing.attempt(label + "account", lambda: _account(doing, one)):
        return
    for group in one["groups"]:
        doing.attempt(label + "group", lambda group=group: _join(doing, one["account"], group))
    if one["login"] == "key":
        doing.attempt(label + "key", lambda: _let_in(doing, one))
    elif one["login"] == "certificate":
        doing.attempt(label + "certificate", lambda: _name(doing, one))
    if one["sudo"]:
        text = ways_of.sudo_text(doing.ways, one)
        doing.attempt(label + "sudo", lambda: place_sudo(one["grant"], text))


def _account(doing, one):
    """Let an account be there and, if opskit made it, usable until the day after its last grant."""
    name, day = one["account"], _last_day(doing.state, one["account"])
    found = places.entry(name)
    if not os.path.exists(one["shell"]):
        raise places.Trouble("there is no " + one["shell"])
    if found is None:
        doing.state["accounts"].setdefault(name, {"key_files": []})
        places.keep(doing.state)
        date = time.strftime("%Y-%m-%d", time.gmtime(day * _DAY))
        words = ["useradd", "-m", "-U", "-s", one["shell"], "-e", date, "-p", "*", name]
        places.must(words)
        return True
    if not _is_made(doing, name):
        return False
    fields = cut.shadow(name)
    locked = not fields or fields[1] == "!"
    if not locked and fields[7] == str(day) and found.pw_shell == one["shell"]:
        return False
    date = time.strftime("%Y-%m-%d", time.gmtime(day * _DAY))
    # Not `!`: without PAM sshd takes that for a locked account, also for one with a key.
    opened = ["-p", "*"] if locked else []
    places.must(["usermod", *opened, "-e", date, "-s", one["shell"], name])
    return True


def _last_day(state, account):
    """Return the day after the last grant's, as shadow counts: some read it as the last of use."""
    ends = [one["until"] for one in state["grants"].values() if one["account"] == account]
    return max(ends) // _DAY + 1


def _join(doing, account, group):
    if cut.is_member(account, group):
        return False
    if [group, account] not in doing.state["members"]:
        doing.state["members"].append([group, account])
        places.keep(doing.state)
    places.must(["gpasswd", "-a", account, group])
    return True


def _let_in(doing, one):
    path = doing.ways.own_key_file(one["account"])
    _remember(doing, one, "key_files", path)
    lines = [ways_of.key_line(doing.ways, one, key) for key in one["keys"]]
    return _lines(path, lines, lambda line: cut.marked(line, one["grant"]), one["account"])


def _name(doing, one):
    path = doing.ways.principals_file(one["account"])
    _remember(doing, one, "principal_files", path)
    wanted = ("grant-" + one["grant"]).encode()
    line = ways_of.principal_line(doing.ways, one)
    return _lines(path, [line], lambda old: wanted in old.split()[-1:], one["account"])


def _remember(doing, one, name, path):
    known = doing.state["grants"][one["grant"]][name]
    made = doing.state["accounts"].get(one["account"])
    if made is not None and name == "key_files" and path not in made["key_files"]:
        made["key_files"].append(path)
    if path not in known:
        known.append(path)
    places.keep(doing.state)


def _lines(path, lines, is_own, account):
    """Let a file hold LINES and no others of the grant; all the rest keeps its bytes."""

    def change(before):
        own = [line for line in before if is_own(line)]
        if own == lines:
            return before
        rest = [line for line in before if not is_own(line)]
        if rest and not rest[-1].endswith(b"\n"):
            rest[-1] += b"\n"
        return rest + lines

    owner = ways_of.place_of(path, account)
    return cut.rewritten(path, change, owner, 0o600 if owner else 0o644)


def place_sudo(grant, text):
    """Put a grant's sudo rules in force; what sudo would stumble over is never put there.

    Raises:
        Trouble: visudo refuses them, or the rules of this host are broken already.
    """
    path = cut.sudo_file(grant)
    if not guard.differs(path, text):
        return places.placed(path, text, 0o440)
    if places.ran(["visudo", "-c"])[0]:
        places.removed(path)  # it may be what is wrong
        places.must(["visudo", "-c"])
    places.placed(
        path,
        text,
        0o440,
        lambda name: places.must(["visudo", "-c", "-f", cut.SUDOERS + "/" + name]),
    )
    try:
        places.must(["visudo", "-c"])
    except places.Trouble:
        places.removed(path)
        raise
    return True


def place_krl(ways, data):
    """Replace the keys that sshd refuses; a file that is not one would lock everybody out.

    Raises:
        Trouble: sshd reads no such file, or this is none.
    """
    path = ways.sshd("root").get("revokedkeys", "none")
    if not path.startswith("/"):
        raise places.Trouble("sshd has no RevokedKeys")
    parent = os.path.dirname(path)
    return places.placed(
        path,
        data,
        0o644,
        lambda name: places.must(["ssh-keygen", "-Q", "-l", "-f", parent + "/" + name]),
    )


# Taking


def _take(doing, one):
    """Cut a grant, also one that this host does not remember."""
    state, name = doing.state, one["grant"]
    if name not in state["grants"]:
        # Of a grant that this host does not remember only what bears its name is known to be its.
        fresh = {"account": one["account"], "until": 0, "groups": one["groups"], "blobs": []}
        state["grants"][name] = dict(fresh, key_files=[], principal_files=[])
    grant = state["grants"][name]
    grant["key_files"] = sorted({*grant["key_files"], *doing.ways.key_files(one["account"])})
    try:
        file = doing.ways.principals_file(one["account"]) if places.entry(one["account"]) else ""
    except places.Trouble:
        file = ""
    grant["principal_files"] = sorted({*grant["principal_files"], file} - {""})
    doing.attempt(name, lambda: cut.credentials(state, name, cut.shared(state, name)))


def _close(doing):
    """Close accounts without a grant, then end what is to be ended."""
    doing.changed = expire.close(doing.state, doing.wrong) or doing.changed
    doing.ended = expire.finish(doing.state, doing.wrong)
    doing.changed = any(doing.ended.values()) or doing.changed
    doing.changed = cut.once_more(doing.state, doing.wrong) or doing.changed


def _remove(doing, one):
    """Take away a right that nobody granted, exactly the one that was seen."""
    account, kind = one["account"], one["kind"]
    if kind == "sudo":
        return _without_rule(*one["key"].rpartition(":")[::2], one["detail"])
    if kind == "key":
        taken = [_without_fingerprint(path, one) for path in doing.ways.key_files(account)]
        return any(taken)
    if kind in ("group", "membership"):
        return cut.leave(account, one["key"])
    if kind == "account":
        _usable(doing, account)
        return cut.close(account)
    msg = f"there is no removing a {kind}"
    raise places.Trouble(msg)


def _without_fingerprint(path, one):
    owner = ways_of.place_of(path, one["account"])

    def change(lines):
        return [line for line in lines if guard.fingerprint(line) != one["key"]]

    return cut.rewritten(path, change, owner)


def _without_rule(path, number, text):
    """Remove a line of a sudoers file, if it still says what was seen."""
    parent, name = os.path.split(path)
    with places.directory(parent) as handle:
        lines = (places.content(handle, name) or b"").splitlines(keepends=True)
        at = int(number) - 1
        if at >= len(lines) or lines[at].decode("utf-8", "surrogateescape").strip() != text.strip():
            msg = f"{path} changed since it was looked at"
            raise places.Trouble(msg)
        data = b"".join(lines[:at] + lines[at + 1 :])

        def check(fresh):
            places.must(["visudo", "-c", "-f", parent + "/" + fresh])

        places.put(handle, name, data, 0o440, check=check)
    return True
