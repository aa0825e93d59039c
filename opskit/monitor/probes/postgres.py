"""PostgreSQL: a query gives the expected value."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from opskit.core.clock import SECOND
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import Address, ProbeSettings
from opskit.monitor.talks import talk
from opskit.outside.files import read_secret
from opskit.outside.postgres import NoDriver, query_one


class PostgresProbe(ProbeSettings):
    """A query on a connection of its own; up if it gives the value. The session is read-only."""

    kind: Literal["postgres"]
    address: Address = Field(description="host:port", examples=["db.example.org:5432"])
    user: str = Field(min_length=1, description="who asks", examples=["monitor"])
    database: str = Field(default="postgres", min_length=1, description="which database is asked")
    password_file: str = Field(
        default="",
        description="file with the password, readable by nobody else",
        examples=["secrets/db.password"],
    )
    query: str = Field(
        default="SELECT 1", min_length=1, max_length=10_000, description="what is asked"
    )
    expect: str | None = Field(
        default=None,
        description="the first field of the first row, as text; anything if left out",
        examples=["1"],
    )
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = Field(
        default="prefer", description="how TLS is used, in libpq's words"
    )
    ca: str = Field(
        default="", description="file with the authorities to believe", examples=["tls/ca.pem"]
    )


@talk
def look(probe: PostgresProbe, around: Around) -> Sight:
    """Connect, ask, and compare."""
    settings = {"user": probe.user, "dbname": probe.database, "sslmode": probe.sslmode}
    if probe.password_file:
        settings["password"] = read_secret(around.root / probe.password_file)
    if probe.ca:
        settings["sslrootcert"] = str(around.root / probe.ca)
    try:
        value = query_one(probe.address, settings, probe.query, probe.timeout / SECOND)
    except NoDriver:
        return Sight(Seen.UNKNOWN, "psycopg is missing: pip install 'opskit[postgres]'")
    if probe.expect is not None and value != probe.expect:
        return Sight(Seen.DOWN, f"the query does not give {probe.expect!r}", facts=_facts(value))
    return Sight(Seen.UP, facts=_facts(value))


def _facts(value: str | None) -> tuple[Fact, ...]:
    """Return the value where it is a number."""
    try:
        number = float(value or "")
    except ValueError:
        return ()
    return (Fact("opskit_probe_query_value", number),) if math.isfinite(number) else ()


KIND = LookKind(PostgresProbe, look)
