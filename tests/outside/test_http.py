"""The guarded client against real servers that drip, flood, redirect and lead inside."""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opskit.core.errors import ConfigError, OpskitError, OutsideError, Refused
from opskit.outside.http import Response, get, post, require_success
from tests.outside import isolated
from tests.outside.servers import Answer, Exchange, Server, body, header, plain

# Long enough that a test which waits for it is noticed, short enough to wait for it.
PATIENCE = 0.5
LOOPBACK = ip_address("127.0.0.1")


def send(
    url: str, *, seconds: float = 20.0, allow_private: bool = True, data: bytes = b"{}"
) -> Response:
    return post(url, data, {"content-type": "text/x"}, seconds=seconds, allow_private=allow_private)


def failure(answer: Answer, *, seconds: float = 20.0) -> OutsideError:
    with Server(answer) as server, pytest.raises(OutsideError) as caught:
        send(server.url, seconds=seconds)
    assert caught.value.message.startswith(server.url)
    return caught.value


# A whole exchange


def test_what_is_posted_arrives_and_the_answer_comes_back() -> None:
    payload = bytes(range(256)) * 10
    with Server(plain(b"\x00done\xff", "202 Accepted", "X-Seen: yes")) as server:
        response = send(f"{server.url}path?x=1", data=payload)
    (request,) = server.requests
    assert request.startswith(b"POST /path?x=1 HTTP/1.1\r\n")
    assert body(request) == payload
    assert header(request, b"content-type") == b"text/x"
    assert (response.status, response.body, response.headers["X-Seen"]) == (
        202,
        b"\x00done\xff",
        "yes",
    )


@pytest.mark.parametrize(
    ("head", "wire", "wanted"),
    [
        ("Transfer-Encoding: chunked", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        ("Connection: close", b"abcde", b"abcde"),
        ("Content-Encoding: gzip", gzip.compress(b"abcde", mtime=0), b"abcde"),
        ("Content-Length: 0", b"", b""),
    ],
)
def test_every_way_to_send_a_body_is_read(head: str, wire: bytes, wanted: bytes) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + wire)

    with Server(answer) as server:
        assert send(server.url).body == wanted


def test_nothing_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("default login somebody password canary\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Server(plain(b"proxy")) as proxy, Server(plain(b"direct")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert send(server.url).body == b"direct"
    assert proxy.requests == []
    assert header(server.requests[0], b"authorization") == b""


# Bounded in time


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda exchange: exchange.hang(), id="silence"),
        pytest.param(lambda exchange: exchange.drip(b"H"), id="dripping status"),
        pytest.param(
            lambda exchange: (exchange.send(b"HTTP/1.1 200 OK\r\nX-A: "), exchange.drip(b"a")),
            id="dripping header",
        ),
        pytest.param(
            lambda exchange: (exchange.send(b"HTTP/1.1 200 OK\r\n\r\n"), exchange.drip(b"x")),
            id="dripping body",
        ),
        pytest.param(
            lambda exchange: (
                exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                exchange.drip(b"1\r\nx\r\n"),
            ),
            id="dripping chunks",
        ),
        pytest.param(
            lambda exchange: (
                exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") or exchange.hang()
            ),
            id="half a body",
        ),
        pytest.param(lambda exchange: exchange.drip(b"HTTP/1.1 100 Continue\r\n\r\n"), id="100s"),
    ],
)
def test_an_answer_that_does_not_end_in_time_is_cut_off(answer: Answer) -> None:
    error = failure(answer, seconds=PATIENCE)
    assert error.message.endswith("did not answer within 0.5 s")
    assert error.retryable


@pytest.mark.timeout(60)
def test_a_server_that_takes_no_bytes_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # connections wait, and nobody comes
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with pytest.raises(OutsideError, match=r"did not answer within 0\.5 s") as caught:
            send(url, data=b"x" * 50_000_000, seconds=PATIENCE)
    assert caught.value.retryable


# Bounded in size


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "head", ["", "Transfer-Encoding: chunked\r\n", f"Content-Length: {10**12}\r\n"]
)
def test_a_flood_is_cut_off(head: str) -> None:
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n" if "chunked" in head else b"x" * 65_536

    def answer(exchange: Exchange) -> None:
        exchange.send(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode())
        exchange.flood(piece)

    error = failure(answer)
    assert error.message.endswith("answered with more than 1,000,000 bytes")
    assert error.retryable


@pytest.mark.parametrize(("size", "accepted"), [(1_000_000, True), (1_000_001, False)])
def test_the_limit_is_exact(size: int, accepted: bool) -> None:
    with Server(plain(b"x" * size)) as server:
        if accepted:
            assert len(send(server.url).body) == size
        else:
            with pytest.raises(OutsideError, match="more than 1,000,000 bytes"):
                send(server.url)


BOMBED = """
import resource, sys
from opskit.core.errors import OutsideError
from opskit.outside.http import post
resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
try:
    post(sys.argv[1], b"", {}, allow_private=True)
except OutsideError as error:
    print(error.message)
"""


def test_a_compressed_bomb_does_not_fill_the_memory() -> None:
    # A gzip file may have many members: these are 4 GB of zeros.
    bomb = gzip.compress(b"\0" * 100_000_000) * 40
    with Server(plain(bomb, "200 OK", "Content-Encoding: gzip")) as server:
        done = isolated.python(BOMBED, server.url)
    assert done.stdout.endswith("answered with more than 1,000,000 bytes\n"), done.stderr


@pytest.mark.timeout(60)
@pytest.mark.parametrize("flood", [b"X-A: b\r\n", b"a" * 1_000])
def test_endless_headers_are_cut_off(flood: bytes) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n")
        exchange.flood(flood)

    assert failure(answer).retryable


# Wrong answers


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda exchange: None, id="closed without a word"),
        pytest.param(lambda exchange: exchange.reset(), id="reset"),
        pytest.param(lambda exchange: exchange.send(b"nonsense\r\n\r\n"), id="no HTTP"),
        pytest.param(lambda exchange: exchange.send(b"HTTP/1.1 abc OK\r\n\r\n"), id="status"),
        pytest.param(
            lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            id="cut off",
        ),
        pytest.param(
            lambda exchange: exchange.send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            ),
            id="broken chunk",
        ),
        pytest.param(plain(b"no gzip", "200 OK", "Content-Encoding: gzip"), id="no gzip"),
    ],
)
def test_a_broken_answer_is_one_line_and_may_be_tried_again(answer: Answer) -> None:
    error = failure(answer)
    assert error.retryable
    assert "\n" not in error.message
    assert not re.search(r"\('|\)\)", error.message), "an exception inside an exception"


def test_nobody_there_is_one_line_and_may_be_tried_again() -> None:
    with Server(plain()) as server:
        url = server.url
    with pytest.raises(OutsideError) as caught:
        send(url)
    assert caught.value.message == f"{url} cannot be reached: Connection refused"
    assert caught.value.retryable


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "//127.0.0.1/",
        "http://",
        "http:///path",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
        "http://host name/",
        "http://\x00/",
        "http://" + "a" * 64 + ".invalid/",
        "http://a..invalid/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://127.0.0.1:6379/_FLUSHALL",
    ],
)
def test_what_is_no_web_address_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        send(url)
    assert not caught.value.retryable


# Redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temp", "308 Perm"])
def test_a_redirect_is_an_answer_and_not_followed(status: str) -> None:
    with (
        Server(plain(b"inside")) as inside,
        Server(plain(b"", status, f"Location: {inside.url}")) as server,
    ):
        response = send(server.url)
    assert response.status == int(status[:3])
    assert inside.connections == 0
    with pytest.raises(OutsideError) as caught:
        require_success(server.url, response)
    assert not caught.value.retryable


# What a status means


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_success(status: int) -> None:
    require_success("http://x/", Response(status, {}, b""))


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *((final, False) for final in (300, 301, 304, 399, 400, 401, 403, 404, 405, 410, 422)),
        *((again, True) for again in (408, 409, 425, 429, 500, 502, 503, 504, 599)),
    ],
)
def test_another_status_is_final_or_may_pass(status: int, retryable: bool) -> None:
    with pytest.raises(OutsideError, match=rf"^http://x/ answered {status}$") as caught:
        require_success("http://x/", Response(status, {}, b""))
    assert caught.value.retryable is retryable


# Addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.2",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "2130706433",
        "017700000001",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "user:password@127.0.0.1",
        "public.example@127.0.0.1",
    ],
)
def test_however_it_is_written_this_machine_is_refused(host: str) -> None:
    with Server(plain(b"secret"), host="0.0.0.0") as server:
        with pytest.raises(Refused, match="is not a public address") as caught:
            send(f"http://{host}:{server.port}/", allow_private=False)
        assert server.requests == []
    assert not caught.value.retryable
    assert "allow_private" in caught.value.hint


@pytest.mark.parametrize("host", ["::1", "::"])
def test_this_machine_is_refused_over_ipv6(host: str) -> None:
    with Server(plain(b"secret"), host="::1") as server:
        with pytest.raises(Refused, match="::1, which is not a public address"):
            send(f"http://[{host}]:{server.port}/", allow_private=False)
        assert server.requests == []


def test_a_private_address_may_be_allowed() -> None:
    with Server(plain(b"meant")) as server:
        assert send(server.url, allow_private=True).body == b"meant"


ELSEWHERE = """
import json, sys
from opskit.core.errors import OpskitError
from opskit.outside.http import post
from tests.outside.servers import Server, plain

for host in sys.argv[1:]:
    with Server(plain(b"answer"), host=host) as server:
        try:
            said = post(server.url, b"secret", {}, seconds=20).body.decode()
        except OpskitError as error:
            said = type(error).__name__
        print(json.dumps([host, said, len(server.requests)]))
"""
PRIVATE = (
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "fd00::1",
    # The same addresses, reached through a translator.
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a00:1",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2002:a00:1::1",
)
PUBLIC = ("8.8.8.8", "2606:4700:4700::1111")


def test_only_a_public_address_hears_anything() -> None:
    """In a network of its own, this machine has all these addresses; nothing leaves it."""
    hosts = (*PRIVATE, *PUBLIC)
    prefixed = tuple(f"{host}/128 nodad" if ":" in host else f"{host}/32" for host in hosts)
    done = isolated.with_network(prefixed, ELSEWHERE, *hosts)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [
        *([host, "Refused", 0] for host in PRIVATE),
        *([host, "answer", 1] for host in PUBLIC),
    ], done.stderr


# Certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate for 127.0.0.1 that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_nobody_vouches_for_is_not_trusted(tls: ssl.SSLContext) -> None:
    with Server(plain(), tls=tls) as server:
        with pytest.raises(OutsideError, match="certificate"):
            send(server.url)
        assert server.requests == []


def test_over_https_this_machine_is_refused_as_well(tls: ssl.SSLContext) -> None:
    with Server(plain(), tls=tls) as server:
        with pytest.raises(Refused):
            send(server.url, allow_private=False)
        assert server.requests == []


def test_a_server_that_does_not_speak_tls_is_one_line() -> None:
    with Server(plain()) as server, pytest.raises(OpskitError) as caught:
        send(server.url.replace("http:", "https:"), seconds=PATIENCE)
    assert "\n" not in caught.value.message


TRUSTING = """
import sys
from opskit.core.errors import OpskitError
from opskit.outside.http import post
try:
    print(post(sys.argv[1], b"{}", {}, seconds=2, allow_private=True).body.decode())
except OpskitError as error:
    print(error.message)
"""


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(plain(b"welcome"), "welcome", id="trusted"),
        pytest.param(
            lambda exchange: exchange.drip(b"H"), "{} did not answer within 2 s", id="status"
        ),
        pytest.param(
            lambda exchange: (exchange.send(b"HTTP/1.1 200 OK\r\nX-A: "), exchange.drip(b"a")),
            "{} did not answer within 2 s",
            id="header",
        ),
        pytest.param(
            lambda exchange: (exchange.send(b"HTTP/1.1 200 OK\r\n\r\n"), exchange.drip(b"x")),
            "{} did not answer within 2 s",
            id="body",
        ),
    ],
)
def test_over_https_a_dripping_answer_is_cut_off_as_well(
    tls: ssl.SSLContext, certificate: Path, answer: Answer, said: str
) -> None:
    with Server(answer, tls=tls) as server:
        trusted = Path(certifi.where())
        done = isolated.with_file(trusted, certificate, TRUSTING, server.url)
        assert done.stdout == said.format(server.url) + "\n", done.stderr


def test_what_is_asked_for_comes_back() -> None:
    with Server(plain(b"{}", "200 OK")) as server:
        response = get(f"{server.url}x", {"accept": "a/b"}, seconds=20.0, allow_private=True)
    assert (response.status, response.body) == (200, b"{}")
    (request,) = server.requests
    assert request.startswith(b"GET /x HTTP/1.1\r\n")
    assert header(request, b"accept") == b"a/b"


def test_what_is_asked_for_is_not_asked_of_an_address_inside() -> None:
    with Server(plain(b"{}")) as server, pytest.raises(Refused):
        get(server.url, {}, seconds=20.0)
    assert server.requests == []
