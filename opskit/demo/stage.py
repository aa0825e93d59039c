"""The stage: one directory with an ops repository, three hosts, three services on loopback.

The hosts are directories that Ansible's local connection works in; the services are processes.
Nothing outside the directory is touched, and no process outlives the demo.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from opskit.core.errors import OutsideError
from opskit.demo import grants
from opskit.outside.files import content_root, translated

HOSTS = ("web1", "web2", "db1")
SERVICES = ("shop", "api", "database")
_START_SECONDS = 15.0


@dataclass
class Service:
    """A small server on loopback that can be stopped and started again."""

    name: str
    port: int
    directory: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        site = self.directory / "services" / self.name
        site.mkdir(parents=True, exist_ok=True)
        (site / "index.html").write_text(f"{self.name} is here\n", encoding="utf-8")
        argv = [sys.executable, "-m", "http.server", str(self.port), "--bind", "127.0.0.1"]
        self.process = subprocess.Popen(  # our own interpreter
            argv,
            cwd=site,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise OutsideError(
            f"the demo's {self.name} did not start on port {self.port}", hint="opskit doctor"
        )

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@dataclass
class Stage:
    """The demo's directory and what runs in it."""

    directory: Path
    services: dict[str, Service] = field(default_factory=dict)

    def opskit(self, *arguments: str, **popen: object) -> subprocess.Popen[bytes]:
        """Start an opskit command here, as a user would."""
        argv = [sys.executable, "-m", "opskit", *arguments]
        own = environment(self)
        return subprocess.Popen(argv, cwd=self.directory, env=own, **popen)  # type: ignore[call-overload,no-any-return]

    def host_file(self, host: str, name: str) -> Path:
        """Return a file of a demo host."""
        return self.directory / "hosts" / host / name


def environment(stage: Stage) -> Mapping[str, str]:
    """Return the caller's environment without settings that would lead opskit elsewhere.

    On its own hosts Ansible works within the stage as well; somebody's own hosts are reached as
    they always are.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPSKIT_")}
    return kept | ({"ANSIBLE_HOME": str(stage.directory / "ansible")} if stage.services else {})


def build(directory: Path) -> Stage:
    """Lay the stage out: files only, nothing runs yet."""
    with translated(directory):
        (directory / "playbooks").mkdir(parents=True)
        (directory / "inventory").mkdir()
        for host in HOSTS:
            (directory / "hosts" / host).mkdir(parents=True)
        shutil.copyfile(
            content_root() / "playbooks" / "demo.yml", directory / "playbooks" / "demo.yml"
        )
        services = {
            name: Service(name, port, directory)
            for name, port in zip(SERVICES, _free_ports(), strict=True)
        }
        _write(
            directory / "opskit.yaml",
            "standard: playbooks/demo.yml\ninventory: [inventory/hosts.ini]\n",
        )
        _write(directory / "inventory" / "hosts.ini", _inventory(directory))
        _write(directory / "services.yaml", _catalogue(services))
        grants.lay_out(directory)
    return Stage(directory, services)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _free_ports() -> list[int]:
    sockets = [socket.socket() for _ in SERVICES]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _inventory(directory: Path) -> str:
    hosts = "".join(f"{host} opskit_root={directory}/hosts/{host}\n" for host in HOSTS)
    return (
        f"[demo]\n{hosts}\n[demo:vars]\nansible_connection=local\n"
        f"ansible_remote_tmp={directory}/ansible/tmp\n"
        "ansible_python_interpreter={{ ansible_playbook_python }}\n"
    )


_PROBE = """      - kind: {kind}
        {where}
        interval: 1s
        timeout: 1s
        confirm_after: 500ms
"""


def _catalogue(services: Mapping[str, Service]) -> str:
    parts = ["services:\n"]
    for name, service in services.items():
        address = f"127.0.0.1:{service.port}"
        http = name != "database"
        where = (
            f"url: http://{address}/\n        contains: {name} is here"
            if http
            else f"address: {address}"
        )
        parts.append(
            f"  {name}:\n    owner: {'web' if http else 'data'}\n"
            f"    kind: {'customer-facing' if http else 'internal'}\n"
            f"    objective:\n      availability: {'99%' if http else '99.5%'}\n    probes:\n"
            + _PROBE.format(kind="http" if http else "tcp", where=where)
        )
    return "".join(parts)


@contextmanager
def running(stage: Stage) -> Iterator[None]:
    """Start the services and the prober; end them whatever happens."""
    prober = None
    try:
        for service in stage.services.values():
            service.start()
        with (stage.directory / "probe.log").open("wb") as log:
            prober = stage.opskit(
                "monitor", "probe", "--loop", stdout=log, stderr=log, start_new_session=True
            )
        yield
    finally:
        if prober is not None:
            prober.terminate()
            prober.wait(20)
        for service in stage.services.values():
            service.stop()
