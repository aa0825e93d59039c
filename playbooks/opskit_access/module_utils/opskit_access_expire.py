"""What ends grants on a host by itself, once a minute, and puts back what proved to be a mistake.

It runs on hosts, with the Python they have (3.8 and newer) and nothing beside it. A copy of it is
planted there, beside copies of what it uses; `python3 opskit_access_expire.py` is one turn.
"""

import base64
import glob
import json
import os
import secrets
import subprocess
import sys
import time

try:
    from ansible.module_utils import (
        opskit_access_cut as cut,
        opskit_access_places as places,
        opskit_access_sessions as sessions,
    )
except ImportError:  # the copy on the host
    import opskit_access_cut as cut
    import opskit_access_places as places
    import opskit_access_sessions as sessions

# Not below /usr/local: on some hosts the group staff may write there, on others nobody.
LIBRARY = "/var/lib/opskit"
RAN = "/run/opskit-expire.ran"
_SCRIPT = LIBRARY + "/opskit_access_expire.py"
# Nothing of a caller's environment, and nothing written beside it.
_COMMAND = (sys.executable, "-EsB", _SCRIPT)
_CRON = "/etc/cron.d/opskit-expire"
_UNITS = "/etc/systemd/system/opskit-expire"
# A timer that did not run for so long does not run at all.
_LATE_SECONDS = 180
_SERVICE = (
    "[Unit]\nDescription=End access whose time is over\n\n[Service]\nType=oneshot\nExecStart=%s\n"
)
_TIMER = (
    "[Unit]\nDescription=End access whose time is over, once a minute\n\n"
    "[Timer]\nOnCalendar=*-*-* *:*:00\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n"
)


# Planting


def plant():
    """Let the host end grants by itself; return whether that changed anything."""
    changed = False
    for module in (places, cut, sessions, sys.modules[__name__]):
        name = module.__name__.rpartition(".")[2]
        source = _source(module)
        changed = places.placed(LIBRARY + "/" + name + ".py", source, 0o644) or changed
    turn = " ".join(_COMMAND)
    if os.path.isdir("/run/systemd/system"):
        changed = places.placed(_UNITS + ".service", (_SERVICE % turn).encode(), 0o644) or changed
        if places.placed(_UNITS + ".timer", _TIMER.encode(), 0o644) or not _systemd():
            places.ran(["systemctl", "daemon-reload"])
            places.ran(["systemctl", "enable", "--now", "opskit-expire.timer"])
            changed = True
    if os.path.isdir("/etc/cron.d") and not _systemd():
        row = f"# Ends access whose time is over.\n* * * * * root {turn}\n"
        changed = places.placed(_CRON, row.encode(), 0o644) or changed
    return changed


def _source(module):
    """Return the source of a module of this collection, out of Ansible's archive or a directory."""
    return module.__loader__.get_source(module.__name__).encode()


def timer():
    """Return what runs the planted script on this host: systemd, cron, or nothing."""
    if not os.path.exists(_SCRIPT):
        return ""
    if _systemd():
        return "" if _late(_UNITS + ".timer") else "systemd"
    return "cron" if os.path.exists(_CRON) and _cron() and not _late(_CRON) else ""


def _systemd():
    if not os.path.isdir("/run/systemd/system"):
        return False
    return places.ran(["systemctl", "is-active", "--quiet", "opskit-expire.timer"])[0] == 0


def _cron():
    """Return whether root runs a cron daemon, in this very place."""
    root = os.stat("/")
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/comm", encoding="ascii", errors="replace") as stream:
                named = stream.read().strip() in ("cron", "crond")
            there = os.stat(path + "/root")
        except OSError:
            continue
        if named and (there.st_dev, there.st_ino) == (root.st_dev, root.st_ino):
            return os.stat(path).st_uid == 0
    return False


def _late(planted):
    now = time.time()
    try:
        last = os.stat(RAN).st_mtime
    except OSError:
        last = 0
    return now - max(last, os.stat(planted).st_ctime) > _LATE_SECONDS


# Going back


def arm(files, members, seconds):
    """Let the host undo a change in SECONDS unless somebody says that all is well.

    FILES are (path, account or None), MEMBERS (group, account), both as they are now.
    Returns the name of the promise.
    """
    name = secrets.token_hex(8)
    saved = [_saved(*one) for one in files]
    promise = {"due": time.time() + seconds, "files": saved, "members": members}
    with places.directory(places.OWN, make=(0, 0, 0o700)) as handle:
        places.put(handle, _promise(name), json.dumps(promise).encode(), 0o600)
    subprocess.Popen(
        [*_COMMAND, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    return name


def disarm(name):
    """Say that all is well.

    Raises:
        Trouble: it is too late; the change was undone.
    """
    with places.alone():
        if not places.removed(places.OWN + "/" + _promise(name)):
            raise places.Trouble("it was not confirmed in time, and was undone")


def _promise(name):
    return f"rollback-{name}.json"


def _saved(path, account):
    parent, name = os.path.split(path)
    owner = places.entry(account) if account else None
    try:
        with places.directory(parent, (owner.pw_uid,) if owner else (0,)) as handle:
            data = places.content(handle, name, (owner.pw_uid,) if owner else (0,))
            mode = os.lstat(name, dir_fd=handle).st_mode & 0o7777 if data is not None else 0
    except places.Missing:
        data, mode = None, 0
    text = None if data is None else base64.b64encode(data).decode()
    return {"path": path, "account": account, "data": text, "mode": mode}


def go_back(now=None):
    """Undo what was promised by NOW, or all there is without; return whether there was any."""
    undone = False
    for path in glob.glob(places.OWN + "/rollback-*.json"):
        with places.directory(places.OWN) as handle:
            data = places.content(handle, os.path.basename(path))
        try:
            promise = json.loads((data or b"").decode())
        except ValueError:  # written by none of ours, whole as its writing is
            places.removed(path)
            continue
        if now is not None and promise["due"] > now:
            continue
        for one in promise["files"]:
            _restore(**one)
        for group, account in promise["members"]:
            places.ran(["gpasswd", "-a", account, group])
        undone = places.removed(path) or undone
    return undone


def _restore(path, account, data, mode):
    owner = places.entry(account) if account else None
    ids = (owner.pw_uid, owner.pw_gid) if owner else (0, 0)
    parent, name = os.path.split(path)
    try:
        with places.directory(parent, (ids[0],)) as handle:
            if data is None:
                places.gone(handle, name)
            else:
                places.put(handle, name, base64.b64decode(data), mode, ids)
    except places.Trouble:
        pass  # a place that its owner moved about is not what locks anybody else out


# Turns


def finish(state, wrong):
    """End the sessions that are to be ended, and sweep what goes on without one.

    What went wrong is added to WRONG, and stays to be done. Returns what was ended.
    """
    ended = {}
    for account in list(state["ending"]):
        try:
            ended[account] = sessions.end_sessions(account) + sessions.sweep(account)
            state["ending"].remove(account)
        except (places.Trouble, OSError) as error:
            wrong.append(f"sessions of {account}: {error}")
    return ended


def turn(now):
    """End what is over by NOW; return what went wrong."""
    wrong = []
    with places.alone():
        go_back(now)
        state = places.kept()
        for name in sorted(state["grants"]):
            if state["grants"][name]["until"] <= now:
                _end(state, name, wrong)
        places.keep(state)
        close(state, wrong)
        finish(state, wrong)
        cut.once_more(state, wrong)
        places.keep(state)
    return wrong


def close(state, wrong):
    """Close the accounts opskit made whose last grant is gone; return whether that changed one."""
    changed = False
    for account in list(state["accounts"]):
        try:
            changed = cut.retire(state, account) or changed
        except (places.Trouble, OSError) as error:
            wrong.append(f"account {account}: {error}")
    return changed


def _end(state, name, wrong):
    account = state["grants"][name]["account"]
    others = [
        one for key, one in state["grants"].items() if key != name and one["account"] == account
    ]
    try:
        cut.credentials(state, name, cut.shared(state, name))
    except (places.Trouble, OSError) as error:
        wrong.append(f"{name}: {error}")
    if not others and account not in {*state["administrators"], *state["ending"]}:
        state["ending"].append(account)


def main():
    """Take one turn, or wait for the moment of a promise to go back."""
    if len(sys.argv) > 1:
        path = places.OWN + "/" + _promise(sys.argv[1])
        with open(path, encoding="utf-8") as stream:
            due = json.load(stream)["due"]
        time.sleep(max(0.0, due - time.time()))
        with places.alone():
            go_back(time.time())
        return 0
    wrong = turn(time.time())
    with open(RAN, "w", encoding="ascii"):
        pass
    for one in wrong:
        sys.stderr.write(one + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
