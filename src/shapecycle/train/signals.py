"""Stopping between two steps when Ctrl-C is pressed or the system asks for an end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The training was stopped between two steps, and its state was saved."""


class StopRequest:
    """Whether a stop was asked for."""

    def __init__(self) -> None:
        self.is_made = False

    def make(self, number: int, frame: FrameType | None) -> None:
        """Note a first signal; a second one does not wait for the step."""
        if self.is_made:
            raise KeyboardInterrupt
        self.is_made = True


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Catch the signals that ask for an end; outside the main thread there are none to catch."""
    request = StopRequest()
    with _handled(request.make):
        yield request


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a request of the system for an end do what Ctrl-C does."""
    with _handled(signal.default_int_handler):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let nothing stop what is short and must be done, such as clearing up."""
    with _handled(signal.SIG_IGN):
        yield


@contextmanager
def _handled(handler: "signal._HANDLER") -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
