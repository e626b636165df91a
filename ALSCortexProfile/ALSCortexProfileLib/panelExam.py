"""The exam in the panel: its sections, and how they follow each other.

Lines, references or settings change -> `LiveMeasurement` -> `MeasuredTargets` -> rows, charts, overlays, tables.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager

from ALSStudyLib import panelViews
from ALSStudyLib.panelStudy import ExamOfScene, StudySection
from slicer.i18n import tr as _

from .panelContours import ContourDrawing
from .panelEchoes import EchoesSection
from .panelLineSection import LineSection
from .panelLive import LiveMeasurement
from .panelMeasured import MeasuredTargets
from .panelReading import ReadingSection
from .panelReferences import ReferencesSection
from .panelResults import ResultsSection
from .panelRows import messageOf, rowOf
from .panelTargets import TargetsTable


class ExamPanel:
    """Connects the sections of the panel with each other.

    :param ui: widgets of the panel by name. logic: `ALSCortexProfileLogic`.
    """

    def __init__(self, ui, logic):
        self._ui, self._logic = ui, logic
        self._parameterNode = None
        self._isUpdating = False
        self._image = self._inputs = self._seen = None  # as of the last update
        self._curves: dict = {}
        self.targets = TargetsTable(ui.targetsTable, self.choose)
        self.references = ReferencesSection(ui, logic, self._onReferencesChanged)
        self.drawing = ContourDrawing(logic, self._onLineMoved, self._onLineEnded)
        self.live = LiveMeasurement(self._measure, self._show, self._mayRefine, self._onAllMeasured)
        self.reading = ReadingSection(ui, logic, self._targets, self._onScored)
        self.measured = MeasuredTargets(logic, self.reading.isHidden)
        self.echoes = EchoesSection(ui, logic, self.update)
        self.lines = LineSection(ui, logic, self)
        self.results = ResultsSection(ui, logic, self)
        inScene = ExamOfScene(
            _("ALS Cortex Profile"), self._whyNoTables, self.results.examName, self.results.exportTables
        )
        self.study = StudySection(ui.studyCollapsibleButton, inScene)
        ui.defaultsButton.connect("clicked(bool)", lambda _checked: self._onPreset("defaults"))
        ui.paperButton.connect("clicked(bool)", lambda _checked: self._onPreset("paper"))

    @property
    def measurements(self) -> dict:
        """`ProfileMeasurement` by target."""
        return self.measured.measurements

    # Scene -----------------------------------------------------------------------------------------------------

    def setParameterNode(self, parameterNode) -> None:
        """Follow a parameter node; None while the panel is not shown."""
        self._parameterNode = self.measured.parameterNode = parameterNode
        if parameterNode is None:
            self.live.cancel()
            self.drawing.letGo()
            self.lines.letGo()
            self.references.cleanup()
            self._inputs = None

    def enter(self) -> None:
        """The user opens the module."""
        self.references.editor.enter()
        self.study.enter()

    def exit(self) -> None:
        """The user opens another module."""
        self.drawing.end()
        self.references.stop()
        self.references.editor.exit()

    def followScene(self) -> None:
        """Use the editor's node of this scene."""
        self.references.editor.follow()

    def letGo(self) -> None:
        """Forget the scene, before it closes."""
        self.forget()
        self.references.editor.letGo()
        for label in (self._ui.statusLabel, self._ui.targetMessageLabel, self._ui.examMessageLabel):
            label.text = ""
        self.references.update(None)
        self.reading.update(None)
        self.study.letGo()

    def forget(self) -> None:
        """Forget what was measured: the scene is another one."""
        self.live.cancel()
        self.measured.forget()
        self._image = self._inputs = self._seen = None
        self._curves = {}

    def cleanup(self) -> None:
        self.study.cleanup()
        self.references.editor.exit()
        self.letGo()
        self.drawing.letGo()
        self.references.cleanup()

    def letGoOf(self, removedNode) -> None:
        """A node is about to leave the scene: no other one is measured in its place without being chosen."""
        node = self._parameterNode
        if node is None:
            return
        if removedNode is node.image:
            self._logic.removeResults(node)
            node.image = None
        elif removedNode is node.references:
            node.references = None
        elif removedNode in list(node.echoes):
            node.echoes = [echo for echo in node.echoes if echo is not removedNode]

    def update(self) -> None:
        """Show what the scene holds, and measure what changed."""
        if self._parameterNode is None or self._isUpdating:
            return
        with self._quietly():
            node, problem = self._parameterNode, ""
            try:
                self._logic.takeOver(node)
            except ValueError as error:
                problem = str(error)
            self._followImage()
            self.drawing.watch()
            self.references.update(node)
            self.echoes.update(node)
            for spinBox in (self._ui.windowStartSpinBox, self._ui.windowEndSpinBox):
                spinBox.enabled = node.fixedWindow
            problem = self._refineWhatChanged() or problem or self.echoes.problem
            self._ui.examMessageLabel.text = problem
            self._ui.examMessageLabel.setVisible(bool(problem))
            self.reading.update(node)
            self._showWhatMayBeSeen()
            self.updateTable()

    @contextmanager
    def _quietly(self):
        """What the panel itself writes into the scene must not come back to it."""
        wasUpdating, self._isUpdating = self._isUpdating, True
        try:
            yield
        finally:
            self._isUpdating = wasUpdating

    def _followImage(self) -> None:
        """Another image: show it, and take the drawings of the one before out of the views."""
        node = self._parameterNode
        image = node.image if self._logic.hasVoxels(node) else None
        if image is self._image:
            return
        if self._image is not None:
            self.live.cancel()
            self._logic.removeDrawingsOf(self._image)
            self.measured.forget()
        self._image = image
        self._ui.statusLabel.text = ""
        if image is not None:
            panelViews.showImage(self._logic.firstVolume(node))

    def _refineWhatChanged(self) -> str:
        """Measure again what image, references, settings or lines changed of; returns what is wrong with them."""
        node = self._parameterNode
        try:
            settings = self._logic.settings(node)
        except ValueError as error:
            self.live.cancel()
            self.measured.dropAll(str(error))
            self._inputs = None
            return str(error)
        images = tuple(image.GetID() for image in self._logic.images(node))
        references = node.references.GetID() if node.references else ""
        inputs = (images, references, settings, self._logic.echoTimesText(node), node.subject, node.exam)
        ready = self._logic.readyTargets(node)
        self.measured.keepOnly(ready)
        before, self._curves = self._curves, {target: self._logic.curveIds(target) for target in ready}
        if inputs != self._inputs:
            self._inputs = inputs
            self.live.refine(ready)
        else:
            self.live.refine([target for target in ready if self._curves[target] != before.get(target)])
        return ""

    def _showWhatMayBeSeen(self) -> None:
        """Follow the ticks for overlays, and take out of the scene what a reader must not see yet."""
        node = self._parameterNode
        reading = (node.readingMode, node.reader, node.session, node.subject, node.exam)
        ticks = (node.showNormals, node.showExcluded, node.showEdges)
        if (reading, ticks) == self._seen:
            return
        before, isOther = self._seen, self._seen is not None and reading != self._seen[0]
        self._seen = (reading, ticks)
        self.measured.showDrawings()
        if isOther or (node.readingMode and not before):
            self.measured.writeResults()
        if isOther and self.reading.target:
            self.select(self.reading.target)

    # Measuring -------------------------------------------------------------------------------------------------

    def _targets(self) -> list[str]:
        return self._logic.targets(self._parameterNode) if self._parameterNode else []

    def _mayRefine(self) -> bool:
        return not (self.drawing.isDrawing or self.drawing.isDragging)

    def _measure(self, target, quick, progress):
        if self._parameterNode is None:
            return None
        problem = ""
        try:
            if not self._logic.waitingFor(self._parameterNode, target):
                return self._logic.measure(self._parameterNode, target, quick, progress)
        except ValueError as error:
            problem = str(error)
        except Exception as error:  # a fault of the program must not leave an old number, nor stop the other targets
            logging.exception("Measuring %s failed", target)
            problem = _("a fault of the program, see the error log: {error}").format(error=error)
        with self._quietly():
            self.measured.drop(target, problem)
        self.updateTable()
        return None

    def _show(self, target, measurement, quick) -> None:
        with self._quietly():
            self.measured.take(target, measurement, quick)
        self.updateTable()

    def _onAllMeasured(self) -> None:
        if self._parameterNode is not None:
            with self._quietly():
                self.measured.writeResults()
                self.measured.showDrawings()
            self.updateTable()

    def _onLineMoved(self, target: str) -> None:
        self.live.changed(target)
        if target not in self.measurements:
            self.updateTable()  # how many points are still missing

    def _onLineEnded(self, target: str) -> None:
        if self._parameterNode is not None:
            self.references.editor.resumeShortcuts()
            self.update()
            if target in self._logic.readyTargets(self._parameterNode):
                self.live.refine([target])
            self.live.resume()

    def _onReferencesChanged(self) -> None:
        ready = self._logic.readyTargets(self._parameterNode)
        with self._quietly():
            self.measured.keepOnly(ready)
        for target in ready:
            self.live.changed(target)
        self.updateTable()

    def _onScored(self, _target: str) -> None:
        """A target was scored: its number is shown, and the next one is looked at."""
        self._onAllMeasured()
        self.reading.update(self._parameterNode)
        if self.reading.target:
            self.select(self.reading.target)

    def _onPreset(self, name: str) -> None:
        from .settings import ProfileSettings

        settings = ProfileSettings.paper() if name == "paper" else ProfileSettings()
        now = self._parameterNode  # which echoes there are is no matter of the procedure
        settings = settings.with_(echoCombination=now.echoCombination.value, singleEchoMs=now.singleEchoMs or None)
        self._logic.showSettings(self._parameterNode, settings)

    # Showing ---------------------------------------------------------------------------------------------------

    def updateTable(self) -> None:
        """Show the row of each target, and what the one in hand needs."""
        node = self._parameterNode
        if node is None:
            return
        self.targets.show([self._row(target) for target in self._targets()], node.selectedTarget)
        self._ui.targetMessageLabel.text = self.lines.problem or self._message(node.selectedTarget)
        self.lines.update(node)
        self.results.update(node)
        self.study.update()

    def _whyNoTables(self) -> str:
        return self.results.whatIsMissing() or self.results.whyAnonymous()

    def _row(self, target: str):
        node, drawn = self._parameterNode, self.drawing.drawnCurve
        return rowOf(
            target,
            measurement=self.measurements.get(target),
            waitingFor=self._logic.waitingFor(node, target),
            slices=self._logic.lines.slicesText(node, target),
            isDrawing=drawn is not None and drawn in self._logic.contours(target),
            isHidden=self.reading.isHidden(target),
            isPreliminary=target in self.measured.preliminary,
            problem=self.measured.problems.get(target, ""),
        )

    def _message(self, target: str) -> str:
        drawn, problems = self.drawing.drawnCurve, self.measured.problems
        spoken = target or next(iter(problems), "")
        return messageOf(
            spoken,
            measurement=self.measurements.get(spoken),
            isHidden=self.reading.isHidden(spoken),
            problem=problems.get(spoken, ""),
            drawing=None if drawn is None else self._logic.lines.drawingProblem(self._parameterNode, drawn),
        )

    # Acting ----------------------------------------------------------------------------------------------------

    def choose(self, target: str) -> None:
        """A click on a row: show its slice; draw at once what has no line yet."""
        self.lines.problem = ""
        self.select(target)
        if self._logic.hasVoxels(self._parameterNode) and not self._logic.contours(target):
            self.draw(target)

    def select(self, target: str) -> None:
        """Take a target in hand: its slice, its line, its chart."""
        self.drawing.end()
        self.references.stop()
        with self._quietly():
            self._parameterNode.selectedTarget = target
            self.references.update(self._parameterNode)
            place_RAS = self._logic.lines.placeOf(self._parameterNode, target)
            if place_RAS is not None:
                panelViews.jumpTo(place_RAS)
            self.measured.showDrawings()
        self.updateTable()

    def draw(self, target: str) -> None:
        """Begin a line of a target in the slice that is shown, or go on with the one that is there."""
        self.references.stop()
        panelViews.alignWithVolume(self._logic.firstVolume(self._parameterNode))
        curve = self._logic.lines.lineToDraw(self._parameterNode, target)
        self.drawing.watch()
        self.references.editor.pauseShortcuts()
        self.drawing.begin(curve)
        self.updateTable()
