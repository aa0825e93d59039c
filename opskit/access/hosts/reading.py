"""From a host's files to what they say: one way, for a host observed and for a copy of its files.

A `Source` gives files and says what directories hold; where it has none, nothing is concluded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opskit.access.hosts import sshd
from opskit.access.hosts.accounts import accounts, groups, redacted, shadows
from opskit.access.hosts.keys import authorized_keys
from opskit.access.hosts.lines import Parsed
from opskit.access.hosts.model import (
    Account,
    AuthorizedKey,
    File,
    Group,
    HostState,
    Line,
    Misread,
    PathFact,
    Remains,
    SshdBlock,
)

T = TypeVar("T")

_SUDO_INCLUDE = re.compile(r"^[ \t]*[@#]include(dir)?[ \t]+(.*?)[ \t]*$", re.MULTILINE)
_MOST_SUDOERS = 2_000
_MOST_MATCHES = 20_000
# Accounts times the patterns of AuthorizedKeysFile, of which sshd takes 256.
_MOST_KEY_FILES = 200_000
# Where cron keeps the tables of accounts: Debian, Red Hat.
_CRONTABS = ("/var/spool/cron/crontabs", "/var/spool/cron")
_LINGER = "/var/lib/systemd/linger"


class Source(Protocol):
    """Files of one host, by their paths there."""

    def file(self, path: str) -> File | None:
        """Return a file; None where it is not there or could not be read."""
        ...

    def listing(self, directory: str) -> Sequence[str] | None:
        """Return the names in a directory, in order; None where it is not there to look at."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """Files that somebody collected. `directories` are those of which all that matters is here."""

    files: Mapping[str, File]
    directories: frozenset[str] = frozenset()

    def file(self, path: str) -> File | None:
        """Return a file, if it was collected."""
        return self.files.get(path)

    def listing(self, directory: str) -> Sequence[str] | None:
        """Return the names below a directory that was looked into, or from which files came."""
        inside = directory.rstrip("/") + "/"
        names = {
            path[len(inside) :].partition("/")[0] for path in self.files if path.startswith(inside)
        }
        return sorted(names) if names or directory in self.directories else None


@dataclass(frozen=True, slots=True)
class Facts:
    """What no file of a host says: what its programs answered, and what lies at its paths.

    `sshd` is what `sshd -T` printed, by keyword; it is preferred to what the files say. `zone` is
    the host's own, for times without an offset; else the one in /etc/timezone, else UTC.
    """

    sshd: Mapping[str, str] | None = None
    sshd_version: str = ""
    sudo_version: str = ""
    paths: Mapping[str, PathFact] | None = None
    remains: tuple[Remains, ...] | None = None
    production: bool = False
    zone: ZoneInfo | None = None


def state_of(name: str, source: Source, facts: Facts | None = None) -> HostState:
    """Return what a host's files, and what else is known of it, say of access."""
    return _Reading(name, source, facts or Facts()).state()


@dataclass(slots=True)
class _Reading:
    name: str
    source: Source
    facts: Facts
    files: dict[str, File] = field(default_factory=dict)
    misread: list[Misread] = field(default_factory=list)
    cut: list[Misread] = field(default_factory=list)
    zone: ZoneInfo | None = None

    def state(self) -> HostState:
        self.zone = self.facts.zone or self._zone()
        known = self._accounts()
        config = self._sshd()
        values = self._effective(config)
        return HostState(
            name=self.name,
            accounts=known,
            groups=self._groups(),
            keys=self._keys(known, _key_files(config, values or sshd.DEFAULTS)),
            sshd=values,
            sshd_version=self.facts.sshd_version,
            sudo_version=self.facts.sudo_version,
            paths=self.facts.paths,
            remains=self._remains() if self.facts.remains is None else self.facts.remains,
            production=self.facts.production,
            sshd_blocks=_blocks(config),
            misread=tuple(self.misread),
            files=self._all_files(values),
            cut=tuple(self.cut),
        )

    def _file(self, path: str) -> File | None:
        found = self.files.get(path) or self.source.file(path)
        if found is not None:
            self.files[path] = found
        return found

    def _zone(self) -> ZoneInfo | None:
        """Return the zone that Debian writes down; without one, UTC is taken."""
        file = self._file("/etc/timezone")
        try:
            return ZoneInfo(file.text.strip()) if file else None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None

    def _told(self, parsed: Parsed[T]) -> tuple[T, ...]:
        self.misread += parsed.misread
        return parsed.values

    def _accounts(self) -> tuple[Account, ...] | None:
        passwd, shadow = self._file("/etc/passwd"), self.source.file("/etc/shadow")
        secrets = None if shadow is None else {one.name: one for one in self._told(shadows(shadow))}
        return None if passwd is None else self._told(accounts(passwd, secrets))

    def _groups(self) -> tuple[Group, ...] | None:
        file = self._file("/etc/group")
        return None if file is None else self._told(groups(file))

    def _sshd(self) -> sshd.SshdConfig | None:
        file = self._file(sshd.CONFIG)
        if file is None:
            return None
        config = sshd.configuration(file, self._matching_files)
        self.misread += config.misread
        self.cut += config.cut
        return config

    def _effective(self, config: sshd.SshdConfig | None) -> Mapping[str, str] | None:
        if config is None and self.facts.sshd is None:
            return None
        return {**(config.effective if config else {}), **(self.facts.sshd or {})}

    def _matching_files(self, pattern: str) -> Sequence[File]:
        paths = matching(self.source, pattern)
        return [file for path in paths if (file := self._file(path)) is not None]

    def _keys(
        self, known: Sequence[Account] | None, patterns: Sequence[str]
    ) -> tuple[AuthorizedKey, ...] | None:
        places: dict[str, str] = {}
        if len(patterns) * len(known or ()) > _MOST_KEY_FILES:
            self._give_up("/etc/passwd", f"more than {_MOST_KEY_FILES:,} files of keys")
            return None
        for path, account in self._key_places(known or (), patterns):
            places.setdefault(path, account)
        found: list[AuthorizedKey] = []
        for path, account in places.items():
            file = self._file(path)
            if file is not None:
                found += self._told(authorized_keys(file, account, self.zone))
        return tuple(found) if found or self._homes_seen(places) else None

    def _homes_seen(self, places: Mapping[str, str]) -> bool:
        return any(path in self.files for path in places) or any(
            self.source.listing(home) is not None for home in ("/home", "/root")
        )

    def _key_places(
        self, known: Sequence[Account], patterns: Sequence[str]
    ) -> Iterator[tuple[str, str]]:
        """Yield (path, account) of each file that may hold keys."""
        for account in known:
            for pattern in patterns:
                yield _expanded(pattern, account), account.name
        # Keys in a home that no account has open nothing today, and everything once it is back.
        for pattern in patterns:
            if "%" not in pattern and not pattern.startswith("/"):
                yield f"/root/{pattern}", "root"
                for path in matching(self.source, f"/home/*/{pattern}"):
                    yield path, path.split("/")[2]

    def _remains(self) -> tuple[Remains, ...] | None:
        found: list[Remains] = []
        looked = False
        for directory, what in (
            *((one, "crontab") for one in _CRONTABS), (_LINGER, "linger"),
        ):  # fmt: skip
            names = self.source.listing(directory)
            looked = looked or names is not None
            found += [
                Remains(name, what, f"{directory}/{name}")
                for name in names or ()
                if self.source.listing(f"{directory}/{name}") is None
            ]
        return tuple(found) if looked else None

    def _all_files(self, values: Mapping[str, str] | None) -> Mapping[str, File]:
        """Return every file that was read, and those that only other readers need."""
        self._sudoers()
        for keyword in ("revokedkeys", "trustedusercakeys"):
            path = (values or {}).get(keyword, "none")
            if path.startswith("/"):
                self._file(path)
        return {path: _without_secrets(path, file) for path, file in self.files.items()}

    def _sudoers(self) -> None:
        waiting = ["/etc/sudoers", "/etc/sudoers-rs", *self._inside("/etc/sudoers.d")]
        seen: set[str] = set()
        while waiting:
            path = waiting.pop(0)
            if path in seen:
                continue
            if len(seen) >= _MOST_SUDOERS:
                self._give_up(path, f"not read: there are more than {_MOST_SUDOERS:,} of sudoers")
                return
            seen.add(path)
            file = self._file(path)
            if file is not None and "include" in file.text:
                waiting += self._included_sudoers(path, file.text)

    def _give_up(self, path: str, reason: str) -> None:
        file = self.files.get(path)
        shown = (file.shown or file.path) if file else path
        self.cut.append(Misread(Line(shown, 0, ""), reason))

    def _included_sudoers(self, path: str, text: str) -> Iterator[str]:
        for match in _SUDO_INCLUDE.finditer(text):
            named = match[2].strip('"').replace("\\ ", " ").replace("%h", self.name.split(".")[0])
            target = named if named.startswith("/") else f"{path.rpartition('/')[0]}/{named}"
            if match[1]:
                yield from self._inside(target)
            else:
                yield target

    def _inside(self, directory: str) -> Iterator[str]:
        for name in self.source.listing(directory) or ():
            yield f"{directory.rstrip('/')}/{name}"


def matching(source: Source, pattern: str) -> Sequence[str]:
    """Return the paths that a shell pattern stands for, in order; a hidden name has to be named."""
    found = [""]
    for part in pattern.strip("/").split("/"):
        if not any(sign in part for sign in "*?["):
            found = [f"{path}/{part}" for path in found]
            continue
        found = [
            f"{path}/{name}"
            for path in found
            for name in source.listing(path or "/") or ()
            if fnmatchcase(name, part) and (name[0] != "." or part[0] == ".")
        ][:_MOST_MATCHES]
    return found


def _expanded(pattern: str, account: Account) -> str:
    """Return where the keys of an account are: sshd_config(5) TOKENS, relative to its home."""
    if "%" not in pattern and pattern[0] not in "~/":
        return f"{account.home.rstrip('/')}/{pattern}"
    tokens = {"%%": "%", "%h": account.home, "%u": account.name, "%U": str(account.uid)}
    path = re.sub("%[%huU]", lambda token: tokens[token[0]], pattern)
    path = path.removeprefix("~/")
    return path if path.startswith("/") else f"{account.home.rstrip('/')}/{path}"


def _key_files(config: sshd.SshdConfig | None, values: Mapping[str, str]) -> Sequence[str]:
    """Return the patterns of files that may hold keys: for everybody, and under each `Match`."""
    said = [values.get("authorizedkeysfile", "none")]
    said += [one.values.get("authorizedkeysfile", "") for one in _blocks(config)]
    return [one for one in dict.fromkeys(" ".join(said).split()) if one.lower() != "none"]


def _blocks(config: sshd.SshdConfig | None) -> tuple[SshdBlock, ...]:
    return config.blocks if config else ()


def _without_secrets(path: str, file: File) -> File:
    if path not in {"/etc/passwd", "/etc/group"}:
        return file
    return replace(file, text=redacted(file.text))
