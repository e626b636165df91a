"""Numbers that follow the work: at once without confidence intervals, and with them when the user pauses."""

from __future__ import annotations

from collections.abc import Callable

import slicer
from ALSStudyLib.panelTimer import Debounced

FOLLOW_MS = 15
PAUSE_MS = 350


class LiveMeasurement:
    """Measures targets while lines are drawn and references are painted.

    :param measure: (target, quick, progress) to a `ProfileMeasurement`, or None if it cannot be measured now.
    :param show: called with (target, measurement, quick) for each that was made.
    :param mayRefine: whether the user pauses; while a point is dragged, no bootstrap begins.
    :param finished: called when nothing waits any longer.
    """

    def __init__(self, measure: Callable, show: Callable, mayRefine: Callable[[], bool], finished: Callable):
        self._measure, self._show, self._mayRefine, self._finished = measure, show, mayRefine, finished
        self._following: dict[str, None] = {}
        self._unrefined: dict[str, None] = {}
        self._quick = Debounced(self._follow, FOLLOW_MS)
        self._full = Debounced(self._refine, PAUSE_MS)

    @property
    def isPending(self) -> bool:
        return self._quick.isPending or self._full.isPending

    @property
    def isFollowing(self) -> bool:
        """Whether a line moved whose numbers are still those of before."""
        return self._quick.isPending

    def changed(self, target: str) -> None:
        """A line moved: follow it, and refine it later. A bootstrap in progress is given up."""
        self._following[target] = None
        self._quick.request()
        self.refine([target])

    def refine(self, targets) -> None:
        """Measure targets with their intervals, when the user pauses."""
        self._unrefined.update(dict.fromkeys(targets))
        if self._unrefined:
            self._full.request()

    def resume(self) -> None:
        """A drag has ended."""
        if self._unrefined:
            self._full.request()

    def cancel(self) -> None:
        """Forget everything that waits, and give up what runs."""
        self._following.clear()
        self._unrefined.clear()
        self._quick.cancel()
        self._full.cancel()

    def finish(self) -> None:
        """Measure now what waits, before numbers are saved or exported; a bootstrap in progress is given up."""
        self._quick.cancel()
        self._following.clear()
        for target in list(self._unrefined):
            measurement = self._measure(target, False, None)
            if measurement is not None:
                self._show(target, measurement, False)
        if self._unrefined:
            self._unrefined.clear()
            self._finished()

    def _follow(self) -> None:
        targets, self._following = list(self._following), {}
        for target in targets:
            measurement = self._measure(target, True, None)
            if measurement is not None:
                self._show(target, measurement, True)

    def _refine(self) -> None:
        while self._unrefined and self._mayRefine():
            target = next(iter(self._unrefined))
            measurement = self._measure(target, False, self._goOn)
            if self._full.isAskedAgain or target not in self._unrefined:
                return  # out of date before it was ready: it is made anew
            del self._unrefined[target]
            if measurement is not None:
                self._show(target, measurement, False)
        if not self._unrefined:
            self._finished()

    def _goOn(self, _share: float) -> bool:
        """Let the user go on working during a bootstrap; False gives it up."""
        slicer.app.processEvents()
        return bool(self._unrefined) and not self._full.isAskedAgain
