"""What a target's year takes on disk, beside Prometheus with blackbox_exporter.

    python -m tests.bench.storage

Both hold one HTTP target looked at each minute. What blackbox_exporter tells is fetched from a real
one some hundred times and written into blocks by promtool, in order, for a month; opskit's year has
outages and blips. Prometheus would keep them in larger blocks still: these are of a month.
"""

from __future__ import annotations

import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.monitor import BLACKBOX, peer_side, running, until_ready, url, web_server, year

_PAGES, _TARGETS, _DAYS, _EVERY = 400, 3, 30, 60
_START = 1_700_006_400


def pages(root: Path) -> list[dict[str, str]]:
    """Return what a real blackbox_exporter tells of a target, again and again, by series."""
    found = []
    with web_server(root):
        blackbox, _ = peer_side(root, "http")
        query = urllib.parse.urlencode({"module": "web", "target": url("http", 1)})
        address = f"http://127.0.0.1:{BLACKBOX}"
        with running(blackbox):
            until_ready(address)
            for _ in range(_PAGES):
                with urllib.request.urlopen(f"{address}/probe?{query}", timeout=10) as answer:
                    lines = answer.read().decode().splitlines()
                samples = (one.rsplit(" ", 1) for one in lines if not one.startswith("#"))
                found.append(dict(samples))
    return found


def written(told: Sequence[dict[str, str]]) -> Iterator[str]:
    """Yield a month of it as OpenMetrics text."""
    families = defaultdict(list)
    for series in told[0]:
        families[series.partition("{")[0]].append(series)
    for name, ones in families.items():
        yield f"# TYPE {name} gauge"
        for series in ones:
            for target in range(_TARGETS):
                own = f'instance="{target}",job="probes"'
                bare, _, labels = series.partition("{")
                named = f"{bare}{{{own},{labels}" if labels else f"{bare}{{{own}}}"
                for step in range(_DAYS * 86_400 // _EVERY):
                    value = told[(step + 7 * target) % len(told)][series]
                    yield f"{named} {value} {_START + step * _EVERY}"
    yield "# EOF"


def of_prometheus(root: Path) -> float:
    """Return the bytes of a target's year."""
    text = root / "month.txt"
    with text.open("w") as stream:
        stream.writelines(f"{line}\n" for line in written(pages(root)))
    subprocess.run(
        [
            "promtool", "tsdb", "create-blocks-from", "openmetrics",
            "--max-block-duration=1440h", text, root / "tsdb",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    size = sum(path.stat().st_size for path in (root / "tsdb").rglob("*") if path.is_file())
    return size / _TARGETS / _DAYS * 365


def main() -> None:
    """Print both, and the ratio."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        own = year(root).path.stat().st_size / 1_000
        theirs = of_prometheus(root)
    print(
        f"bytes per target and year, a look each {_EVERY} s: opskit {own:.0f}, Prometheus "
        f"{theirs:.0f}, ratio {own / theirs:.4f}"
    )


if __name__ == "__main__":
    main()
