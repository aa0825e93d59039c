"""The process: it looks, stands by, takes over, reloads, ends; real processes on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from opskit.core.errors import ExitCode
from tests.monitor.live import rows, soon
from tests.monitor.servers import Server, page, self_signed, silence
from tests.outside import databases
from tests.rig.postgres import Postgres
from tests.serve.live import Serving, bearer, lay_out, probe_of, secret, service


@pytest.fixture
def target() -> Iterator[Server]:
    with Server(page()) as server:
        yield server


@pytest.fixture
def root(tmp_path: Path, target: Server) -> Path:
    return lay_out(tmp_path / "ops", {"shop": service(probe_of(target.address))})


def test_it_looks_and_says_what_it_saw(root: Path, target: Server) -> None:
    with Serving(root) as serving:
        serving.ready()
        serving.says("seen target=shop/tcp seen=up")
        target.stop()
        serving.says("seen target=shop/tcp seen=down")
        soon(lambda: serving.state_of("shop") == "down", "shop is down")


def test_sigterm_writes_and_seals_what_was_seen_and_ends_well(root: Path) -> None:
    with Serving(root) as serving:
        serving.says("seen=up")
        assert serving.end(signal.SIGTERM) == ExitCode.OK
    (last,) = rows(root, "SELECT MAX(last_at) FROM monitor_series")[0]
    (sealed,) = rows(root, "SELECT sealed_until FROM monitor_state")[0]
    assert isinstance(sealed, int)
    assert isinstance(last, int)
    assert sealed >= last
    assert rows(root, "SELECT COUNT(*) FROM ledger WHERE kind = 'observations.sealed'") == [(1,)]
    assert rows(root, "SELECT expires_at FROM leases WHERE resource = 'serve'") == [(0,)]


def test_sigint_ends_as_everywhere(root: Path) -> None:
    with Serving(root) as serving:
        serving.says("seen=up")
        assert serving.end(signal.SIGINT) == ExitCode.INTERRUPTED


def test_a_second_one_stands_by_and_takes_over_when_the_first_is_killed(root: Path) -> None:
    with Serving(root) as first, Serving(root) as second:
        soon(lambda: any("standby" in line for line in (*first.lines, *second.lines)), "a standby")
        leads, waits = (
            (second, first) if any("standby" in line for line in first.lines) else (first, second)
        )
        leads.says("seen=up")
        assert not any("leading" in line or "seen " in line for line in waits.lines)
        leads.end(signal.SIGKILL)
        waits.says("leading")
        waits.says("seen=up")
        waits.ready()


def test_a_leader_that_goes_takes_the_lead_with_it_at_once(root: Path) -> None:
    with Serving(root) as first:
        first.says("seen=up")
        with Serving(root) as second:
            second.says("standby")
            assert first.end(signal.SIGTERM) == ExitCode.OK
            second.says("seen=up")
            assert second.end(signal.SIGTERM) == ExitCode.OK


def test_a_leader_that_was_paused_and_replaced_writes_nothing_more(
    root: Path, target: Server
) -> None:
    with Serving(root) as first:
        first.says("seen=up")
        with Serving(root) as second:
            second.says("standby")
            first.send(signal.SIGSTOP)
            second.says("leading")
            second.says("seen=up")
            target.stop()
            down = 'SELECT 1 FROM ledger WHERE data LIKE \'%"to":"down"%\''
            soon(lambda: bool(rows(root, down)), "the second wrote that it is down")
            # Now only the first could write, with whatever it had in hand when it was paused.
            second.send(signal.SIGSTOP)
            before = _all_that_was_seen(root)
            first.send(signal.SIGCONT)
            first.says("lead.lost")
            first.says("standby again=True")
            assert _all_that_was_seen(root) == before
            second.send(signal.SIGCONT)


def _all_that_was_seen(root: Path) -> list[list[tuple[object, ...]]]:
    tables = ("ledger", "monitor_series", "monitor_spells", "monitor_state")
    return [rows(root, f"SELECT * FROM {table}") for table in tables]


def test_sighup_takes_a_new_catalogue(root: Path, target: Server) -> None:
    with Serving(root) as serving:
        serving.says("seen target=shop/tcp seen=up")
        catalogue = {name: service(probe_of(target.address)) for name in ("shop", "wiki")}
        (root / "services.yaml").write_text(json.dumps({"services": catalogue}))
        serving.send(signal.SIGHUP)
        serving.says("reloaded")
        serving.says("seen target=wiki/tcp seen=up")
        assert b"opskit_config_last_reload_successful 1" in serving.ask("/metrics").body


MISTAKES = (
    ("services.yaml", "services: {shop: {owner: web, probs: []}}", "services.yaml:1"),
    ("services.yaml", "services: [", "services.yaml"),
    ("opskit.yaml", "serve: {lissten: here}", "opskit.yaml:1"),
    ("opskit.yaml", "serve: {listen: '0.0.0.0:0'}", "serve.token_file"),
    ("opskit.yaml", "serve: {blackbox: none.yml}", "none.yml"),
    ("opskit.yaml", "database: other.db", "database"),
    ("opskit.yaml", "webhook: {url: 'http://x', secret_file: gone}", "gone"),
)


def test_sighup_keeps_the_old_settings_on_any_mistake_and_says_why(root: Path) -> None:
    with Serving(root) as serving:
        serving.ready()
        for number, (file, text, why) in enumerate(MISTAKES, 1):
            good = (root / file).read_text()
            (root / file).write_text(text)
            serving.send(signal.SIGHUP)
            serving.says("reload.failed", times=number)
            last = [line for line in serving.lines if "reload.failed" in line][-1]
            assert why in last
            (root / file).write_text(good)
        assert "opskit_config_last_reload_successful 0" in serving.ask("/metrics").body.decode()
        assert serving.ask("/-/ready").status == 200
        soon(lambda: serving.state_of("shop") == "up", "it still looks")
        serving.send(signal.SIGHUP)
        serving.says("reloaded")


def tell(root: Path, receiver: Server) -> None:
    """Have the repository tell a receiver of what flips."""
    secret(root / "hook.secret")
    settings = json.loads((root / "opskit.yaml").read_text())
    url = f"http://{receiver.address}/"
    settings["webhook"] = {"url": url, "secret_file": "hook.secret", "allow_private": True}
    (root / "opskit.yaml").write_text(json.dumps(settings))


def test_a_receiver_that_hangs_blinds_nothing(root: Path, target: Server) -> None:
    with Server(silence) as receiver:
        tell(root, receiver)
        with Serving(root) as serving:
            serving.says("seen=up")
            target.stop()
            serving.says("seen=down")
            target.start()
            serving.says("seen=up", times=2)
            soon(lambda: serving.state_of("shop") == "up", "shop is up again")
            assert serving.end(signal.SIGTERM) == ExitCode.OK
    assert rows(root, "SELECT DISTINCT state FROM outbox") == [("owed",)]


def test_what_is_owed_is_delivered(root: Path, target: Server) -> None:
    with Server(page("", "204 No Content")) as receiver:
        tell(root, receiver)
        with Serving(root) as serving:
            serving.says("seen=up")
            target.stop()
            serving.says("delivered sent=1")


def test_a_due_command_runs_and_one_that_was_missed_runs_once(root: Path) -> None:
    settings = json.loads((root / "opskit.yaml").read_text())
    command = "monitor maintenance open shop --for 1h --reason weekly"
    schedule = [{"cron": "0 0 1 1 *", "command": command}]
    (root / "opskit.yaml").write_text(json.dumps({**settings, "schedule": schedule}))
    with Serving(root) as serving:
        serving.says("seen=up")
        soon(lambda: bool(rows(root, "SELECT 1 FROM schedule_ticks")), "the schedule is known")
        assert serving.end(signal.SIGTERM) == ExitCode.OK
    _write(root, "UPDATE schedule_ticks SET due_at = 1000000")  # down since 1970
    with Serving(root) as serving:
        serving.says(f'job.finished command="{command}" status=0')
        serving.says("job.said")
        assert serving.end(signal.SIGTERM) == ExitCode.OK
    kinds = rows(root, "SELECT kind, COUNT(*) FROM ledger WHERE kind LIKE 'job.%' GROUP BY kind")
    assert kinds == [("job.finished", 1), ("job.started", 1)]
    (by,) = rows(root, "SELECT actor FROM ledger WHERE kind = 'maintenance.opened'")[0]
    assert str(by).startswith("schedule:")


def _write(root: Path, statement: str) -> None:
    import sqlite3

    with sqlite3.connect(root / ".opskit" / "opskit.db") as connection:
        connection.execute(statement)


class Manager:
    """Listens where a manager of services would; `said` is what it was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while told := self._socket.recv(4_096):
            self.said.extend(told.decode().splitlines())

    def hears(self, word: str, times: int = 1) -> None:
        soon(lambda: self.said.count(word) >= times, f"{word} in {self.said}")


def test_the_manager_of_services_is_told(root: Path) -> None:
    manager = Manager(root / "notify")
    with Serving(root, NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="2000000") as serving:
        manager.hears("READY=1")
        manager.hears("WATCHDOG=1", times=2)
        serving.send(signal.SIGHUP)
        manager.hears("RELOADING=1")
        manager.hears("READY=1", times=2)
        assert any(line.startswith("MONOTONIC_USEC=") for line in manager.said)
        serving.end(signal.SIGTERM)
        manager.hears("STOPPING=1")


def test_others_are_not_served_without_a_token_and_tls(root: Path) -> None:
    with Serving(root, "--listen", "0.0.0.0:0") as serving:
        assert serving.ended() == ExitCode.USAGE
    said = "\n".join(serving.lines)
    assert "serve.token_file, serve.certificate, serve.key" in said
    assert "next:" in said


def test_with_a_token_and_tls_others_are_served(root: Path) -> None:
    secret(root / "token")
    self_signed(root)
    (root / "server.pem").chmod(0o600)
    serve = {
        "listen": "0.0.0.0:0",
        "token_file": "token",
        "certificate": "server.pem",
        "key": "server.pem",
        "hosts": ["127.0.0.1"],
    }
    (root / "opskit.yaml").write_text(json.dumps({"serve": serve}))
    with Serving(root) as serving:
        serving.tls = ssl.create_default_context()
        serving.tls.check_hostname = False
        serving.tls.verify_mode = ssl.CERT_NONE
        serving.ready()
        assert serving.ask("/metrics").status == 401
        assert serving.ask("/metrics", Authorization=bearer()).status == 200
        before = _certificate(serving)
        self_signed(root)  # renewed
        (root / "server.pem").chmod(0o600)
        serving.send(signal.SIGHUP)
        serving.says("reloaded")
        assert _certificate(serving) != before
        with serving.raw() as raw:  # in the clear nothing is answered
            raw.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b"HTTP/1.1" not in raw.recv(1_000)


def _certificate(serving: Serving) -> str:
    return ssl.get_server_certificate(("127.0.0.1", serving.port))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_token_that_others_can_read_is_none(root: Path, mode: int) -> None:
    secret(root / "token").chmod(mode)
    settings = {"serve": {"listen": "127.0.0.1:0", "token_file": "token"}}
    (root / "opskit.yaml").write_text(json.dumps(settings))
    with Serving(root) as serving:
        assert serving.ended() == ExitCode.USAGE
    assert "can be read by others" in "\n".join(serving.lines)
    assert "chmod 600" in "\n".join(serving.lines)


def test_an_address_in_use_is_said_at_once(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Serving(root, "--listen", f"127.0.0.1:{port}") as serving:
            assert serving.ended() == ExitCode.USAGE
    assert f"cannot listen on 127.0.0.1:{port}" in "\n".join(serving.lines)


def test_the_log_is_json_where_asked_for(root: Path) -> None:
    with Serving(root, "--log-format", "json") as serving:
        serving.says('"event": "seen"')
        assert serving.end(signal.SIGTERM) == ExitCode.OK
    events = [json.loads(line) for line in serving.lines]
    assert {"leading", "listening", "seen", "stopping"} <= {one["event"] for one in events}


@pytest.fixture
def prometheus(tmp_path: Path) -> Path:
    return tmp_path / "prometheus"


def test_prometheus_scrapes_metrics_and_probes(
    root: Path, target: Server, prometheus: Path
) -> None:
    with Serving(root) as serving, socket.create_server(("127.0.0.1", 0)) as free:
        serving.ready()
        mine, its = serving.port, free.getsockname()[1]
        free.close()
        prometheus.mkdir()
        relabel = [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"target_label": "__address__", "replacement": f"127.0.0.1:{mine}"},
        ]
        jobs = [
            {"job_name": "opskit", "static_configs": [{"targets": [f"127.0.0.1:{mine}"]}]},
            {
                "job_name": "probe",
                "metrics_path": "/probe",
                "params": {"module": ["tcp_connect"]},
                "http_sd_configs": [{"url": f"http://127.0.0.1:{mine}/sd/http?source=catalogue"}],
                "relabel_configs": relabel,
            },
        ]
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
        (prometheus / "prometheus.yml").write_text(json.dumps(config))
        with subprocess.Popen(
            [
                "/usr/bin/prometheus",
                f"--config.file={prometheus}/prometheus.yml",
                f"--storage.tsdb.path={prometheus}/data",
                f"--web.listen-address=127.0.0.1:{its}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                soon(lambda: _up(its) == {"opskit": "1", "probe": "1"}, "both are scraped")
                assert _query(its, "probe_success")["probe"] == "1"
                assert float(_query(its, "opskit_ledger_entries_total")["opskit"]) >= 1
            finally:
                process.kill()


def _up(port: int) -> dict[str, str]:
    return _query(port, "up")


def _query(port: int, query: str) -> dict[str, str]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", f"/api/v1/query?query={query}")
        found = json.loads(connection.getresponse().read())["data"]["result"]
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    return {one["metric"]["job"]: one["value"][1] for one in found}


def test_the_metrics_page_is_by_the_book(root: Path, target: Server) -> None:
    with Serving(root) as serving:
        serving.ready()
        for path in ("/metrics", f"/probe?module=tcp_connect&target={target.address}"):
            reply = serving.ask(path)
            assert reply.status == 200
            done = subprocess.run(
                ["/usr/bin/promtool", "check", "metrics"],
                input=reply.body,
                capture_output=True,
                check=False,
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), path


def test_the_unit_is_as_hard_as_it_should_be(root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opskit", "serve", "--print-unit"],
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    unit = tmp_path / "opskit.service"
    unit.write_text(done.stdout)
    if not Path("/usr/bin/systemd-analyze").exists():
        # A machine without systemd runs no units, and nothing else can rate one.
        assert "CI" not in os.environ, "apt-get install systemd"
        pytest.skip("systemd-analyze is not here")
    rated = subprocess.run(
        ["/usr/bin/systemd-analyze", "security", "--offline=yes", "--threshold=25", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout + rated.stderr
    checked = subprocess.run(
        ["/usr/bin/systemd-analyze", "verify", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def command(root: Path, *arguments: str, ends: tuple[ExitCode, ...] = (ExitCode.OK,)) -> str:
    """Return what a command prints that ends in one of these ways."""
    argv = [sys.executable, "-m", "opskit", *arguments]
    environment = {**os.environ, "HOME": str(root)}
    done = subprocess.run(
        argv, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in ends, done.stderr
    return done.stdout


def test_postgresql_holds_what_is_seen_and_sealed(root: Path, postgres: Postgres) -> None:
    name = databases.create(postgres)
    place = sa.make_url(postgres.socket_url).set(database=name)
    settings = json.loads((root / "opskit.yaml").read_text())
    settings["database"] = place.render_as_string(hide_password=False)
    (root / "opskit.yaml").write_text(json.dumps(settings))
    with Serving(root) as serving:
        serving.ready()
        serving.says("seen target=shop/tcp seen=up")
        assert b"opskit_service_state{" in serving.ask("/metrics").body
        assert serving.end(signal.SIGTERM) == ExitCode.OK
    assert "entries hold" in command(root, "ledger", "verify")
    # Nobody looks any more: from when on that is too much unknown time is not asked here.
    either = (ExitCode.OK, ExitCode.UNDETERMINED)
    explain = ("monitor", "explain", "shop", "--last", "1h", "--json")
    told = json.loads(command(root, *explain, ends=either))
    assert "up" in {one["state"] for one in told["intervals"]}
    databases.drop(postgres, name)
