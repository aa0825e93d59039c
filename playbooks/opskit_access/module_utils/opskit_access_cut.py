"""How access is taken away on a host: lines, files, memberships, accounts.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it; a copy of it is
planted there with what ends grants in time.
"""

import grp
import os
import stat
import time

try:
    from ansible.module_utils import opskit_access_places as places
except ImportError:  # the copy on the host
    import opskit_access_places as places

SUDOERS = "/etc/sudoers.d"
_NOLOGIN = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false")


def sudo_file(grant):
    """Return the file of a grant's sudo rules; a dot in its name would make sudo skip it."""
    return SUDOERS + "/opskit-" + grant


# Lines of files that somebody else may own


def marked(line, grant):
    """Return whether a line of authorized_keys was written for a grant."""
    words = line.split()
    return bool(words) and words[-1] == ("opskit:" + grant).encode()


def opens(line, blob):
    """Return whether a line of authorized_keys lets a key in."""
    return not line.lstrip().startswith(b"#") and blob.encode() in line.split()


def rewritten(path, change, owner=None, mode=0o600):
    """Change the lines of a file; return whether that changed it.

    OWNER is the passwd entry of the account whose place it may be. The lines that CHANGE gives back
    keep their bytes. A file that is not there has no lines, and without lines it is not made.
    """
    parent, name = os.path.split(path)
    ids = (owner.pw_uid, owner.pw_gid) if owner else (0, 0)
    make = (*ids, 0o700) if owner else (0, 0, 0o755)
    probe = change([])
    try:
        with places.directory(parent, (ids[0],), make if probe else None) as handle:
            data = places.content(handle, name, (ids[0],))
            lines = (data or b"").splitlines(keepends=True)
            after = b"".join(change(lines))
            if after == (data or b""):
                return False
            kept = _as_it_was(handle, name) if data is not None else None
            places.put(handle, name, after, *(kept or (mode, ids)))
    except places.Missing:
        if probe:
            raise
        return False
    return True


def forced(path, change, owner):
    """Change the lines of a file, whatever its owner made of it; return whether that changed it.

    What cannot be rewritten (a link, a second name, too much, a flag) sshd may read all the same.
    Where it lies in the home of OWNER it is moved aside as a whole: nothing of it is lost, and
    nobody is let in by it.

    Raises:
        Trouble: it lies elsewhere, or could not be moved.
    """
    try:
        return rewritten(path, change, owner)
    except places.Odd:
        if owner is None or owner.pw_uid == 0:
            raise
        return places.put_aside(path, owner)


def _as_it_was(handle, name):
    found = os.lstat(name, dir_fd=handle)
    return stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid)


def without_key(path, grant, blobs, owner):
    """Remove a grant's lines, and those its holder made of its keys."""

    def change(lines):
        return [
            line
            for line in lines
            if not marked(line, grant) and not any(opens(line, blob) for blob in blobs)
        ]

    return forced(path, change, owner)


def without_principal(path, grant):
    """Remove a grant's principal."""
    wanted = ("grant-" + grant).encode()
    return rewritten(path, lambda lines: [one for one in lines if wanted not in one.split()[-1:]])


# Groups and accounts


def is_member(account, group):
    """Return whether an account is named in a group."""
    try:
        return account in grp.getgrnam(group).gr_mem
    except KeyError:
        return False


def leave(account, group):
    """Take an account out of a group; return whether it was in it."""
    if not is_member(account, group):
        return False
    places.must(["gpasswd", "-d", account, group])
    return True


def shadow(account):
    """Return the fields of an account's line in shadow, without its hash: only how it begins."""
    try:
        with open("/etc/shadow", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                fields = line.rstrip("\n").split(":")
                if fields[0] == account:
                    return [account, fields[1][:1], *fields[2:]]
    except OSError:
        pass
    return None


def is_closed(account):
    """Return whether nobody can log in to an account: locked, expired, no shell."""
    found, fields = places.entry(account), shadow(account)
    if found is None:
        return True
    if fields is None or len(fields) < 8:
        return False
    over = fields[7].isdigit() and int(fields[7]) < time.time() // 86400
    return fields[1] == "!" and over and found.pw_shell in _NOLOGIN


def close(account):
    """Lock an account that opskit made: it stays, so that its number is not given again."""
    if is_closed(account):
        return False
    shell = next((one for one in _NOLOGIN if os.path.exists(one)), _NOLOGIN[-1])
    places.must(["usermod", "-L", "-e", "1970-01-02", "-s", shell, account])
    return True


# A grant as a whole


def credentials(state, name, spared=()):
    """Cut what a grant lets in, as far as this host remembers it; return what was there.

    Blobs in SPARED open the account for another grant, too: only this grant's own line goes.
    Every piece is tried, whatever became of the one before.

    Raises:
        Trouble: a piece could not be cut; the grant stays in STATE, to be tried again.
    """
    grant = state["grants"][name]
    account, owner = grant["account"], places.entry(grant["account"])
    stay = {*state["had"].get(account, ()), *spared}
    blobs = [one for one in grant.get("blobs", ()) if one not in stay]
    tries = [("sudo", lambda: places.removed(sudo_file(name)))]
    if owner is not None:
        tries += [
            ("keys", lambda path=path: without_key(path, name, blobs, _keeper(path, owner)))
            for path in grant.get("key_files", ())
        ]
        tries += [
            ("principal", lambda path=path: without_principal(path, name))
            for path in grant.get("principal_files", ())
        ]
        tries += [
            ("group " + group, lambda group=group: leave(account, group))
            for group in lone_groups(state, name)
        ]
    cut, wrong = [], []
    for label, attempt in tries:
        try:
            if attempt():
                cut.append(label)
        except places.Trouble as error:
            wrong.append(str(error))
    if wrong:
        raise places.Trouble("; ".join(wrong))
    for group in lone_groups(state, name):
        state["members"].remove([group, account])
    # Whoever is still at work may put back what was cut: once more when their sessions are ended.
    state["again"][name] = state["grants"].pop(name)
    return cut


def once_more(state, wrong):
    """Cut again what was cut before sessions were ended; return whether anything was back.

    What went wrong is added to WRONG, and stays to be done.
    """
    back = False
    for name in [*state["again"]]:
        grant = state["again"][name]
        if grant["account"] in state["ending"]:
            continue
        if name not in state["grants"]:  # given anew meanwhile, it is to be there
            state["grants"][name] = grant
            try:
                back = bool(credentials(state, name, shared(state, name))) or back
            except (places.Trouble, OSError) as error:
                wrong.append(f"{name}: {error}")
        del state["again"][name]
    return back


def shared(state, name):
    """Return the keys that other grants of the same account give as well."""
    account = state["grants"][name]["account"]
    others = (one for key, one in state["grants"].items() if key != name)
    return {blob for one in others if one["account"] == account for blob in one.get("blobs", ())}


def _keeper(path, owner):
    """Return who can move a file about: OWNER where it is in their home, else nobody but root."""
    return owner if path.startswith(owner.pw_dir.rstrip("/") + "/") else None


def lone_groups(state, name):
    """Return the groups that opskit put an account in for this grant and no other."""
    account = state["grants"][name]["account"]
    others = {
        group
        for other, grant in state["grants"].items()
        if other != name and grant["account"] == account
        for group in grant.get("groups", ())
    }
    own = state["grants"][name].get("groups", ())
    return [one for one in own if one not in others and [one, account] in state["members"]]


def retire(state, account):
    """Close an account whose last grant is gone, if opskit made it; return whether that changed it.

    Whatever keys it holds by then open it no more.
    """
    made = state["accounts"].get(account)
    if made is None or any(one["account"] == account for one in state["grants"].values()):
        return False
    owner = places.entry(account)
    if owner is None:  # whoever makes one of that name again is somebody else
        del state["accounts"][account]
        return True
    changed = close(account)
    for path in made.get("key_files", ()):
        changed = forced(path, lambda _lines: [], _keeper(path, owner)) or changed
    return changed
