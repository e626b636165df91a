"""The exam in the panel: targets, references, profile, reading and results, and how they follow each other.

Lines, references or settings change -> `LiveMeasurement` -> table of targets, chart, overlay -> results in the scene.
"""

from __future__ import annotations

from contextlib import contextmanager

import slicer
from ALSStudyLib import panelViews
from slicer.i18n import tr as _

from .panelContours import ContourDrawing
from .panelLive import LiveMeasurement
from .panelReading import ReadingSection
from .panelReferences import ReferencesSection
from .panelRows import rowOf
from .panelTargets import TargetsTable
from .panelTexts import adviceText, flagText, targetText


class ExamPanel:
    """Connects the sections of the panel with each other.

    :param ui: widgets of the panel by name. logic: `ALSCortexProfileLogic`.
    """

    def __init__(self, ui, logic):
        self._ui, self._logic = ui, logic
        self._parameterNode = None
        self._measured = self._shownImage = self._seen = None
        self._isUpdating = False
        self.measurements: dict = {}
        self._preliminary: set[str] = set()
        self._problems: dict[str, str] = {}
        self.targets = TargetsTable(ui.targetsTable, self.choose)
        self.references = ReferencesSection(ui, logic, self._onReferencesChanged)
        self.drawing = ContourDrawing(logic, self._onLineMoved, self._onLineEnded)
        self.live = LiveMeasurement(self._measure, self._show, self._mayRefine, self._onAllMeasured)
        self.reading = ReadingSection(ui, self._targets, self._onScored)
        self._connect()

    def _connect(self) -> None:
        ui = self._ui
        ui.drawButton.connect("clicked(bool)", self._onDraw)
        ui.undoPointButton.connect("clicked(bool)", self._onUndoPoint)
        ui.flipButton.connect("clicked(bool)", self._onFlip)
        ui.copyUpButton.connect("clicked(bool)", lambda _checked: self._onCopy(1))
        ui.copyDownButton.connect("clicked(bool)", lambda _checked: self._onCopy(-1))
        ui.deleteLineButton.connect("clicked(bool)", self._onDeleteLine)
        ui.addTargetButton.connect("clicked(bool)", self._onAddTarget)
        ui.newTargetLineEdit.connect("textChanged(QString)", lambda _text: self._updateButtons())
        ui.newTargetLineEdit.connect("returnPressed()", self._onAddTarget)
        ui.echoesSelector.connect("checkedNodesChanged()", self._onEchoesChecked)
        ui.echoTimesLineEdit.connect("editingFinished()", self._onEchoTimes)
        ui.showChartButton.connect("clicked(bool)", self._onShowChart)
        ui.defaultsButton.connect("clicked(bool)", lambda _checked: self._onPreset("defaults"))
        ui.paperButton.connect("clicked(bool)", lambda _checked: self._onPreset("paper"))
        ui.showTableButton.connect("clicked(bool)", self._onShowTable)
        ui.exportButton.connect("clicked(bool)", self._onExport)

    # Scene -----------------------------------------------------------------------------------------------------

    def setParameterNode(self, parameterNode) -> None:
        """Follow a parameter node; None while the panel is not shown."""
        self._parameterNode = parameterNode
        if parameterNode is None:
            self.live.cancel()
            self.drawing.letGo()
            self.references.cleanup()
            self._measured = None

    def letGo(self) -> None:
        """Forget the scene, before it closes."""
        self.forget()
        self.references.editor.letGo()
        self._ui.statusLabel.text = ""
        self._ui.targetMessageLabel.text = ""
        self.references.update(None)
        self.reading.update(None)

    def forget(self) -> None:
        """Forget what was measured: the scene is another one."""
        self.live.cancel()
        self.measurements, self._problems, self._measured, self._shownImage, self._seen = {}, {}, None, None, None
        self._preliminary = set()

    def cleanup(self) -> None:
        self.letGo()
        self.drawing.letGo()
        self.references.cleanup()

    def update(self) -> None:
        """Show what the scene holds, and measure what changed."""
        if self._parameterNode is None or self._isUpdating:
            return
        with self._quietly():
            try:
                self._logic.takeOver(self._parameterNode)
            except ValueError as error:
                self._ui.statusLabel.text = str(error)
            self._showChosenImage()
            self.drawing.watch()
            self.references.update(self._parameterNode)
            self._updateEchoes()
            for spinBox in (self._ui.windowStartSpinBox, self._ui.windowEndSpinBox):
                spinBox.enabled = self._parameterNode.fixedWindow
            self._refineWhatChanged()
            self.reading.update(self._parameterNode)
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

    def _showChosenImage(self) -> None:
        image = self._parameterNode.image
        if image is not self._shownImage:
            self._shownImage = image
            if image is not None and image.IsA("vtkMRMLScalarVolumeNode"):
                panelViews.showImage(image)

    def _refineWhatChanged(self) -> None:
        """Measure all targets again when image, references or a setting changed."""
        node = self._parameterNode
        try:
            settings = self._logic.settings(node)
        except ValueError as error:
            self._ui.statusLabel.text = str(error)
            return
        images = tuple(image.GetID() for image in self._logic.images(node))
        references = node.references.GetID() if node.references else ""
        key = (images, references, settings, self._ui.echoTimesLineEdit.text, node.subject, node.exam)
        if key != self._measured:
            self._measured = key
            self._refineAll()

    def _showWhatMayBeSeen(self) -> None:
        """Follow the ticks for overlays, and take numbers out of the scene that a reader must not see yet."""
        node = self._parameterNode
        reading = (node.readingMode, node.reader, node.session, node.subject, node.exam)
        ticks = (node.showNormals, node.showExcluded, node.showEdges)
        if (reading, ticks) == self._seen:
            return
        changed = self._seen is not None and reading != self._seen[0]
        self._seen = (reading, ticks)
        self._showDrawings()
        if changed and self.measurements and not self.live.isPending:
            self._onAllMeasured()

    def _refineAll(self) -> None:
        ready = self._logic.readyTargets(self._parameterNode)
        for target in [target for target in self.measurements if target not in ready]:
            self._drop(target)
        self.live.refine(ready)

    def _drop(self, target: str) -> None:
        self.measurements.pop(target, None)
        self._problems.pop(target, None)
        with self._quietly():
            self._logic.removeDrawings(self._parameterNode, target)

    # Measuring -------------------------------------------------------------------------------------------------

    def _targets(self) -> list[str]:
        return self._logic.targets(self._parameterNode) if self._parameterNode else []

    def _mayRefine(self) -> bool:
        return not (self.drawing.isDrawing or self.drawing.isDragging)

    def _measure(self, target, quick, progress):
        if self._parameterNode is None or self._logic.waitingFor(self._parameterNode, target):
            self.measurements.pop(target, None)
            return None
        try:
            return self._logic.measure(self._parameterNode, target, quick, progress)
        except ValueError as error:
            self._problems[target] = str(error)
            self.measurements.pop(target, None)
            self.updateTable()
            return None

    def _show(self, target, measurement, quick) -> None:
        isFirst = target not in self.measurements
        self._problems.pop(target, None)
        self.measurements[target] = measurement
        (self._preliminary.add if quick else self._preliminary.discard)(target)
        with self._quietly():
            self._logic.draw(self._parameterNode, measurement)
            if isFirst or not quick:
                self._showDrawings()
        self.updateTable()

    def _onAllMeasured(self) -> None:
        """Everything is measured: write the results that may be seen into the scene."""
        if self._parameterNode is None:
            return
        visible = self._visibleMeasurements()
        with self._quietly():
            if visible:
                self._logic.store(self._parameterNode, visible)
            else:
                self._logic.removeResults(self._parameterNode)
            self._showDrawings()
        self.updateTable()

    def _visibleMeasurements(self) -> list:
        return [
            self.measurements[target]
            for target in self._targets()
            if target in self.measurements and not self.reading.isHidden(target)
        ]

    def _onLineMoved(self, target: str) -> None:
        self.live.changed(target)
        if target not in self.measurements:
            self.updateTable()  # how many points are still missing

    def _onLineEnded(self, target: str) -> None:
        self._ui.drawButton.checked = self.drawing.isDrawing
        if self._parameterNode is None:
            return
        self.drawing.watch()
        if target in self._logic.readyTargets(self._parameterNode):
            self.live.refine([target])
        self.live.resume()
        self.updateTable()

    def _onReferencesChanged(self) -> None:
        ready = self._logic.readyTargets(self._parameterNode)
        for target in ready:
            self.live.changed(target)
        for target in [target for target in self.measurements if target not in ready]:
            self._drop(target)
        self.updateTable()

    def _onScored(self, target: str) -> None:
        """A target was scored: its number is shown, and the next one is looked at."""
        self._showDrawings()
        self._onAllMeasured()
        self.reading.update(self._parameterNode)
        if self.reading.target:
            self.select(self.reading.target)

    # Showing ---------------------------------------------------------------------------------------------------

    def updateTable(self) -> None:
        """Show the row of each target, and what the one in hand needs."""
        node = self._parameterNode
        if node is None:
            return
        rows = [self._row(target) for target in self._targets()]
        self.targets.show(rows, node.selectedTarget)
        self._ui.targetMessageLabel.text = self._message(node.selectedTarget)
        self._updateButtons()

    def _row(self, target: str):
        drawn = self.drawing.drawnCurve
        return rowOf(
            target,
            measurement=self.measurements.get(target),
            waitingFor=self._logic.waitingFor(self._parameterNode, target),
            slices=self._logic.lines.slicesText(self._parameterNode, target),
            isDrawing=drawn is not None and drawn in self._logic.contours(target),
            isHidden=self.reading.isHidden(target),
            isPreliminary=target in self._preliminary,
            problem=self._problems.get(target, ""),
        )

    def _message(self, target: str) -> str:
        if not target:
            return _("Click a target to begin.")
        name = targetText(target)
        if self.drawing.isDrawing:
            return _("{target}: click along the surface of the cortex; Esc or a right click ends.").format(target=name)
        measurement = self.measurements.get(target)
        problem = self._problems.get(target, "") or (measurement.reason if measurement else "")
        if problem:
            return _("{target}: {problem}").format(target=name, problem=problem)
        if measurement is None or self.reading.isHidden(target):
            return ""
        remarks = [*filter(None, [adviceText(measurement.status)]), *map(flagText, measurement.flags)]
        return _("{target}: {remarks}").format(target=name, remarks="; ".join(remarks)) if remarks else ""

    def _updateButtons(self) -> None:
        from .panelButtons import updateButtons

        updateButtons(self._ui, self._logic, self._parameterNode, self.drawing.isDrawing)
        self._updateResultButtons()

    def _updateResultButtons(self) -> None:
        hidden = [target for target in self.measurements if self.reading.isHidden(target)]
        visible = self._visibleMeasurements()
        missing = ""
        if not self.measurements:
            missing = _("Measure a target first")
        elif hidden:
            missing = _("Reading mode: score {target} first").format(target=targetText(hidden[0]))
        for button, toolTip in (
            (self._ui.showTableButton, _("Show the table of results below the views")),
            (self._ui.exportButton, _("Write tables, figures and provenance into a folder")),
        ):
            button.enabled = not missing
            button.toolTip = missing or toolTip
        selected = self._parameterNode.selectedTarget if self._parameterNode else ""
        mayShow = any(measurement.input.target.slug == selected for measurement in visible)
        self._ui.showChartButton.enabled = mayShow
        self._ui.showChartButton.toolTip = (
            _("Show the profile, the fit and its window; the layout gets a plot view if it has none")
            if mayShow
            else _("Select a target that is measured and may be seen")
        )

    def _showDrawings(self) -> None:
        """Overlays as ticked; nothing of a target that is still to be read."""
        node = self._parameterNode
        hidden = {target for target in self.measurements if self.reading.isHidden(target)}
        self._logic.showOverlays(node, hidden)
        chart = None if node.selectedTarget in hidden else self._logic.chart(node, node.selectedTarget)
        panelViews.showChart(chart)

    # Acting ----------------------------------------------------------------------------------------------------

    def choose(self, target: str) -> None:
        """A click on a row: show its slice; draw at once what has no line yet."""
        self.select(target)
        if self._parameterNode.image and not self._logic.contours(target):
            self.draw(target)

    def select(self, target: str) -> None:
        """Take a target in hand: its slice, its line, its chart."""
        self.drawing.end()
        self.references.stop()
        self._parameterNode.selectedTarget = target
        place_RAS = self._logic.lines.placeOf(self._parameterNode, target)
        if place_RAS is not None:
            panelViews.jumpTo(place_RAS)
        self._showDrawings()
        self.updateTable()

    def draw(self, target: str) -> None:
        """Begin a line of a target in the slice that is shown, or go on with the one that is there."""
        self.references.stop()
        panelViews.alignWithVolume(self._logic.firstVolume(self._parameterNode))
        curve = self._logic.lines.lineToDraw(self._parameterNode, target)
        self.drawing.watch()
        self.drawing.begin(curve)
        self._ui.drawButton.checked = True
        self.updateTable()

    def _onDraw(self, checked: bool) -> None:
        if checked:
            self.draw(self._parameterNode.selectedTarget)
        else:
            self.drawing.end()

    def _onUndoPoint(self, _checked=False) -> None:
        self._logic.lines.undoPoint(self._parameterNode, self._parameterNode.selectedTarget, self.drawing.drawnCurve)

    def _onFlip(self, _checked=False) -> None:
        from . import mrmlContours

        target = self._parameterNode.selectedTarget
        mrmlContours.flipNormals(self._logic.contours(target))
        self.live.changed(target)

    def _onCopy(self, step: int) -> None:
        with slicer.util.tryWithErrorDisplay(_("The line could not be copied.")):
            target = self._parameterNode.selectedTarget
            curve = self._logic.lines.copyLine(self._parameterNode, target, step)
            self.drawing.watch()
            self.live.changed(target)
            panelViews.jumpTo(self._logic.lines.centerOf(curve))
            self.updateTable()

    def _onDeleteLine(self, _checked=False) -> None:
        target = self._parameterNode.selectedTarget
        self.drawing.end()
        self._logic.lines.deleteLine(self._parameterNode, target)
        if self._logic.contours(target):
            self.live.changed(target)
        else:
            self._drop(target)
            self._onAllMeasured()
        self.update()

    def _onAddTarget(self, _checked=False) -> None:
        if not self._ui.newTargetLineEdit.text.strip():
            return
        with slicer.util.tryWithErrorDisplay(_("The target could not be added.")):
            target = self._logic.addTarget(self._parameterNode, self._ui.newTargetLineEdit.text)
            self._ui.newTargetLineEdit.text = ""
            self.select(target)

    def _updateEchoes(self) -> None:
        node, ui = self._parameterNode, self._ui
        hasEchoes = self._logic.hasEchoes(node)
        isSequence = hasEchoes and node.image.IsA("vtkMRMLSequenceNode")
        for widget in (ui.combinationLabel, ui.combinationComboBox, ui.singleEchoSpinBox):
            widget.setVisible(hasEchoes)
        for widget in (ui.echoTimesLabel, ui.echoTimesLineEdit):
            widget.setVisible(hasEchoes)
        for widget in (ui.echoesLabel, ui.echoesSelector):
            widget.setVisible(not isSequence and self._logic.mayHaveEchoes(node))
        ui.singleEchoSpinBox.enabled = node.echoCombination.value == "single"
        ui.echoTimesLineEdit.readOnly = isSequence
        declared = self._logic.echoTimesText(node)
        if declared:
            ui.echoTimesLineEdit.text = declared
        wasBlocked = ui.echoesSelector.blockSignals(True)
        chosen = self._logic.images(node)
        for volume in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
            state = 2 if volume in chosen[1:] else 0  # Qt::Checked, Qt::Unchecked
            if ui.echoesSelector.checkState(volume) != state:
                ui.echoesSelector.setCheckState(volume, state)
        ui.echoesSelector.blockSignals(wasBlocked)

    def _onEchoesChecked(self) -> None:
        if self._parameterNode and not self._isUpdating:
            self._parameterNode.echoes = [
                volume for volume in self._ui.echoesSelector.checkedNodes() if volume is not self._parameterNode.image
            ]

    def _onEchoTimes(self) -> None:
        text = self._ui.echoTimesLineEdit.text
        if self._parameterNode is None or text == self._logic.echoTimesText(self._parameterNode):
            return
        with slicer.util.tryWithErrorDisplay(_("The echo times were not taken over.")):
            self._logic.declareEchoTimes(self._parameterNode, text)
            self.update()

    def _onShowChart(self, _checked=False) -> None:
        node = self._parameterNode
        panelViews.showChart(self._logic.chart(node, node.selectedTarget), mayChangeLayout=True)

    def _onPreset(self, name: str) -> None:
        from .settings import ProfileSettings

        settings = ProfileSettings.paper() if name == "paper" else ProfileSettings()
        self._logic.showSettings(self._parameterNode, settings)

    def _onShowTable(self, _checked=False) -> None:
        self.live.finish()
        panelViews.showTable(self._parameterNode.resultsTable)

    def _onExport(self, _checked=False) -> None:
        import qt

        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Export tables, figures and provenance to"), ""
        )
        if folder:
            self.export(folder)

    def export(self, folder: str) -> None:
        """Write tables, figures and provenance of what may be seen into a folder."""
        from .panelExport import exportExam

        with slicer.util.tryWithErrorDisplay(_("The results could not be exported."), waitCursor=True):
            self.live.finish()
            exportExam(folder, self._logic.caseNodes(self._parameterNode), self._visibleMeasurements())
            self._ui.statusLabel.text = _("Exported to {folder}.").format(folder=folder)
