"""Which sudo reads the files: versions differ in what rules mean, and sudo-rs refuses some."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:p(\d+))?", re.ASCII)
Version = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Dialect:
    """A sudo: `rs` for sudo-rs, else the one of sudo.ws; `version` is major, minor, patch, p."""

    version: Version
    rs: bool = False

    @property
    def runas_of_old(self) -> bool:
        """Return whether run-as lists are matched as before 1.9.14.

        There `alice ALL = CMD` permits `sudo -u root -g disk CMD` though root is not in disk
        (NEWS of 1.9.14), and `sudo -g wheel CMD` is permitted to members of wheel whatever users
        the rule names (seen with 1.9.13p3).
        """
        return not self.rs and self.version < (1, 9, 14, 0)

    @property
    def empty_list_is_default(self) -> bool:
        """Return whether `alice ALL = () CMD` makes plain `sudo CMD` run as alice herself.

        Seen with 1.9.13p3. 1.9.14 is told to do so for `(:group)`, too; since 1.9.14p2
        only `-u alice`, or a group and no user, is taken for it.
        """
        return not self.rs and self.version < (1, 9, 14, 2)

    @property
    def knows_regex(self) -> bool:
        """Return whether `^...$` is a regular expression (NEWS of 1.9.10)."""
        return not self.rs and self.version >= (1, 9, 10, 0)

    @property
    def host_option_leaks(self) -> bool:
        """Return whether `sudo -h` runs what is meant for other hosts (CVE-2025-32462)."""
        return not self.rs and (1, 8, 8, 0) <= self.version < (1, 9, 17, 1)

    @property
    def chroot_option_loads(self) -> bool:
        """Return whether `sudo -R` loads libraries out of the chroot (CVE-2025-32463)."""
        return not self.rs and (1, 9, 14, 0) <= self.version < (1, 9, 17, 1)

    @property
    def text(self) -> str:
        """Return it as `--sudo-version` takes it."""
        major, minor, patch, p = self.version
        dotted = f"{major}.{minor}.{patch}" + (f"p{p}" if p else "")
        return f"sudo-rs {dotted}" if self.rs else dotted


# What is read where nobody said which sudo it is: the oldest in long-term support.
DEFAULT = Dialect((1, 9, 13, 3))

# The newest whose rules are known here.
NEWEST = Dialect((1, 9, 17, 2))


def dialect_of(text: str) -> Dialect:
    """Return the dialect of `1.9.13p3`, `Sudo version 1.9.13p3`, `sudo-rs 0.2.5` or `sudo-rs`.

    Raises ValueError where no version is in it.
    """
    rs = "sudo-rs" in text
    match = _VERSION.search(text)
    if match is None:
        if rs:
            return Dialect((0, 2, 5, 0), rs=True)
        raise ValueError(f"{text!r} is no version of sudo; write 1.9.13p3 or sudo-rs")
    major, minor, patch, p = (int(one or 0) for one in match.groups())
    return Dialect((major, minor, patch, p), rs)
