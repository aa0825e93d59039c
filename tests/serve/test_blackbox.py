"""blackbox.yml: what maps is the same here, what does not is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.core.clock import SECOND, Duration
from opskit.core.errors import ConfigError, DataError
from opskit.monitor.blackbox import BUILT_IN, modules
from opskit.monitor.kinds import Fact, Sight
from opskit.monitor.model import Seen
from opskit.monitor.probes import KINDS
from opskit.outside.transfer import Phases
from opskit.serve.exporter import page
from opskit.serve.probing import families

LONG = Duration(60 * SECOND)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "blackbox.yml"
    path.write_text(text)
    return path


def test_a_module_is_the_same_probe_here(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
modules:
  ok:
    prober: http
    timeout: 3s
    http:
      method: HEAD
      valid_status_codes: [200, 204]
      follow_redirects: false
      preferred_ip_protocol: ip4
  port:
    prober: tcp
""",
    )
    found = modules(path)
    probe = found["ok"].probe("example.org/path", LONG)
    assert probe.kind == "http"
    assert (probe.url, probe.method, probe.status) == (  # type: ignore[attr-defined]
        "http://example.org/path",
        "HEAD",
        (200, 204),
    )
    assert probe.timeout == 3 * SECOND
    assert found["ok"].probe("example.org", Duration(SECOND)).timeout == SECOND
    assert found["port"].probe("[::1]:22", LONG).address == "[::1]:22"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("http: {proxy_url: 'http://x'}", "proxy_url"),
        ("http: {fail_if_ssl: true}", "fail_if_ssl"),
        ("http: {fail_if_not_ssl: true}", "fail_if_not_ssl"),
        ("http: {fail_if_body_json_matches_cel: x}", "fail_if_body_json_matches_cel"),
        ("http: {bearer_token: s3cret}", "bearer_token"),
        ("http: {oauth2: {}}", "oauth2"),
        ("http: {compression: gzip}", "compression"),
        ("http: {valid_http_versions: [HTTP/1.1, HTTP/2.0]}", "valid_http_versions"),
        ("http: {basic_auth: {username: a, password: b}}", "password"),
        ("http: {tls_config: {cert_file: x}}", "cert_file"),
        ("tcp: {query_response: []}", "query_response"),
        ("tcp: {starttls: true}", "starttls"),
        ("grpc: {}", "grpc"),
        ("timeuot: 3s", "timeuot"),
        ("timeout: 3", "timeout"),
    ],
)
def test_what_has_no_meaning_here_is_refused_by_name(
    tmp_path: Path, option: str, named: str
) -> None:
    prober = "tcp" if option.startswith("tcp") else "http"
    path = written(tmp_path, f"modules:\n  m:\n    prober: {prober}\n    {option}\n")
    with pytest.raises(DataError) as refused:
        modules(path, name="blackbox.yml")
    said = [f"{one.location} {one.subject} {one.message}" for one in refused.value.findings]
    assert any(named in one and one.startswith("blackbox.yml:") for one in said)


@pytest.mark.parametrize("prober", ["grpc", "unix", "websocket", "htttp"])
def test_another_prober_is_refused(tmp_path: Path, prober: str) -> None:
    with pytest.raises(DataError):
        modules(written(tmp_path, f"modules: {{m: {{prober: {prober}}}}}"))


def test_what_no_probe_of_opskit_can_do_is_refused_when_the_file_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "modules: {m: {prober: http, http: {method: BREW}}}")
    with pytest.raises(ConfigError, match=r"modules\.m: method"):
        modules(path, name="blackbox.yml")


@pytest.mark.parametrize(
    "text",
    [
        "modules: {m: {prober: dns, dns: {query_name: example.org, query_type: A}}}",
        "modules: {m: {prober: icmp, icmp: {payload_size: 64}}}",
        "modules: {m: {prober: tcp, tcp: {tls: true}}}",
    ],
)
def test_other_probers_are_looked_at_where_there_is_a_probe_for_them(
    tmp_path: Path, text: str
) -> None:
    path = written(tmp_path, text)
    kind = "tls" if "tls" in text else text.split("prober: ")[1].split(",", maxsplit=1)[0]
    if kind not in KINDS:
        with pytest.raises(ConfigError, match=f"no probe {kind}"):
            modules(path)
        return
    found = modules(path)["m"]
    assert found.kind == kind
    target = "example.org:853" if kind == "tls" else "example.org"
    assert found.probe(target, LONG).kind == kind


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("example.org", "example.org"),
        ("https://example.org:8443/a?b=c#d", "example.org"),
        ("http://[::1]:80/", "::1"),
        ("http://a@b/", None),
        ("http://a\\@b/", None),
        ("http://a#@b/", "a"),
        ("http:///x", None),
        ("ftp://a/", None),
        ("http://a/\n", None),
        ("http://a/ b", None),
        ("http://ä/", None),
        ("", None),
        ("a" * 3_000, None),
    ],
)
def test_what_would_be_looked_at_is_read_one_way_only(target: str, host: str | None) -> None:
    assert BUILT_IN["http_2xx"].host(target) == host


def test_phases_and_facts_become_what_dashboards_know() -> None:
    phases = Phases(*(Duration(n * 1_000) for n in (1, 3, 0, 10, 12)))
    facts = (
        Fact("probe_http_status_code", 200),
        Fact("probe_tls_version_info", 1, (("version", 'TLS"1.3\n'),)),
    )
    sight = Sight(Seen.UP, took=Duration(12_000), phases=phases, facts=facts)
    text = page(families(sight, BUILT_IN["http_2xx"].probe("a", LONG))).decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(values["probe_success"]) == 1
    assert float(values["probe_http_status_code"]) == 200
    assert values["probe_duration_seconds"] == "0.012"
    assert values["probe_dns_lookup_time_seconds"] == "0.001"
    spent = {
        name.split('"')[1]: float(value)
        for name, value in values.items()
        if name.startswith("probe_http_duration_seconds")
    }
    assert spent == pytest.approx(
        {"resolve": 0.001, "connect": 0.002, "tls": 0, "processing": 0.007, "transfer": 0.002}
    )
    assert float(values['probe_tls_version_info{version="TLS\\"1.3\\n"}']) == 1
