"""How grants stand on a host: which of their parts are there, and what ends each by itself.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it.
"""

import os
import stat

from ansible.module_utils import (
    opskit_access_cut as cut,
    opskit_access_expire as expire,
    opskit_access_guard as guard,
    opskit_access_places as places,
    opskit_access_ways as ways_of,
)

_TURN_SECONDS = 60
_DAY = 86_400


class Standing:
    """How one grant stands. What cannot be looked at is unknown, and WRONG says why."""

    def __init__(self, one, state, ways, timer):
        """Prepare to look; TIMER is what runs the planted script."""
        self.one = one
        self.state = state
        self.ways = ways
        self.timer = timer
        self.wrong = []

    def parts(self):
        """Return the parts, each with `what`, `presence`, `enforced_by` and `fence`."""
        one, rows = self.one, []
        if one["login"] == "key":
            rows += [
                self._part("key " + guard.fingerprint(key), self._key, key) for key in _keys(one)
            ]
        if one["login"] == "certificate":
            rows.append(self._part("principal grant-" + one["grant"], self._principal))
        rows += [self._part("group " + group, self._group, group) for group in one["groups"]]
        if one["sudo"]:
            rows.append(self._part("sudo opskit-" + one["grant"], self._sudo))
        return [self._account(rows), *rows]

    def _part(self, what, look, *arguments):
        try:
            presence, enforced = look(*arguments)
        except (places.Trouble, OSError) as error:
            self.wrong.append("{}: {}: {}".format(self.one["grant"], what, error))
            presence, enforced = "unknown", "none"
        return self._row(what, presence, enforced)

    def _row(self, what, presence, enforced):
        until = self.one["until"]
        fence = {
            "expiry-time": until,
            "notafter": until,
            # Some read the day in shadow as the last of use, others as the first without.
            "account-expiry": (until // _DAY + 2) * _DAY,
            "timer": until + _TURN_SECONDS,
        }.get(enforced)
        return {"what": what, "presence": presence, "enforced_by": enforced, "fence": fence}

    def _by_timer(self):
        return "timer" if self.timer and self._is_known() else "none"

    def _is_known(self):
        """Return whether this host remembers the grant, or still has to cut it once more."""
        return self.one["grant"] in {*self.state["grants"], *self.state["again"]}

    def _others(self):
        """Return the other grants of the same account that this host remembers."""
        known = self.state["grants"].items()
        own, account = self.one["grant"], self.one["account"]
        return [one for name, one in known if name != own and one["account"] == account]

    def _lines(self):
        account = self.one["account"]
        for path in self.ways.key_files(account):
            yield from ways_of.lines_of(path, account)

    def _key(self, key):
        """Look for a key, also where its holder wrote it once more, without its end."""
        blob = key.split()[1]
        wanted = ways_of.key_line(self.ways, self.one, key.decode()).rstrip()
        had = self.state["had"].get(self.one["account"], ())
        spared = set(had).union(*(one["blobs"] for one in self._others()))
        lines = [line for line in self._lines() if cut.opens(line, blob.decode())]
        own = [line for line in lines if cut.marked(line, self.one["grant"])]
        foreign = [line for line in lines if b"opskit:" not in line.rpartition(b" ")[2]]
        if foreign and self._is_known() and blob.decode() not in spared:
            return "present", "none"
        if not own:
            return "absent", "none"
        ends = bool(self.ways.expiry(0)) and all(line == wanted for line in own)
        return "present", "expiry-time" if ends else self._by_timer()

    def _principal(self):
        account = self.one["account"]
        if places.entry(account) is None:
            return "absent", "none"
        try:
            path = self.ways.principals_file(account)
        except places.Trouble:
            return "absent", "none"  # no line in it lets anybody in
        wanted = ("grant-" + self.one["grant"]).encode()
        own = [line for line in ways_of.lines_of(path, account) if wanted in line.split()[-1:]]
        if not own:
            return "absent", "none"
        line = ways_of.principal_line(self.ways, self.one).rstrip()
        ends = bool(self.ways.expiry(0)) and own == [line]
        return "present", "expiry-time" if ends else self._by_timer()

    def _group(self, group):
        account = self.one["account"]
        held = any(group in one["groups"] for one in self._others())
        ours = [group, account] in self.state["members"] and not held
        if cut.is_member(account, group) and (self._is_known() or ours):
            return "present", self._by_timer()
        return "absent", "none"

    def _sudo(self):
        path = cut.sudo_file(self.one["grant"])
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return "absent", "none"
        mine = found.st_uid == 0 and not stat.S_IMODE(found.st_mode) & 0o022
        if not mine or not stat.S_ISREG(found.st_mode) or not self._is_read(path):
            return "partial", self._by_timer()
        if guard.differs(path, ways_of.sudo_text(self.ways, self.one)):
            return "partial", self._by_timer()
        return "present", "notafter" if self.ways.notafter else self._by_timer()

    def _is_read(self, path):
        """Return whether sudo reads a file: its directory may be not included, a line wrong."""
        status, said = self.ways.rules()
        if path + ":" in said:
            return status == 0
        return "may run" in places.ran(["sudo", "-l", "-U", self.one["account"]])[1]

    def _account(self, rows):
        """Return the account as a part: what lets somebody in ends by what its other parts end by.

        Alone it ends at its own expiry, where opskit made it.
        """
        account, what = self.one["account"], "account " + self.one["account"]
        made = account in self.state["accounts"]
        alone = made and not any(one["account"] == account for one in self.state["grants"].values())
        if places.entry(account) is None or not (self._is_known() or alone):
            return self._row(what, "absent", "none")
        if alone or cut.is_closed(account):
            return self._row(what, "absent" if cut.is_closed(account) else "present", "none")
        there = [row for row in rows if row["presence"] != "absent"]
        if there:
            weakest = max(there, key=lambda row: _ORDER.index(row["enforced_by"]))
            return dict(weakest, what=what, presence="present")
        return self._row(what, "present", "account-expiry" if made else self._by_timer())


_ORDER = ("expiry-time", "notafter", "account-expiry", "timer", "none")


def _keys(one):
    return [key.encode() for key in one["keys"]]


def standings(placements, ways):
    """Return how each grant stands, and what could not be looked at."""
    state, timer = places.kept(), expire.timer()
    found, wrong = {}, []
    for one in placements:
        standing = Standing(one, state, ways, timer)
        found[one["grant"]] = standing.parts()
        wrong += standing.wrong
    return found, wrong
