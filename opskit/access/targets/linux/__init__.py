"""Linux hosts, reached through Ansible: one run for all that are asked or ordered at once."""

from opskit.access.targets.linux.kind import LinuxKind
from opskit.access.targets.linux.wire import Collected

__all__ = ["Collected", "LinuxKind"]
