"""DNS: a server answers, and with what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from opskit.core.clock import SECOND
from opskit.core.text import clean
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import Address, ProbeSettings
from opskit.monitor.talks import talk

if TYPE_CHECKING:
    from opskit.outside.resolver import Answer


class DnsProbe(ProbeSettings):
    """A question to a DNS server; up if the answer is the expected one."""

    kind: Literal["dns"]
    query: str = Field(
        pattern=r"^[A-Za-z0-9_*.:-]{1,254}$",
        description="the name asked for; of an address for PTR, its name in in-addr.arpa",
        examples=["example.org"],
    )
    type: Literal[
        "A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "MX", "NS", "PTR", "SOA", "SRV", "TXT"
    ] = Field(default="A", description="the type asked for")
    server: Address | None = Field(
        default=None,
        description="host:port of the server; those of the system otherwise",
        examples=["192.0.2.53:53"],
    )
    rcode: Literal["NOERROR", "NXDOMAIN", "REFUSED"] = Field(
        default="NOERROR", description="how the server must answer"
    )
    expect: tuple[str, ...] = Field(
        default=(),
        description="records that must be among the answers, as `dig +short` shows them",
        examples=[["192.0.2.10"]],
    )
    exact: bool = Field(default=False, description="whether there must be no other answers")
    recurse: bool = Field(default=True, description="whether the server may ask others")

    @model_validator(mode="after")
    def _asks_for_something(self) -> DnsProbe:
        if self.exact and not self.expect:
            message = "exact says nothing without expect"
            raise ValueError(message)
        return self


@talk
def look(probe: DnsProbe, _around: Around) -> Sight:
    """Ask once."""
    from opskit.outside.resolver import ask  # noqa: PLC0415  # heavy, and not for settings

    server = probe.server or ""
    answer = ask(probe.query, probe.type, server, probe.timeout / SECOND, recurse=probe.recurse)
    reason = _failure(probe, answer)
    return Sight(Seen.DOWN if reason else Seen.UP, reason, facts=_facts(answer))


def _failure(probe: DnsProbe, answer: Answer) -> str:
    if answer.code != probe.rcode:
        return f"answered {answer.code}, wanted {probe.rcode}"
    if probe.rcode == "NOERROR" and not answer.records:
        return f"there is no {probe.type} record"
    told = {_same(one) for one in answer.records}
    missing = [one for one in probe.expect if _same(one) not in told]
    if missing:
        return f"{clean(missing[0])} is not among the answers"
    if probe.exact and len(told) > len({_same(one) for one in probe.expect}):
        return "there are other answers than expected"
    return ""


def _same(record: str) -> str:
    """Return a record so that the same one is written the same way."""
    return record.strip().lower().removesuffix(".")


def _facts(answer: Answer) -> tuple[Fact, ...]:
    counts = (
        Fact("probe_dns_answer_rrs", answer.answers),
        Fact("probe_dns_authority_rrs", answer.authorities),
        Fact("probe_dns_additional_rrs", answer.additionals),
        Fact("probe_dns_query_succeeded", 1),
    )
    serial = () if answer.serial is None else (Fact("probe_dns_serial", answer.serial),)
    return (*counts, *serial)


KIND = LookKind(DnsProbe, look)
