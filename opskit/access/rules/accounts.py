"""ACC: accounts nobody answers for, or that open more than they should."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from opskit.access.findings import AccessFinding, Scope
from opskit.access.hosts.model import Account, Line, Password, Remains
from opskit.access.rules.rule import Family
from opskit.access.rules.view import HostView, personal
from opskit.core.findings import Severity
from opskit.core.text import plural

family: Family[HostView] = Family(Scope.STATE)

# CIS leaves out those that Red Hat ships with root's group and no shell.
_ROOT_GROUP_SHIPPED = frozenset({"sync", "shutdown", "halt", "operator"})


@family.rule(
    "ACC-UID0",
    Severity.CRITICAL,
    references={"CIS Debian Linux 13": "5.4.2.1, 5.4.2.2"},
    needs=("accounts",),
)
def uid_zero(view: HostView) -> Iterator[AccessFinding]:
    """An account besides root has the uid or the primary group of root.

    What: a line of passwd with uid 0 whose name is not root (critical), or with gid 0 (high).

    Why: uid 0 is root, whatever the name: every log says root, and no rule about root holds it.

    Fix: remove the account, or give it a number of its own.

    Bad::

        toor:x:0:0::/root:/bin/bash

    Good::

        root:x:0:0:root:/root:/bin/bash
    """
    for account in view.state.accounts or ():
        if account.name == "root" or account.name in _ROOT_GROUP_SHIPPED:
            continue
        if account.uid == 0:
            yield view.finding(
                "ACC-UID0", Severity.CRITICAL, account.name, f"{account.name} is root by its uid 0",
                fix=f"remove {account.name}, or give it a uid of its own",
                path=(account.name, "uid 0", "root"), at=(account.at,), meaning=("uid",),
            )  # fmt: skip
        elif account.gid == 0:
            yield view.finding(
                "ACC-UID0", Severity.HIGH, account.name,
                f"the primary group of {account.name} is root's",
                fix=f"usermod -g a group of its own {account.name}",
                path=(account.name, "gid 0", "what is open to the group of root"),
                at=(account.at,), meaning=("gid",),
            )  # fmt: skip


@family.rule(
    "ACC-DUP",
    Severity.HIGH,
    references={"CIS Debian Linux 13": "7.2.5, 7.2.6, 7.2.7, 7.2.8"},
    needs=("accounts",),
)
def duplicates(view: HostView) -> Iterator[AccessFinding]:
    """A uid or a name stands twice, for accounts or for groups.

    What: two lines of passwd with the same uid or name, two lines of group with the same gid or
    name. A second uid 0 is told by ACC-UID0.

    Why: two accounts of one uid are one account with two passwords: nobody can be told from the
    other in any log, and each owns the other's files. Of two lines with one name the first counts.

    Fix: renumber one of them, its files as well, or remove it.

    Bad::

        alice:x:1000:1000::/home/alice:/bin/bash
        bob:x:1000:1001::/home/bob:/bin/bash

    Good::

        alice:x:1000:1000::/home/alice:/bin/bash
        bob:x:1001:1001::/home/bob:/bin/bash
    """
    seen: defaultdict[tuple[str, str], list[tuple[str, Line]]] = defaultdict(list)
    for account in view.state.accounts or ():
        seen["account", account.name].append((account.name, account.at))
        if account.uid != 0:
            seen["uid", str(account.uid)].append((account.name, account.at))
    for group in view.state.groups or ():
        seen["group", group.name].append((group.name, group.at))
        seen["gid", str(group.gid)].append((group.name, group.at))
    for (what, value), found in seen.items():
        if len(found) > 1:
            yield _duplicate(view, what, value, found)


def _duplicate(
    view: HostView, what: str, value: str, found: list[tuple[str, Line]]
) -> AccessFinding:
    names = list(dict.fromkeys(name for name, _ in found))
    message = f"{what} {value} stands {len(found)} times"
    if len(names) > 1:
        message = f"{' and '.join(names)} share {what} {value}"
    return view.finding(
        "ACC-DUP", Severity.HIGH, names[0], message,
        fix="renumber or remove all but one, and the files they own",
        path=tuple(f"{name} is {what} {value}" for name in names),
        at=[line for _, line in found], meaning=(what, value),
    )  # fmt: skip


@family.rule(
    "ACC-SVC-SHELL",
    Severity.MEDIUM,
    references={"CIS Debian Linux 13": "5.4.2.7, 5.4.2.8"},
    needs=("accounts",),
)
def service_shell(view: HostView) -> Iterator[AccessFinding]:
    """A system or service account has a login shell, or a password.

    What: an account numbered below 1000 (or above 59999), or one the people file calls a service
    account, with a shell that is one or with a password set. A service account that has registered
    keys may keep its shell.

    Why: nobody logs in there, so nobody notices when somebody does.

    Fix: `usermod --shell /usr/sbin/nologin NAME` and `usermod --lock NAME`.

    Bad::

        backup:x:34:34:backup:/var/backups:/bin/bash

    Good::

        backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
    """
    for account in view.accounts.values():
        if account.uid == 0 or not view.is_system(account.name):
            continue
        has = [
            *(["the login shell " + (account.shell or "/bin/sh")] * _idle_shell(view, account)),
            *(["a password"] * (account.password is Password.SET)),
        ]
        if has:
            yield view.finding(
                "ACC-SVC-SHELL", Severity.MEDIUM, account.name,
                f"service account {account.name} has {' and '.join(has)}",
                fix=f"usermod --shell /usr/sbin/nologin --lock {account.name}",
                path=(account.name, *has, "a login"), at=(account.at,),
                meaning=tuple(one.partition(" /")[0] for one in has),
            )  # fmt: skip


def _idle_shell(view: HostView, account: Account) -> bool:
    if not account.can_log_in:
        return False
    registered = view.roster.keys.values() if view.roster else ()
    holder = view.holder(account.name)
    return holder is None or not any(
        key.holder == holder.name for keys in registered for key in keys
    )


@family.rule("ACC-ORPHAN", Severity.CRITICAL, needs=("accounts", "roster"))
def orphans(view: HostView) -> Iterator[AccessFinding]:
    """An account that can be logged in to belongs to nobody in the people file, or to a leaver.

    What: an account numbered as people's are (1000 to 59999), or any with keys, that can be used
    and whose name no person or service account has; or whose holder's last day is over. Root, and
    accounts that are locked without keys or have expired, are left out.

    Why: a ghost account is used without anybody missing it; nobody answers for what it does.

    Fix: enter who it belongs to into the people file, or remove it with its keys.

    Bad::

        # people.yaml: mallory, ends: 2026-06-30
        mallory:x:1004:1004::/home/mallory:/bin/bash

    Good::

        # people.yaml: mallory, ends: 2026-06-30
        mallory:!:1004:1004::/home/mallory:/usr/sbin/nologin
    """
    for account in view.accounts.values():
        why = _nobody(view, account)
        if why and usable(view, account):
            yield view.finding(
                "ACC-ORPHAN", Severity.CRITICAL, account.name, f"{account.name} {why}",
                fix=f"lock {account.name} and remove its keys, or enter who it is",
                path=(account.name, why, *_ways_in(view, account)),
                at=(account.at, *(one.at for one in view.keys_of.get(account.name, ()))),
                meaning=(why.partition(" on ")[0],),
            )  # fmt: skip


def _nobody(view: HostView, account: Account) -> str:
    holder = view.holder(account.name)
    if holder is not None:
        left = holder.ends is not None and holder.ends < view.today
        return f"belongs to {holder.name}, who left on {holder.ends}" if left else ""
    if account.uid == 0 or not (personal(account) or account.name in view.keys_of):
        return ""
    return "belongs to nobody in the people file"


def usable(view: HostView, account: Account) -> bool:
    """Return whether somebody could log in to an account today."""
    if account.expires is not None and account.expires < view.today:
        return False
    return bool(_ways_in(view, account))


def _ways_in(view: HostView, account: Account) -> tuple[str, ...]:
    keys = len(view.keys_of.get(account.name, ()))
    by_password = account.password in {Password.SET, Password.EMPTY, Password.UNKNOWN}
    return (
        *([plural(keys, "key")] if keys else ()),
        *(["a password"] if account.can_log_in and by_password else ()),
    )


@family.rule("ACC-REUSE", Severity.HIGH, needs=("accounts", "owners"))
def reused(view: HostView) -> Iterator[AccessFinding]:
    """Files of an account belong to the uid of another.

    What: an authorized_keys file in the home of one account is owned by the uid of another that is
    not root. Seen on the host alone: a copy does not keep owners.

    Why: a uid given anew after its account was deleted inherits every file left behind.

    Fix: give the files to whom they belong, and never give a uid again: lock instead of delete.

    Bad::

        -rw------- carol alice  /home/alice/.ssh/authorized_keys

    Good::

        -rw------- alice alice  /home/alice/.ssh/authorized_keys
    """
    by_uid = {one.uid: one.name for one in view.accounts.values()}
    for account in view.accounts.values():
        home = account.home.rstrip("/")
        for file in view.state.files.values():
            if not home or not file.path.startswith(f"{home}/"):
                continue
            if file.uid is None or file.uid in {0, account.uid}:
                continue
            owner = by_uid.get(file.uid, f"uid {file.uid}")
            yield view.finding(
                "ACC-REUSE", Severity.HIGH, owner,
                f"{file.path} in the home of {account.name} belongs to {owner}",
                fix=f"chown {account.name} {file.path}, and find what else {owner} owns there",
                path=(owner, f"owns {file.path}", f"the home of {account.name}"),
                at=(Line(file.shown or file.path, 0, ""), account.at), meaning=(file.path,),
            )  # fmt: skip


@family.rule("ACC-PERSIST", Severity.HIGH, needs=("accounts", "remains"))
def persists(view: HostView) -> Iterator[AccessFinding]:
    """Something of an account that has ended goes on by itself.

    What: a crontab, an at job, a lingering user, a user unit, a process or a sudo timestamp of an
    account that is gone, has expired, or whose holder's last day is over.

    Why: what runs by itself needs no key and no password: it survives every revocation.

    Fix: remove it: `crontab -r -u NAME`, `loginctl disable-linger NAME`, `pkill -u NAME`.

    Bad::

        /var/spool/cron/crontabs/mallory    (no mallory in passwd)

    Good::

        /var/spool/cron/crontabs/alice      (alice works here)
    """
    for one in view.state.remains or ():
        why = _ended(view, one)
        if why:
            account = view.accounts.get(one.account)
            yield view.finding(
                "ACC-PERSIST", Severity.HIGH, one.account,
                f"{one.what} of {one.account} goes on, who {why}",
                fix=f"remove {one.detail}", path=(one.account, why, one.what),
                at=(Line(one.detail, 0, ""), *([account.at] if account else ())),
                meaning=(one.what, one.detail),
            )  # fmt: skip


def _ended(view: HostView, one: Remains) -> str:
    account, holder = view.accounts.get(one.account), view.holder(one.account)
    if account is None:
        return "has no account"
    if account.expires is not None and account.expires < view.today:
        return f"could log in until {account.expires}"
    if holder is not None and holder.ends is not None and holder.ends < view.today:
        return f"left on {holder.ends}"
    return ""


@family.rule(
    "ACC-NOEXPIRY", Severity.MEDIUM, needs=("accounts", "passwords", "roster"),
    references={"ComplianceAsCode": "account_temp_expire_date"},
)  # fmt: skip
def no_expiry(view: HostView) -> Iterator[AccessFinding]:
    """The account of somebody who will leave has no last day on the host.

    What: a contractor, or a person whose last day is known, has an account without an expiry in
    shadow, or one that lies after that day.

    Why: the day is known; the host could hold it by itself, also when nobody remembers.

    Fix: `chage --expiredate DAY NAME`, the day after the last one.

    Bad::

        carol:$y$...:20000:0:99999:7:::

    Good::

        carol:$y$...:20000:0:99999:7::20819:
    """
    for account in view.accounts.values():
        holder = view.holder(account.name)
        if holder is None or not (holder.contractor or holder.ends):
            continue
        if account.expires is not None and (holder.ends is None or account.expires <= holder.ends):
            continue
        known = f"whose last day is {holder.ends}" if holder.ends else "a contractor"
        has = f"can log in until {account.expires}" if account.expires else "has no expiry"
        yield view.finding(
            "ACC-NOEXPIRY", Severity.MEDIUM, account.name, f"{account.name}, {known}, {has}",
            fix=f"chage --expiredate {_day_after(holder.ends)} {account.name}",
            path=(holder.name, f"account {account.name}", has),
            at=(account.at, *([account.shadow_at] if account.shadow_at else ())),
            meaning=("expiry",),
        )  # fmt: skip


def _day_after(last: date | None) -> str:
    return str(last + timedelta(days=1)) if last else "YYYY-MM-DD"


@family.rule(
    "ACC-EMPTYPW", Severity.CRITICAL, needs=("accounts", "passwords"),
    references={"CIS Debian Linux 13": "7.2.2"},
)  # fmt: skip
def empty_password(view: HostView) -> Iterator[AccessFinding]:
    """An account has an empty password field.

    What: the second field of its line in shadow, or in passwd, is empty.

    Why: anybody at a console, and with `PermitEmptyPasswords` anybody at all, is that account.

    Fix: `passwd --lock NAME`.

    Bad::

        alice::20000:0:99999:7:::

    Good::

        alice:!:20000:0:99999:7:::
    """
    for account in view.accounts.values():
        if account.password is Password.EMPTY:
            yield view.finding(
                "ACC-EMPTYPW", Severity.CRITICAL, account.name,
                f"{account.name} needs no password", fix=f"passwd --lock {account.name}",
                path=(account.name, "an empty password", "a login"),
                at=(account.shadow_at or account.at,), meaning=("empty",),
            )  # fmt: skip
