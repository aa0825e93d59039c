"""The door to a Prometheus: who is asked, who asks, and answers that cannot be believed."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from opskit.core.clock import HOUR, Instant
from opskit.core.errors import ConfigError, ExitCode, OpskitError, OutsideError
from opskit.core.interval import Interval
from opskit.outside import credentials
from opskit.outside.prometheus import Edges, Limits, Server, TooMuch
from tests.outside import servers
from tests.outside.servers import Answer, Exchange, body, header, plain
from tests.outside.test_http import certificate, tls  # noqa: F401  # fixtures

SPAN = Interval(Instant(0), Instant(HOUR))
PATIENCE = 0.5


def matrix(*pairs: object, **others: object) -> bytes:
    result = [{"metric": {"__name__": "up"}, "values": list(pairs)}]
    data = {"resultType": "matrix", "result": result}
    return json.dumps({"status": "success", "data": data, **others}).encode()


def failure(answer: Answer, limits: Limits | None = None) -> OpskitError:
    """Return what a read of samples ends with."""
    with servers.Server(answer) as server, pytest.raises(OpskitError) as caught:
        Server(server.url, limits=limits or Limits()).points("up", SPAN)
    return caught.value


def test_samples_are_asked_for_by_a_form_and_told_in_microseconds() -> None:
    answer = matrix([1.5, "1"], [3600, "0"], warnings=["half of it\u202e"])
    with servers.Server(plain(answer)) as server:
        door = Server(f"{server.url}prometheus/")
        found = door.points("up", SPAN)
    (request,) = server.requests
    assert request.startswith(b"POST /prometheus/api/v1/query HTTP/1.1\r\n")
    assert body(request) == b"query=up%5B3600000ms%5D&time=3600.000"
    assert list(found.series) == [({"__name__": "up"}, [(1_500_000, 1.0), (HOUR, 0.0)])]
    assert found.warnings == (r"half of it\u202e",)
    assert (door.requests, door.received) == (1, len(answer))


def test_a_sample_at_the_very_start_belongs_to_the_span_before() -> None:
    with servers.Server(plain(matrix([0, "1"], [0.001, "1"], [3600.001, "1"]))) as server:
        ((_, points),) = Server(server.url).points("up", SPAN).series
    assert points == [(1_000, 1.0)]


@pytest.mark.parametrize(
    ("edges", "width"), [(Edges.CLOSED, 3_599_999), (Edges.LEFT_OPEN, HOUR // 1_000)]
)
def test_a_step_holds_its_end_and_not_its_start(edges: Edges, width: int) -> None:
    with servers.Server(plain(matrix())) as server:
        Server(server.url).over_time("sum_over_time", "up", SPAN, HOUR, edges)
    assert (
        f"sum_over_time%28up%5B{width}ms%5D%29&start=3600.000&end=3600.000"
        in body(server.requests[0]).decode()
    )


# Who asks


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_text("s3cr3t\n")
    return path


def test_a_token_and_a_password_are_shown_as_headers(secret: Path) -> None:
    def shown(headers: dict[str, str]) -> bytes:
        with servers.Server(plain(matrix())) as server:
            door = Server(server.url, headers)
            door.points("up", SPAN)
        assert "s3cr3t" not in repr(door)
        return header(server.requests[0], b"authorization")

    assert shown(credentials.bearer(secret)) == b"Bearer s3cr3t"
    assert shown(credentials.basic("ops", secret)) == b"Basic " + b64encode(b"ops:s3cr3t")


@pytest.mark.parametrize("content", ["", "a b", "a\r\nX-Evil: 1", "é", "x" * 20_000])
def test_what_is_no_secret_is_no_header(secret: Path, content: str) -> None:
    secret.write_text(content)
    with pytest.raises(ConfigError, match="does not hold one secret"):
        credentials.bearer(secret)


def test_a_secret_that_others_can_read_is_none(secret: Path) -> None:
    secret.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others"):
        credentials.bearer(secret)
    with pytest.raises(ConfigError, match="No such file"):
        credentials.bearer(secret.with_name("none"))
    with pytest.raises(ConfigError, match="colon"):
        credentials.basic("a:b", secret)


@pytest.mark.parametrize(
    "url", ["prom:9090", "ftp://prom", "http://", "http://ops:pw@prom", "http://prom/?x=1", ""]
)
def test_what_is_no_address_of_a_prometheus_is_not_asked(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Server(url)
    assert "pw" not in caught.value.message
    assert caught.value.hint


def test_a_certificate_of_one_s_own_is_trusted_where_it_is_named(
    request: pytest.FixtureRequest,
) -> None:
    context, trusted = (request.getfixturevalue(name) for name in ("tls", "certificate"))
    with servers.Server(plain(matrix()), tls=context) as server:
        Server(server.url, ca_file=trusted).points("up", SPAN)
        with pytest.raises(OutsideError, match="certificate"):
            Server(server.url).points("up", SPAN)


# Answers that say no


def error(kind: str, words: str) -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": words}).encode()


REFUSALS = [
    (plain(error("bad_data", "parse error"), "400 Bad Request"), ConfigError, "parse error"),
    (plain(error("execution", "too many"), "422 Unprocessable Entity"), TooMuch, "too many"),
    (plain(error("timeout", "timed out"), "503 Service Unavailable"), TooMuch, "timed out"),
    (plain(b"Unauthorized", "401 Unauthorized"), ConfigError, "401: Unauthorized"),
    (plain(b"", "403 Forbidden"), ConfigError, "does not let opskit in"),
    (plain(b"not here", "404 Not Found"), ConfigError, "no Prometheus API"),
    (plain(b"", "302 Found", "Location: http://127.0.0.1:1/"), ConfigError, "sends elsewhere"),
    (plain(b"Service Unavailable", "503 Service Unavailable"), OutsideError, "503"),
    (plain(b"", "429 Too Many Requests"), OutsideError, "429"),
    (plain(error("bad_data", "x")), ConfigError, "does not understand"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), REFUSALS)
def test_a_refusal_is_told_with_the_next_step(
    answer: Answer, kind: type[OpskitError], said: str
) -> None:
    found = failure(answer)
    assert type(found) is kind
    assert said in found.message
    assert found.hint
    assert found.exit_code is (ExitCode.USAGE if kind is ConfigError else ExitCode.UNDETERMINED)


def test_what_a_server_says_cannot_drive_a_terminal() -> None:
    found = failure(plain(b"\x1b[2J gone", "500 Internal Server Error"))
    assert r"\x1b[2J gone" in found.message


# Answers that cannot be believed


GARBAGE = {
    "nothing": b"",
    "a page": b"<html>login</html>",
    "cut": matrix([1, "1"])[:-5],
    "a list": b"[]",
    "a number": b"7",
    "not UTF-8": b"\xff\xfe{}",
    "deep": b"[" * 100_000,
    "no data": b'{"status": "success"}',
    "no result": b'{"status":"success","data":{"resultType":"matrix"}}',
    "a result of text": b'{"status":"success","data":{"resultType":"matrix","result":["x"]}}',
    "no labels": b'{"status":"success","data":{"resultType":"matrix","result":[{"values":[]}]}}',
    "a sample alone": matrix("1"),
    "three in a sample": matrix([1, "1", 2]),
    "no time": matrix([None, "1"]),
    "time of text": matrix(["later", "1"]),
    "endless time": matrix(["Inf", "1"]),
    "time in milliseconds": matrix([1_727_740_800_000, "1"]),
    "a time of true": matrix([True, "1"]),
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_no_answer(answer: bytes) -> None:
    found = failure(plain(answer))
    assert type(found) is OutsideError
    assert "answered with something that is not" in found.message


@pytest.mark.parametrize("value", ["NaN", "+Inf", "x", None, [], True])
def test_a_value_that_is_no_number_is_told_as_such(value: object) -> None:
    with servers.Server(plain(matrix([1, value]))) as server:
        ((_, ((_, number),)),) = Server(server.url).points("up", SPAN).series
    assert not abs(number) < float("inf")


@pytest.mark.parametrize("kind", ["vector", "scalar", "string"])
def test_an_expression_that_gives_no_samples_is_no_selector(kind: str) -> None:
    data = {"resultType": kind, "result": []}
    found = failure(plain(json.dumps({"status": "success", "data": data}).encode()))
    assert isinstance(found, ConfigError)
    assert "selects no samples" in found.message


def test_an_answer_over_its_limit_is_too_much() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"

    def flood(exchange: Exchange) -> None:
        exchange.send(head)
        exchange.flood(b"[" * 65_536)

    found = failure(flood, Limits(max_bytes=200_000))
    assert isinstance(found, TooMuch)
    assert "more than 200,000 bytes" in found.message


def test_an_answer_cut_short_by_the_network_is_none() -> None:
    def cut(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + matrix([1, "1"]))

    assert isinstance(failure(cut), OutsideError)


def test_an_answer_that_drips_ends_with_its_time() -> None:
    def drip(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
        exchange.drip(b" ")

    found = failure(drip, Limits(request_seconds=PATIENCE))
    assert "did not answer within 0.5 s" in found.message
    assert found.retryable


def test_all_requests_together_have_their_time() -> None:
    with servers.Server(plain(matrix())) as server:
        door = Server(server.url, limits=Limits(seconds=0))
        with pytest.raises(OutsideError, match="did not tell everything within 0 s"):
            door.points("up", SPAN)
    assert server.connections == 0


def test_warnings_of_any_form_are_warnings() -> None:
    for others, expected in (
        ({"warnings": ["a", 7]}, ("a", "7")),
        ({"warnings": "text"}, ()),
        ({"isPartial": True}, ("the answer is partial",)),
        ({"infos": ["not a counter"]}, ()),
    ):
        with servers.Server(plain(matrix(**others))) as server:
            assert Server(server.url).points("up", SPAN).warnings == expected


@pytest.mark.parametrize(
    "line",
    [b"x", b"[]", b'{"metric":{},"values":[1],"timestamps":[]}', b'{"metric":{},"values":1}'],
)
def test_an_export_that_is_none_is_refused(line: bytes) -> None:
    with servers.Server(plain(line)) as server, pytest.raises(OutsideError, match=r"exported|JSON"):
        Server(server.url).exported("up", SPAN)


@pytest.mark.parametrize(
    "answer", [b'{"status":"success","data":{}}', b'{"status":"success","data":[1]}']
)
def test_series_that_are_none_are_refused(answer: bytes) -> None:
    with servers.Server(plain(answer)) as server, pytest.raises(OutsideError, match="series"):
        Server(server.url).series("up", SPAN)


def test_a_server_without_a_version_is_asked_all_the_same() -> None:
    def answer(exchange: Exchange) -> None:
        if b"buildinfo" in exchange.request:
            plain(b"", "404 Not Found")(exchange)
        else:
            found = [{"metric": {}, "value": [86_400, "1"]}]
            data = {"resultType": "vector", "result": found}
            plain(json.dumps({"status": "success", "data": data}).encode())(exchange)

    with servers.Server(answer) as server:
        identity = Server(server.url).identity()
    assert (identity.version, identity.edges) == ("", Edges.LEFT_OPEN)
