"""`opskit metrics`: the page, to the terminal, to a file, to a Pushgateway."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside


class Pushgateway(HTTPServer):
    """Takes what is put to it; `status` is what it answers."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.taken: list[tuple[str, str, bytes]] = []


class _Take(BaseHTTPRequestHandler):
    server: Pushgateway

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, self.headers["Content-Type"], body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Pushgateway]:
    with Pushgateway() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_page_is_printed_also_where_there_is_no_catalogue(inside: Inside) -> None:
    done = inside("metrics")
    assert (done.code, done.err) == (ExitCode.OK, "")
    assert "opskit_records_up 1.0\n" in done.out
    assert "opskit_monitor_up" not in done.out


def test_what_cannot_be_read_is_told_and_the_rest_is_there(inside: Inside, ops: Path) -> None:
    (ops / "services.yaml").write_text("services: {shop: {}}\n")
    done = inside("metrics")
    assert done.code == ExitCode.UNDETERMINED
    assert "opskit_monitor_up 0.0\n" in done.out
    assert "opskit_fleet_up 1.0\n" in done.out
    assert "could not be read: monitor/now: " in done.err


def test_a_textfile_is_written_whole_for_others_to_read(inside: Inside, ops: Path) -> None:
    path = ops / "opskit.prom"
    done = inside("metrics", "--textfile", str(path))
    assert (done.code, done.out) == (ExitCode.OK, "")
    assert path.read_text().endswith("\n")
    assert path.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in ops.glob("*.prom*")] == ["opskit.prom"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--textfile", "opskit.txt"), ".prom"),
        (("--push", "http://127.0.0.1:1"), "--job"),
        (("--job", "ci"), "--push"),
        (("--push", "http://127.0.0.1:1", "--job", ""), "name"),
        (("--push", "http://127.0.0.1:1", "--job", "ci", "--textfile", "a.prom"), "one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(inside: Inside, words: tuple[str, ...], said: str) -> None:
    done = inside("metrics", *words)
    assert done.code == ExitCode.USAGE
    assert said in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("job", "path"),
    [("fleet check", "/metrics/job/fleet%20check"), ("a/b", "/metrics/job@base64/YS9i")],
)
def test_a_page_is_put_to_a_pushgateway(
    inside: Inside, gateway: Pushgateway, job: str, path: str
) -> None:
    url = f"http://127.0.0.1:{gateway.server_address[1]}/"
    done = inside("metrics", "--push", url, "--job", job)
    assert done.code == ExitCode.OK
    ((taken, kind, body),) = gateway.taken
    assert taken == path
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"opskit_build_info{" in body


def test_a_pushgateway_that_does_not_take_it_is_a_failure(
    inside: Inside, gateway: Pushgateway
) -> None:
    gateway.status = 400
    url = f"http://127.0.0.1:{gateway.server_address[1]}"
    done = inside("metrics", "--push", url, "--job", "ci")
    assert done.code != ExitCode.OK
    assert "answered 400" in done.err
