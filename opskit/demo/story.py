"""The story: drift by hand, convergence, an outage, a grant, and the report of just that."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from opskit.core.clock import SystemClock, iso
from opskit.core.errors import ExitCode, WorkFailed, worst
from opskit.demo.stage import HOSTS, Stage, build, running
from opskit.outside.files import content_root

Say = Callable[[str], None]

_FLIP_SECONDS = 30.0
_POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Teller:
    """Says what happens and runs the commands of the story."""

    stage: Stage
    say: Say

    def chapter(self, text: str) -> None:
        """Say what comes next."""
        self.say(f"\n=== {text}")

    def run(self, *arguments: str, expect: tuple[ExitCode, ...] = (ExitCode.OK,)) -> ExitCode:
        """Run an opskit command as the user would type it; return how it ended.

        Raises:
            WorkFailed: it ended in another way than the story has it.
        """
        self.say(f"$ opskit {shlex.join(arguments)}")
        code = ExitCode(self._wait(self.stage.opskit(*arguments)))
        if code not in expect:
            wanted = " or ".join(str(int(one)) for one in expect)
            raise WorkFailed(
                f"'opskit {shlex.join(arguments)}' ended with {int(code)}, not with {wanted}",
                hint=f"look into {self.stage.directory}; opskit doctor may tell why",
            )
        return code

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait()
        except BaseException:
            # On a terminal Ctrl-C reached it as well; let it stop its Ansible in good order.
            process.terminate()
            process.wait(60)
            raise

    def state_of(self, service: str) -> str:
        """Return what `monitor status` says of a service now."""
        process = self.stage.opskit("monitor", "status", "--json", stdout=subprocess.PIPE)
        out, _ = process.communicate(timeout=60)
        targets = json.loads(out)["targets"]
        return next(str(one["state"]) for one in targets if one["service"] == service)

    def await_state(self, service: str, wanted: str) -> None:
        """Wait until the prober has seen a change of state."""
        self.say(f"waiting until the prober has seen {service} {wanted} ...")
        deadline = time.monotonic() + _FLIP_SECONDS
        while self.state_of(service) != wanted:
            if time.monotonic() > deadline:
                raise WorkFailed(
                    f"{service} did not become {wanted}",
                    hint=f"see {self.stage.directory}/probe.log",
                )
            time.sleep(_POLL_SECONDS)


def tell(directory: Path, say: Say) -> Path:
    """Play the whole loop in `directory`; return the report's path."""
    stage = build(directory)
    teller = Teller(stage, say)
    start = iso(SystemClock().now())
    say(f"everything happens in {directory}, which is kept")
    with running(stage):
        _fleet(teller)
        _outage(teller)
        _repair(teller)
        _access(teller)
        # Both are asked about the same time, of which the prober saw all.
        whole = ("--from", start, "--to", iso(SystemClock().now()))
    return _report(teller, whole)


def _fleet(teller: Teller) -> None:
    teller.chapter(
        f"Three services run and are probed each second; bring {len(HOSTS)} hosts to the standard"
    )
    teller.run("fleet", "apply", "--yes", "-o", "json", "--output-file", "first-apply.json")
    teller.chapter("Somebody changes web2 by hand, past every process")
    config = next(teller.stage.host_file("web2", "etc/ssh").rglob("*.conf"))
    with config.open("a", encoding="utf-8") as stream:
        stream.write("PermitRootLogin yes\n")
    teller.say(f'echo "PermitRootLogin yes" >> {config.relative_to(teller.stage.directory)}')
    teller.run("fleet", "check", expect=(ExitCode.FINDINGS,))


def _outage(teller: Teller) -> None:
    teller.chapter("The shop goes down")
    teller.stage.services["shop"].stop()
    teller.await_state("shop", "down")
    teller.run("monitor", "status", expect=(ExitCode.FINDINGS,))


def _repair(teller: Teller) -> None:
    teller.chapter("web2 is put right; what counts is the second look")
    teller.run("fleet", "apply", "--yes")
    teller.chapter("The shop is started again")
    teller.stage.services["shop"].start()
    teller.await_state("shop", "up")
    teller.run("monitor", "status")


def _access(teller: Teller) -> None:
    tree, wish = "hosts/web1", ("release", "systemctl", "restart", "nginx")
    may = ("access", "may", *wish, "--tree", tree)
    ask = ("access", "request", "--who", "release", "--reason", "release 42")
    teller.chapter("Access: who is root on web1 that should not be")
    rules = ("--rule", "SUDO-ALL-NOPASSWD", "--rule", "ACC-ORPHAN")
    teller.run("access", "lint", tree, *rules, expect=(ExitCode.FINDINGS,))
    teller.chapter("Everything as root is asked for; nobody says yes to themselves")
    teller.run(*ask, "web-admin", "--for", "1h")
    teller.run("access", "approve", "r1", "--yes", expect=(ExitCode.REFUSED,))
    teller.chapter("One command for an hour is little: a rule says yes")
    teller.run(*may, expect=(ExitCode.FINDINGS,))
    teller.run(*ask, "nginx-restart", "--for", "1h")
    teller.run("access", "list")
    teller.run(*may)
    teller.chapter("It is taken away before its end, and seen gone")
    teller.run("access", "revoke", "g1", "--reason", "released", "--yes")
    teller.run(*may, expect=(ExitCode.FINDINGS,))


def _report(teller: Teller, whole: tuple[str, ...]) -> Path:
    teller.chapter("What this was, in figures that can be recomputed")
    # Where the machine is so slow that probes came late, "could not say" is the true answer.
    uptime = (ExitCode.OK, ExitCode.FINDINGS, ExitCode.UNDETERMINED)
    teller.run("monitor", "uptime", *whole, expect=uptime)
    teller.run("ledger", "verify")
    teller.run("report", "build", *whole, "--output-file", "report.html")
    return teller.stage.directory / "report.html"


def look(
    directory: Path, inventory: Path, services: Path, playbook: Path | None, say: Say
) -> ExitCode:
    """Look at somebody's own hosts and services, changing nothing; report in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    standard = playbook or content_root() / "playbooks" / "baseline.yml"
    settings = {"standard": str(standard), "inventory": [str(inventory)], "services": str(services)}
    (directory / "opskit.yaml").write_text(json.dumps(settings) + "\n", encoding="utf-8")
    teller = Teller(Stage(directory), say)
    start = iso(SystemClock().now())
    seen = tuple(ExitCode)
    teller.chapter("Your hosts against the standard; nothing is changed")
    codes = [teller.run("fleet", "check", expect=seen)]
    teller.chapter("Your services")
    codes.append(teller.run("monitor", "probe", expect=seen))
    teller.chapter("The report")
    teller.run("report", "build", "--from", start, "--output-file", "report.html")
    say(f"\nreport: {directory / 'report.html'}")
    return ExitCode.USAGE if ExitCode.USAGE in codes else worst(codes)
