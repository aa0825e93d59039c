"""What a page looks like and says in a real browser: headless Chromium, without network.

Run by root it has network and process namespaces of its own, so that nothing of it
gets out and nothing stays. Run by another user it only fails to resolve names.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.rig.command import ENVIRONMENT, RigError, is_root, missing, one_line

__all__ = ["available", "dump_dom", "print_pdf", "screenshot"]

_PATIENCE = 60.0
_ALONE = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def available() -> str | None:
    """Say in one line why this machine cannot show pages, or return None if it can."""
    return missing({"chromium": "chromium"})


def screenshot(html_path: Path, png_path: Path, width: int = 1280, height: int = 800) -> None:
    """Take a picture of the page in HTML_PATH, as seen in a window of this size."""
    png_path.unlink(missing_ok=True)
    picture = (f"--screenshot={png_path.resolve()}", f"--window-size={width},{height}")
    complaint = _browse(html_path, picture)[1]
    if not png_path.exists():
        raise RigError(f"Chromium took no picture: {one_line(complaint)}")


def print_pdf(html_path: Path, pdf_path: Path) -> None:
    """Print the page in HTML_PATH, without edges of the browser's own."""
    pdf_path.unlink(missing_ok=True)
    wanted = (f"--print-to-pdf={pdf_path.resolve()}", "--no-pdf-header-footer")
    complaint = _browse(html_path, wanted)[1]
    if not pdf_path.exists():
        raise RigError(f"Chromium printed nothing: {one_line(complaint)}")


def dump_dom(html_path: Path) -> str:
    """Return the document in HTML_PATH as it is after its scripts ran."""
    return _browse(html_path, ("--dump-dom",))[0]


def _browse(html_path: Path, arguments: Sequence[str]) -> tuple[str, str]:
    with tempfile.TemporaryDirectory(prefix="opskit-browser-") as profile:
        flags = (*_FLAGS, f"--user-data-dir={profile}", *arguments)
        process = _start((*flags, html_path.resolve().as_uri()), profile)
        try:
            output = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired as expired:
            raise RigError(f"Chromium did not finish {html_path.name}") from expired
        finally:
            _end(process)
    if process.returncode:
        raise RigError(f"Chromium failed: {one_line(output[1])}")
    return output


def _start(arguments: Sequence[str], home: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (*(_ALONE if is_root() else ()), "chromium", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "HOME": home},
        start_new_session=True,
    )


def _end(process: subprocess.Popen[str]) -> None:
    """End the browser with all its helpers, which share its process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
