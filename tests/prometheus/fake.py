"""A server that answers as a Prometheus would, with the edges, limits and faults a test wants.

Samples are (milliseconds, value). It cuts ranges by itself, so that what opskit makes of version 2
and version 3 can be compared with one and the same truth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tests.outside.servers import Exchange, body, plain

Labels = tuple[tuple[str, str], ...]
_SELECTOR = r"(?P<name>[a-z_]*)(?P<labels>\{.*?\})?"
_RAW = re.compile(_SELECTOR + r"\[(?P<width>\d+)ms\]")
_SUM = re.compile(r"(?P<function>sum|count)_over_time\(" + _SELECTOR + r"\[(?P<width>\d+)ms\]\)")
_PAIR = re.compile(r'([a-z_]+|"[^"]*")=("(?:[^"\\]|\\.)*")')
EDGES = "count_over_time(vector(1)[1m:1m])"


def labels(name: str, **others: str) -> Labels:
    return tuple(sorted({"__name__": name, **others}.items()))


@dataclass
class Fake:
    """Give it to `Server`. `partial` are the times, in milliseconds, of which not all is there."""

    series: Mapping[Labels, Sequence[tuple[int, float]]]
    left_open: bool = False
    most: int = 10**9
    partial: tuple[tuple[int, int], ...] = ()
    victoria: bool = False
    edges_known: bool = True
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> None:
        path = exchange.request.split(b" ", 2)[1].decode()
        form = dict(parse_qsl(body(exchange.request).decode()))
        name = path.removeprefix("/api/v1/")
        self.asked.append((name, form))
        headers = ("X-Server-Hostname: vm",) if self.victoria else ()
        text, status = self._answer(name, form)
        plain(text.encode(), status, *headers)(exchange)

    def _answer(self, name: str, form: Mapping[str, str]) -> tuple[str, str]:
        if name == "status/buildinfo":
            return _success({"version": "3.9.9" if self.left_open else "2.9.9"}), "200 OK"
        if name == "series":
            return _success([dict(found) for found in self._matching(form["match[]"])]), "200 OK"
        if name == "export" and self.victoria:
            return self._export(form), "200 OK"
        if name == "query_range":
            return self._sums(form)
        if form["query"] == EDGES:
            count = 1 if self.left_open else 2
            found = [{"metric": {}, "value": [0, str(count)]}] if self.edges_known else []
            return _success({"resultType": "vector", "result": found}), "200 OK"
        return self._raw(form)

    def _raw(self, form: Mapping[str, str]) -> tuple[str, str]:
        match = _RAW.fullmatch(form["query"])
        assert match is not None, form["query"]
        end = _ms(form["time"])
        width = int(match["width"])
        found = {
            one: self._range(self.series[one], end, width)
            for one in self._matching(form["query"].rpartition("[")[0])
        }
        if sum(map(len, found.values())) > self.most:
            return _TOO_MANY, "422 Unprocessable Entity"
        result = [
            {"metric": dict(one), "values": [[at / 1_000, f"{value:g}"] for at, value in points]}
            for one, points in found.items()
            if points
        ]
        warnings = self._warnings(end - width, end)
        return _success({"resultType": "matrix", "result": result}, warnings), "200 OK"

    def _sums(self, form: Mapping[str, str]) -> tuple[str, str]:
        match = _SUM.fullmatch(form["query"])
        assert match is not None, form["query"]
        start, end, step = (_ms(form[name]) for name in ("start", "end", "step"))
        if (end - start) // step > 11_000:
            return json.dumps({"status": "error", "errorType": "bad_data"}), "400 Bad Request"
        selector = form["query"].partition("(")[2].rpartition("[")[0]
        found = {one: self.series[one] for one in self._matching(selector)}
        result = []
        for one, samples in found.items():
            values = []
            for at in range(start, end + 1, step):
                points = self._range(samples, at, int(match["width"]))
                total = sum(value for _, value in points)
                if points:
                    figure = len(points) if match["function"] == "count" else total
                    values.append([at / 1_000, f"{figure:g}"])
            metric = {key: value for key, value in one if key != "__name__"}
            if values:
                result.append({"metric": metric, "values": values})
        warnings = self._warnings(start - step, end)
        return _success({"resultType": "matrix", "result": result}, warnings), "200 OK"

    def _export(self, form: Mapping[str, str]) -> str:
        start, end = _ms(form["start"]), _ms(form["end"])
        lines = []
        for one in self._matching(form["match[]"]):
            points = [point for point in self.series[one] if start <= point[0] <= end]
            # In blocks, as the real one does, and with the mark of an end.
            for block in (points[:7], points[7:]):
                values: list[float | None] = [value for _, value in block]
                ats = [at for at, _ in block]
                whole = {"metric": dict(one), "values": values, "timestamps": ats}
                lines.append(json.dumps(whole))
            mark = {"metric": dict(one), "values": [None], "timestamps": [end]}
            lines.append(json.dumps(mark))
        return "\n".join(lines)

    def _range(
        self, samples: Sequence[tuple[int, float]], end: int, width: int
    ) -> list[tuple[int, float]]:
        first = end - width + self.left_open
        return [point for point in samples if first <= point[0] <= end]

    def _matching(self, selector: str) -> Iterator[Labels]:
        name = selector.partition("{")[0]
        wanted = {(key.strip('"'), json.loads(value)) for key, value in _PAIR.findall(selector)} | (
            {("__name__", name)} if name else set()
        )
        yield from (one for one in self.series if wanted <= set(one))

    def _warnings(self, start: int, end: int) -> list[str]:
        missing = any(one[0] < end and one[1] > start for one in self.partial)
        return ["No StoreAPIs matched for this query"] if missing else []


_TOO_MANY = json.dumps(
    {
        "status": "error",
        "errorType": "execution",
        "error": "query processing would load too many samples into memory in query execution",
    }
)


def _success(data: object, warnings: Sequence[str] = ()) -> str:
    return json.dumps({"status": "success", "data": data, "warnings": list(warnings)})


def _ms(text: str) -> int:
    return round(float(text) * 1_000)
