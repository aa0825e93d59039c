"""A flip reaches its receiver: signed, and with one id however often it had to be sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.monitor.live import Loop, rows, soon
from tests.monitor.servers import Server, page
from tests.monitor.test_loop import FAST, watch

KEY = b"a secret of thirty-two bytes, no"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass
class Receiver:
    """Keeps what it is sent and answers as told; `held` keeps the answer back."""

    status: str = "204 No Content"
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    def __call__(self, connection: socket.socket, over: threading.Event) -> None:
        """Take one message."""
        text = b""
        while b"\r\n\r\n" not in text:
            text += connection.recv(65_536)
        head, _, body = text.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        while len(body) < int(headers["content-length"]):
            body += connection.recv(65_536)
        self.got.append((headers, body))
        self.held.wait(20)
        connection.sendall(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\n\r\n".encode())

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]

    @property
    def targets(self) -> list[str]:
        return [json.loads(body)["target"] for _, body in self.got]


@dataclass(frozen=True)
class Scene:
    """A shop that can go down, and the receiver who is to hear of it."""

    root: Path
    shop: Server
    server: Server
    receiver: Receiver


@pytest.fixture
def scene(ops: Path, inside: Inside) -> Iterator[Scene]:
    """Watch a shop that is up."""
    receiver = Receiver()
    receiver.held.set()
    with Server(page()) as shop, Server(receiver) as server:
        watch(ops, shop=shop.address)
        (ops / "secret").write_text(SECRET)
        (ops / "secret").chmod(0o600)
        with (ops / "opskit.yaml").open("a") as stream:
            stream.write(
                f"webhook:\n  url: http://{server.address}/hook\n"
                "  secret_file: secret\n  allow_private: true\n"
            )
        assert inside("monitor", "probe").code == ExitCode.OK
        yield Scene(ops, shop, server, receiver)


def outbox(scene: Scene) -> list[tuple[object, ...]]:
    return rows(scene.root, "SELECT key, state, attempts FROM outbox ORDER BY id")


def let_time_pass(scene: Scene) -> None:
    """Make what is owed due, as waiting would."""
    with sqlite3.connect(scene.root / ".opskit" / "opskit.db") as connection:
        connection.execute("UPDATE outbox SET due_at = 0 WHERE state = 'owed'")


def test_a_flip_is_delivered_signed(scene: Scene, inside: Inside) -> None:
    assert scene.receiver.got == []
    scene.shop.stop()
    assert inside("monitor", "probe").code == ExitCode.FINDINGS
    ((headers, body),) = scene.receiver.got
    message = json.loads(body)
    assert (message["type"], message["target"]) == ("target.flipped", "shop/http")
    assert (message["from"], message["to"]) == ("up", "down")
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
    # As standardwebhooks.com describes it, computed here by itself.
    signed = b".".join(
        (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    )
    digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert outbox(scene) == [(headers["webhook-id"], "sent", 1)]


def test_what_could_not_be_delivered_is_owed_and_comes_later_with_the_same_id(
    scene: Scene, inside: Inside
) -> None:
    scene.server.stop()
    scene.shop.stop()
    done = inside("monitor", "probe")
    assert done.code == ExitCode.FINDINGS
    assert "shop/http" in done.out
    ((key, state, attempts),) = outbox(scene)
    assert (state, attempts) == ("owed", 1)

    scene.server.start()
    assert inside("outbox", "deliver").err == "0 sent, 0 to be tried again, 0 given up\n"
    let_time_pass(scene)
    done = inside("outbox", "deliver")
    assert (done.code, done.err) == (ExitCode.OK, "1 sent, 0 to be tried again, 0 given up\n")
    assert scene.receiver.ids == [key]
    assert inside("outbox", "deliver").code == ExitCode.OK
    assert scene.receiver.ids == [key]


def test_a_receiver_that_fails_gets_it_again(scene: Scene, inside: Inside) -> None:
    scene.receiver.status = "503 Later"
    scene.shop.stop()
    inside("monitor", "probe")
    let_time_pass(scene)
    assert inside("outbox", "deliver").code == ExitCode.FAILED
    scene.receiver.status = "200 OK"
    let_time_pass(scene)
    assert inside("outbox", "deliver").code == ExitCode.OK
    assert len(scene.receiver.ids) == 3
    assert len(set(scene.receiver.ids)) == 1
    assert len({body for _, body in scene.receiver.got}) == 1


@pytest.mark.parametrize("status", ["410 Gone", "401 Unauthorized", "302 Found"])
def test_a_receiver_that_wants_none_is_not_asked_again(
    scene: Scene, inside: Inside, status: str
) -> None:
    scene.receiver.status = status
    scene.shop.stop()
    inside("monitor", "probe")
    ((_, state, attempts),) = outbox(scene)
    assert (state, attempts) == ("dead", 1)
    let_time_pass(scene)
    inside("outbox", "deliver")
    assert len(scene.receiver.got) == 1


def test_an_address_on_this_machine_is_refused_unless_it_was_meant(
    scene: Scene, inside: Inside
) -> None:
    settings = scene.root / "opskit.yaml"
    settings.write_text(settings.read_text().replace("allow_private: true", "allow_private: false"))
    scene.shop.stop()
    inside("monitor", "probe")
    assert scene.receiver.got == []
    ((error, state),) = rows(scene.root, "SELECT last_error, state FROM outbox")
    assert state == "dead"
    assert "127.0.0.1, which is not a public address" in str(error)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_secret_that_others_can_read_is_no_secret(
    scene: Scene, inside: Inside, mode: int
) -> None:
    (scene.root / "secret").chmod(mode)
    scene.shop.stop()
    # What is not sent does not hide what was seen.
    for words, code in ((("outbox", "deliver"), ExitCode.FAILED), (("monitor", "probe"), 1)):
        done = inside(*words)
        assert done.code == code
        assert "next: chmod 600" in done.err
    assert scene.receiver.got == []


def test_a_secret_that_is_not_there_is_named(scene: Scene, inside: Inside) -> None:
    (scene.root / "secret").unlink()
    done = inside("outbox", "deliver")
    assert done.code == ExitCode.FAILED
    assert "secret" in done.err


def test_without_a_channel_there_is_nothing_to_deliver_to(ops: Path, inside: Inside) -> None:
    done = inside("outbox", "deliver")
    assert done.code == ExitCode.USAGE
    assert "no channel is configured" in done.err


def test_a_receiver_that_hangs_does_not_blind_the_probes(scene: Scene, inside: Inside) -> None:
    with Server(page()) as mail:
        watch(scene.root, FAST, shop=scene.shop.address, mail=mail.address)
        scene.receiver.held.clear()
        with Loop(scene.root) as loop:
            loop.says("shop/http up")
            loop.says("mail/http up")
            scene.shop.stop()
            loop.says("shop/http down")
            soon(lambda: len(scene.receiver.got) == 1, "the message is with the receiver")
            mail.stop()
            loop.says("mail/http down")
            first = rows(scene.root, "SELECT state, last_error FROM outbox ORDER BY id LIMIT 1")
            assert first == [("owed", "")], "the first message is still on its way"
            scene.receiver.held.set()
            soon(lambda: "mail/http" in scene.receiver.targets, "the second message")
            loop.end(signal.SIGTERM)
    assert scene.receiver.targets[0] == "shop/http"
