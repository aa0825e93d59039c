"""SSH: the server shows its banner and a host key that is known."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from opskit.core.clock import SECOND
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import Address, ProbeSettings
from opskit.monitor.talks import talk
from opskit.outside.dial import Dial, DialError

# RFC 4253, 4.2: other lines may come before the one with the version.
_LINES = 50


class SshProbe(ProbeSettings):
    """An SSH server; up if it shows its banner and, where one is pinned, a host key that is known.

    Nobody logs in. Keys are asked for with `ssh-keyscan`, which hears them and lets nobody prove
    that they are theirs: that a key changed is told, and who forges one is told by `ssh` itself.
    """

    kind: Literal["ssh"]
    address: Address = Field(description="host:port", examples=["web1.example.org:22"])
    host_keys: tuple[Annotated[str, Field(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")], ...] = Field(
        default=(),
        description="fingerprints, as `ssh-keygen -lf` shows them; one of them must be shown",
        examples=[["SHA256:oQ2cXvN4UjLcgZ8xGvYtJd0Cf3q8oM1hQn6YB5wLrKs"]],
    )


@talk
def look(probe: SshProbe, around: Around) -> Sight:
    """Read the banner; where keys are pinned, ask for those there are."""
    deadline = around.clock.monotonic() + probe.timeout
    with Dial.open(probe.address, probe.timeout / SECOND) as dial:
        facts = (Fact("probe_ip_protocol", dial.version),)
        _banner(dial)
        dial.send(b"SSH-2.0-opskit\r\n")  # who says nothing may be counted as an attacker
    if not probe.host_keys:
        return Sight(Seen.UP, facts=facts)
    from opskit.outside.ssh import host_keys  # noqa: PLC0415  # heavy, and not for settings

    left = (deadline - around.clock.monotonic()) / SECOND
    shown = host_keys(probe.address, around.environment, seconds=max(0.1, left))
    if not shown:
        return Sight(Seen.DOWN, "no host key was shown in time", facts=facts)
    if not shown & set(probe.host_keys):
        return Sight(Seen.DOWN, "the host key has changed: no pinned one was shown", facts=facts)
    return Sight(Seen.UP, facts=facts)


def _banner(dial: Dial) -> None:
    for _ in range(_LINES):
        line = dial.line()
        if line.startswith(("SSH-2.0-", "SSH-1.99-")):
            return
        if line.startswith("SSH-"):
            raise DialError("an SSH version that is no longer safe")
    raise DialError("what came is not SSH")


KIND = LookKind(SshProbe, look)
