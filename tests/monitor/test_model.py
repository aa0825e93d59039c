"""`services.yaml`: what it accepts, and of what it does not, the mistake and its place."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pydantic
import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import SECOND, parse_duration
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.probes.http import HttpProbe
from opskit.monitor.probes.tcp import TcpProbe
from opskit.monitor.settings import ProbeSettings
from opskit.outside.documents import parse
from opskit.outside.models import json_schema, validate
from tests.cli.cases import Case, cases
from tests.monitor.world import catalogue, http, tcp


def probe(**settings: object) -> ProbeSettings:
    """Return a probe as it is read from a file."""
    return catalogue(shop={"kind": "tcp", "address": "db:5432", **settings}).targets()[0].probe


@pytest.mark.parametrize("case", cases("monitor"))
def test_a_mistake_is_found_where_it_stands(case: Case) -> None:
    document = parse(case.path, name="services.yaml")
    assert validate(document, Catalogue) is None
    found = [
        one for one in document.findings if (one.rule, one.subject) == (case.rule, case.subject)
    ]
    assert len(found) == 1
    assert str(found[0].location) == f"services.yaml:{case.place}"
    assert case.says in found[0].message
    assert case.fix in found[0].fix


def test_a_probe_says_little_and_means_much() -> None:
    plain = probe()
    assert (plain.interval, plain.timeout, plain.confirm_after) == (
        60 * SECOND,
        5 * SECOND,
        2 * SECOND,
    )
    web = catalogue(shop={"kind": "http", "url": "https://example.org"}).targets()[0].probe
    assert isinstance(web, HttpProbe)
    assert (web.status, web.method, web.contains) == ((200,), "GET", "")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:22", "db.example.org:5432", "[::1]:22", "[fe80::1]:65535", "a_b-c:1"]
)
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    known = probe(address=address)
    assert isinstance(known, TcpProbe)
    assert known.address == address


@pytest.mark.parametrize("text", ["99.9%", "99.9 %", "0%", "100%", "99.999999%"])
def test_a_share_is_exact(text: str) -> None:
    service = {"owner": "web", "objective": {"availability": text}, "probes": [tcp()]}
    known = Catalogue.model_validate_json(json.dumps({"services": {"shop": service}}), strict=True)
    objective = known.services["shop"].objective
    assert objective is not None
    assert objective.availability == Fraction(text.rstrip("% ")) / 100


def test_each_probe_of_each_service_is_a_target() -> None:
    service = {"owner": "web", "probes": [tcp(), {**http("127.0.0.1:1"), "name": "page"}]}
    both = Catalogue.model_validate_json(
        json.dumps({"services": {"shop": service, "mail": {"owner": "web", "probes": [tcp()]}}}),
        strict=True,
    )
    assert [target.id for target in both.targets()] == ["shop/tcp", "shop/page", "mail/tcp"]
    assert [target.id for target in both.targets(("mail",))] == ["mail/tcp"]


def test_a_catalogue_does_not_change_after_reading() -> None:
    known = catalogue(shop=tcp())
    with pytest.raises(pydantic.ValidationError):
        known.services["shop"].owner = "else"  # type: ignore[misc]


@given(st.from_regex(r"([0-9]{1,5}(ms|s|m|h)){1,2}", fullmatch=True))
def test_a_length_is_taken_exactly_or_refused(text: str) -> None:
    length = parse_duration(text)
    if SECOND // 10 <= length <= 86_400 * SECOND:
        wide = {"interval": "1d", "timeout": "100ms", "confirm_after": text}
        assert probe(**wide).confirm_after == length
    else:
        with pytest.raises(pydantic.ValidationError, match="out of range"):
            probe(interval="1d", confirm_after=text)


@pytest.mark.parametrize("text", ["1s", "90m", "1h30m", "250ms", "24h"])
def test_the_schema_knows_the_lengths_people_write(text: str) -> None:
    pattern = json_schema(Catalogue)["definitions"]["TcpProbe"]["properties"]["interval"]["pattern"]
    assert re.search(pattern, text)
