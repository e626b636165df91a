"""What was measured of each target, and a scene that shows just that: no drawing or table outlives its measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ALSStudyLib import panelViews


class MeasuredTargets:
    """Measurements by target, with their charts, overlays and tables in the scene.

    :param logic: `ALSCortexProfileLogic`. isHidden: whether the numbers of a target must not be seen yet.
    """

    def __init__(self, logic, isHidden: Callable[[str], bool]):
        self._logic, self._isHidden = logic, isHidden
        self.parameterNode = None
        self.measurements: dict = {}
        self.problems: dict[str, str] = {}
        self.preliminary: set[str] = set()

    def forget(self) -> None:
        """Forget everything: the scene is another one."""
        self.measurements, self.problems, self.preliminary = {}, {}, set()

    def visible(self) -> list:
        """Measurements that may be seen, in the order of the targets."""
        targets = self._logic.targets(self.parameterNode)
        return [self.measurements[t] for t in targets if t in self.measurements and not self._isHidden(t)]

    def hiddenTargets(self) -> list[str]:
        """Measured targets that are still to be read."""
        return [target for target in self.measurements if self._isHidden(target)]

    def take(self, target: str, measurement, quick: bool) -> None:
        """A new measurement of a target; `quick` has no intervals yet."""
        isFirst = target not in self.measurements
        self.problems.pop(target, None)
        self.measurements[target] = measurement
        (self.preliminary.add if quick else self.preliminary.discard)(target)
        if not self._isHidden(target):
            self._draw(target)
        if isFirst or not quick:
            self.showDrawings()

    def drop(self, target: str, problem: str = "") -> None:
        """A target has no measurement any longer, and why."""
        self.problems.pop(target, None)
        if problem:
            self.problems[target] = problem
        if self._forgetOne(target):
            self.writeResults()

    def keepOnly(self, targets: Iterable[str]) -> None:
        """Drop what can no longer be measured, as its line or a reference is gone."""
        gone = set(self.measurements) - set(targets)
        for target in gone:
            self.problems.pop(target, None)
            self._forgetOne(target)
        if gone:
            self.writeResults()

    def dropAll(self, problem: str = "") -> None:
        """No target has a measurement any longer."""
        problems = {target: problem for target in self.measurements if problem}
        self.keepOnly(())
        self.problems |= problems

    def _forgetOne(self, target: str) -> bool:
        """Forget a measurement and its drawings; whether there was one."""
        self.preliminary.discard(target)
        wasMeasured = self.measurements.pop(target, None) is not None
        if wasMeasured:
            self._logic.removeDrawings(self.parameterNode, target)
        return wasMeasured

    def writeResults(self) -> None:
        """The tables of results hold what is measured and may be seen, or there are none."""
        complete = [m for m in self.visible() if m.input.target.slug not in self.preliminary]
        if complete:
            self._logic.store(self.parameterNode, complete)
        else:
            self._logic.removeResults(self.parameterNode)

    def showDrawings(self) -> None:
        """Charts and overlays of what may be seen, as ticked; none of a target that is still to be read."""
        node = self.parameterNode
        for target in self._logic.targets(node):
            if self._isHidden(target):
                self._logic.removeDrawings(node, target)
            elif target in self.measurements and self._logic.chart(node, target) is None:
                self._draw(target)
        self._logic.showOverlays(node)
        panelViews.showChart(self._logic.chart(node, node.selectedTarget))

    def _draw(self, target: str) -> None:
        measurement = self.measurements[target]
        self._logic.draw(self.parameterNode, measurement)
        if measurement.status == "ok":
            self._logic.noteSeen(self.parameterNode, target)
