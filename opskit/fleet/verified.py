"""A look in a way that is not Ansible's own, believed only as far as Ansible's own says the same.

Some hosts of the run are looked at in both ways. Where the two differ in anything, or the other
way fails in any, all is looked at plainly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from opskit.core.errors import OpskitError
from opskit.core.transcript import Strategy, Transcript
from opskit.fleet.agreement import Said, difference, said, sample
from opskit.fleet.execute import Intent, Seen, observe as observe_plainly, seen_in, transcribed
from opskit.fleet.model import RunState, Way
from opskit.fleet.workplace import Request
from opskit.outside.ansible import mitogen

# Fewer hosts are sooner looked at plainly than in two ways.
_WORTH_IT = 3


def require(request: Request) -> None:
    """Make sure that what is asked for is there.

    Raises:
        ConfigError: mitogen is not installed.
    """
    if request.strategy is Strategy.MITOGEN:
        mitogen.directory()


def observe(intent: Intent) -> Seen:
    """Let Ansible look at everything that is asked for, in the way that is asked for."""
    hosts = intent.request.hosts
    if intent.request.strategy is Strategy.PLAIN or 0 < len(hosts) < _WORTH_IT:
        return observe_plainly(intent)
    try:
        return _tried(intent)
    except KeyboardInterrupt:
        return _STOPPED
    except _Doubt as doubt:
        seen = observe_plainly(intent)
        return replace(seen, way=replace(seen.way, doubt=str(doubt)))


class _Doubt(Exception):
    """Why a look is not believed."""


# What was seen until then nobody has verified: nothing is said of any host.
_STOPPED = Seen((), RunState.INTERRUPTED)


def _tried(intent: Intent) -> Seen:
    """Return what mitogen saw, verified.

    Raises:
        _Doubt: it is not to be believed.
    """
    transcript = _look(intent, Strategy.MITOGEN)
    if transcript is None:
        return _STOPPED
    seen = seen_in(intent, transcript)
    chosen = sample(intent.run_id, seen.hosts)
    if not chosen:
        raise _Doubt("no task of it looked at any host")
    plain = _look(_reference(intent, chosen), Strategy.PLAIN)
    if plain is None:
        return _STOPPED
    ours = _said(intent, chosen, seen_in(intent, plain), plain)
    differs = difference(ours, _said(intent, chosen, seen, transcript))
    if differs:
        raise _Doubt(differs)
    return replace(seen, way=Way(Strategy.MITOGEN, chosen))


def _reference(intent: Intent, hosts: tuple[str, ...]) -> Intent:
    """Return a look at some of the hosts in Ansible's own way, whatever its settings say."""
    settings = {**intent.place.environment, "ANSIBLE_STRATEGY": "linear"}
    place = replace(intent.place, environment=settings)
    return replace(intent, place=place, request=replace(intent.request, hosts=hosts))


def _look(intent: Intent, strategy: Strategy) -> Transcript | None:
    """Return what happened; nothing if somebody stopped it.

    Raises:
        _Doubt: it did not come to its end, or is at odds with itself.
    """
    try:
        transcript = transcribed(intent, strategy)
    except OpskitError as error:
        raise _Doubt(error.message) from error
    if transcript.interrupted and not transcript.prompt:
        return None
    if transcript.stats is None or not transcript.hosts:
        raise _Doubt(f"a look in the {strategy} way did not come to its end")
    if transcript.disagreement:
        raise _Doubt(transcript.disagreement)
    return transcript


def _said(intent: Intent, hosts: Iterable[str], seen: Seen, transcript: Transcript) -> Said:
    return said(frozenset(hosts), seen.hosts, transcript.results, intent.place.root)
