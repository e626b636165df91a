"""Work that waits until the user pauses: many requests, one call."""

from __future__ import annotations

from collections.abc import Callable

import qt


class Debounced:
    """Calls a function once, a moment after the last request.

    A function that is still running, since it lets the application handle events meanwhile, is never entered again:
    it is called anew when it has ended.
    """

    def __init__(self, function: Callable[[], None], delayMs: int):
        self._function = function
        self._isRunning = self._isAskedAgain = False
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(delayMs)
        self._timer.connect("timeout()", self._call)

    @property
    def isAskedAgain(self) -> bool:
        """Whether a request came while the function was running: what it makes is out of date."""
        return self._isAskedAgain

    @property
    def isPending(self) -> bool:
        return self._isRunning or self._timer.active

    def request(self) -> None:
        if self._isRunning:
            self._isAskedAgain = True
        else:
            self._timer.start()

    def cancel(self) -> None:
        """Forget all requests."""
        self._isAskedAgain = False
        self._timer.stop()

    def flush(self) -> None:
        """Call now what is waiting."""
        if self._timer.active:
            self._timer.stop()
            self._call()

    def _call(self) -> None:
        self._isRunning, self._isAskedAgain = True, False
        try:
            self._function()
        finally:
            self._isRunning = False
            if self._isAskedAgain:
                self._isAskedAgain = False
                self._timer.start()
