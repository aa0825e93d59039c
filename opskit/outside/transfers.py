"""Many transfers at a time, in one thread: libcurl says what it waits for, epoll waits."""

from __future__ import annotations

import os
import resource
import select
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Generic, TypeVar

import pycurl

from opskit.outside.transfer import Body, TransferRequest, TransferResult, prepare, result_of

K = TypeVar("K")
_EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
_SPARE = 256
# Files that are open besides: the database, who asks, what is written.
_OTHER_FILES = 200
# Failures that may be opskit's own: no connection, no memory, no answer in time.
_OURS = {pycurl.E_COULDNT_CONNECT, pycurl.E_OUT_OF_MEMORY, pycurl.E_OPERATION_TIMEDOUT}
_FEWEST = 16
# libcurl looks up so many names at a time; the system gives one up after that many seconds.
_LOOKUPS = 20
_LOOKUP_ENDS = 30.0


def room(wanted: int) -> int:
    """Return how many transfers there is room for, after asking the system for more open files.

    Without a file to open a transfer fails as if nobody were there.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if resource.RLIM_INFINITY != soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return (
        wanted if soft == resource.RLIM_INFINITY else max(_FEWEST, min(wanted, soft - _OTHER_FILES))
    )


class Transfers(Generic[K]):
    """Runs transfers side by side; `poll` hands out what has ended.

    They share what libcurl may share, the certificates of authorities above all, and no
    connection.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._timer: float | None = None
        self._running: dict[pycurl.Curl, tuple[K, TransferRequest, Body]] = {}
        self._spare: list[pycurl.Curl] = []
        self._given_up: deque[float] = deque(maxlen=_LOOKUPS)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._running)

    def start(self, key: K, request: TransferRequest) -> None:
        """Begin a transfer; its result will come with `key`."""
        body = Body(request.max_bytes)
        handle = self._spare.pop() if self._spare else pycurl.Curl()
        prepare(handle, request, body)
        self._running[handle] = (key, request, body)
        self._multi.add_handle(handle)

    def wake(self) -> None:
        """Let `poll` return at once; the one call that another thread may make."""
        os.eventfd_write(self._wake, 1)

    def poll(self, seconds: float) -> list[tuple[K, TransferResult]]:
        """Return what has ended, after waiting at most `seconds` for something to happen."""
        now = time.monotonic()
        if self._timer is not None:
            seconds = min(seconds, self._timer - now)
        for number, events in self._epoll.poll(max(0.0, seconds)):
            if number == self._wake:
                os.eventfd_read(self._wake)
            else:
                self._multi.socket_action(number, _bits(events))
        if self._timer is not None and time.monotonic() >= self._timer:
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return self._ended()

    def _ended(self) -> list[tuple[K, TransferResult]]:
        ended: list[tuple[K, TransferResult]] = []
        more = bool(self._running)
        while more:
            waiting, well, failed = self._multi.info_read()
            ended.extend(self._end(handle, 0, "") for handle in well)
            ended.extend(self._end(*failure) for failure in failed)
            more = bool(waiting)
        return ended

    def _end(self, handle: pycurl.Curl, code: int, message: str) -> tuple[K, TransferResult]:
        key, request, body = self._running.pop(handle)
        self._multi.remove_handle(handle)
        result = result_of(handle, request, body, code, message)
        if code in _OURS and self._is_ours(result):
            result = replace(result, ours=True)
        # Resetting a handle leaves it its cookies: one that has any is not used again.
        if len(self._spare) < _SPARE and request.cookies is None:
            handle.reset()
            self._spare.append(handle)
        else:
            handle.close()
        return key, result

    def _is_ours(self, result: TransferResult) -> bool:
        """Return whether opskit itself may have lacked what the transfer needed."""
        if not result.timed_out:
            return self._no_file_is_left()
        return not result.phases.resolved and self._may_not_have_asked()

    def _no_file_is_left(self) -> bool:
        # libcurl tells this by the words for a server that nobody could connect to.
        try:
            os.close(os.dup(self._wake))
        except OSError:
            return True
        return False

    def _may_not_have_asked(self) -> bool:
        """Return whether a name that was not resolved in time may have stood in line all along.

        A lookup goes on after its transfer ended, so both keep others waiting.
        """
        now = time.monotonic()
        before = sum(now - one < _LOOKUP_ENDS for one in self._given_up)
        self._given_up.append(now)
        return self._unresolved() + before >= _LOOKUPS

    def _unresolved(self) -> int:
        return sum(not one.getinfo(pycurl.NAMELOOKUP_TIME) for one in self._running)

    def _watch(self, what: int, number: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            self._watched.discard(number)
            try:
                self._epoll.unregister(number)
            except (OSError, ValueError):
                pass  # libcurl closed it already, or all is closed: it is not watched
        elif number in self._watched:
            self._epoll.modify(number, _EVENTS[what])
        else:
            self._epoll.register(number, _EVENTS[what])
            self._watched.add(number)

    def _set_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1_000

    def close(self) -> None:
        """Give up what is still under way; a second time does nothing."""
        if self._epoll.closed:
            return
        # libcurl waits for lookups that the system has not given up yet, and nobody waits for that.
        lookups = bool(self._given_up) or self._unresolved() > 0
        for handle in self._running:
            self._multi.remove_handle(handle)
            handle.close()
        self._running.clear()
        for handle in self._spare:
            handle.close()
        self._spare.clear()
        if lookups:
            threading.Thread(target=self._multi.close, daemon=True).start()
        else:
            self._multi.close()
        self._epoll.close()
        os.close(self._wake)


def _bits(events: int) -> int:
    bits = 0
    if events & (select.EPOLLIN | select.EPOLLHUP):
        bits |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        bits |= pycurl.CSELECT_OUT
    if events & select.EPOLLERR:
        bits |= pycurl.CSELECT_ERR
    return bits
