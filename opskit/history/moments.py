"""Times as exports write them. Pure.

Read are ISO 8601 with an offset, `UTC` behind a blank, Jira's `05/Jan/24 10:11 AM`, and whatever a
format of the caller's says. A time without a zone needs one to be named: guessing it would move
incidents by hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from opskit.core.clock import Instant, from_datetime
from opskit.history.model import Unusable

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_JIRA = re.compile(
    r"(\d{1,2})/([A-Za-z]{3})/(\d{2}|\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp][Mm]))?"
)
_NUMBERS = re.compile(r"\d{1,2}/\d{1,2}/\d{2,4}\b.*")
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Moments:
    """Reads times; `zone` is that of times without one, `pattern` a format of `strptime`."""

    zone: ZoneInfo | None = None
    pattern: str = ""

    def read(self, text: str, *, after: Instant | None = None) -> Instant:
        """Return the instant of a text.

        Of a wall time that comes twice, when clocks are put back, the first is meant; the second
        where the first would be before `after`.

        Raises:
            Unusable: it is no time, or has no zone and none was named.
        """
        moment = self._parsed(text.strip()[:_LONGEST])
        if moment.tzinfo is not None:
            return _instant(moment)
        if self.zone is None:
            raise Unusable("its time has no zone; name it: --zone Europe/Berlin")
        first = _instant(moment.replace(tzinfo=self.zone))
        if after is None or first >= after:
            return first
        return _instant(moment.replace(tzinfo=self.zone, fold=1))

    def _parsed(self, text: str) -> datetime:
        try:
            if self.pattern:
                return datetime.strptime(text, self.pattern)  # noqa: DTZ007  # the zone is ours
            found = _JIRA.fullmatch(text)
            if found is not None:
                return _of_jira(found)
            return datetime.fromisoformat(re.sub(r" ?(UTC|GMT|Z)$", "+00:00", text))
        except ValueError:
            pass
        if _NUMBERS.fullmatch(text) and not self.pattern:
            raise Unusable("day and month cannot be told apart; say --time-format '%m/%d/%Y %H:%M'")
        raise Unusable("its time cannot be read; say --time-format")


def _instant(moment: datetime) -> Instant:
    try:
        return from_datetime(moment)
    except OverflowError as error:
        raise Unusable("its time is outside the calendar") from error


def _of_jira(found: re.Match[str]) -> datetime:
    day, month, year, hour, minute, second, half = found.groups()
    if month.lower() not in _MONTHS:
        raise ValueError(month)
    number = int(hour)
    if half:
        if not 1 <= number <= 12:
            raise ValueError(hour)
        number = number % 12 + (12 if half.lower() == "pm" else 0)
    years = int(year) + (2000 if len(year) == 2 else 0)
    return datetime(  # noqa: DTZ001  # the zone is added by the caller
        years, _MONTHS.index(month.lower()) + 1, int(day), number, int(minute), int(second or 0)
    )
