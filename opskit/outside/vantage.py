"""The program that looks at something from another host: its text is sent to `python3 -` over ssh.

Standard library only, and no syntax newer than Python 3.8. It connects and reads; it writes
nothing. It prints one line: the mark it was given, and a JSON list of [seen, reason, took] in the
order it was asked; `seen` is "up" or "down", `took` in microseconds.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
import threading
import time
import urllib.parse

LARGEST = 1_000_000
CHUNK = 65_536


def main(mark: str, spec: str) -> None:
    """Print what was seen of each thing in SPEC, a JSON list of what to look at."""
    found = look_at_all(json.loads(spec))
    sys.stdout.write("\n" + mark + json.dumps(found) + "\n")
    sys.stdout.flush()
    # A look that hangs, in a name server or on a drip, must not keep this program.
    os._exit(0)


def look_at_all(errands: list[dict[str, object]]) -> list[list[object]]:
    """Look at everything side by side; what has not ended within its timeout is down."""
    found = [unanswered(one) for one in errands]
    began = time.monotonic()
    threads = [
        threading.Thread(target=note, args=(one, index, found), daemon=True)
        for index, one in enumerate(errands)
    ]
    for thread in threads:
        thread.start()
    for thread, one in zip(threads, errands):  # noqa: B905  # older than Python 3.10
        thread.join(max(0.0, began + float(str(one["timeout"])) - time.monotonic()))
    return list(found)


def unanswered(errand: dict[str, object]) -> list[object]:
    """Return what is said of a look that does not end."""
    seconds = float(str(errand["timeout"]))
    return ["down", "no answer within {:g} s".format(seconds), int(seconds * 1_000_000)]


def note(errand: dict[str, object], index: int, found: list[list[object]]) -> None:
    """Look at one thing and keep what was seen."""
    began = time.monotonic()
    try:
        reason = WAYS[str(errand["look"])](errand)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = told(error)
    took = int((time.monotonic() - began) * 1_000_000)
    found[index] = ["down" if reason else "up", reason, took]


def told(error: Exception) -> str:
    """Return what an error says, without numbers that differ from try to try."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate: " + str(error.verify_message)
    if isinstance(error, socket.timeout):
        return "timed out"
    return str(getattr(error, "strerror", "") or type(error).__name__)


def tcp(errand: dict[str, object]) -> str:
    """Open a connection."""
    address = (str(errand["host"]), int(str(errand["port"])))
    socket.create_connection(address, timeout=float(str(errand["timeout"]))).close()
    return ""


def page(errand: dict[str, object]) -> str:
    """Ask for a page; return what is wrong with the answer."""
    url = urllib.parse.urlsplit(str(errand["url"]))
    seconds = float(str(errand["timeout"]))
    host, port = url.hostname or "", url.port
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
    path = (url.path or "/") + ("?" + url.query if url.query else "")
    try:
        connection.request(str(errand["method"]), path, headers={"User-Agent": "opskit"})
        return judged(errand, connection.getresponse())
    finally:
        connection.close()


def judged(errand: dict[str, object], answer: http.client.HTTPResponse) -> str:
    """Return what is wrong with an answer."""
    wanted = errand["status"]
    if isinstance(wanted, list) and answer.status not in wanted:
        return "status {}, wanted {}".format(answer.status, ", ".join(map(str, wanted)))
    body = b""
    while len(body) < LARGEST:
        chunk = answer.read(min(CHUNK, LARGEST - len(body)))
        if not chunk:
            break
        body += chunk
    text = str(errand["contains"])
    return "" if text.encode() in body else repr(text) + " is not in the body"


WAYS = {"tcp": tcp, "http": page}
