"""The buttons below the table of targets: draw, copy, flip, delete, and the user's own targets."""

from __future__ import annotations

import slicer
from ALSStudyLib import panelViews
from slicer.i18n import tr as _

from .panelTexts import targetText


class LineSection:
    """What the user does with the line of the target in hand.

    :param exam: `ExamPanel`, which draws and measures.
    """

    def __init__(self, ui, logic, exam):
        self._ui, self._logic, self._exam = ui, logic, exam
        ui.drawButton.connect("clicked(bool)", self._onDraw)
        ui.undoPointButton.connect("clicked(bool)", self._onUndoPoint)
        ui.flipButton.connect("clicked(bool)", self._onFlip)
        ui.copyUpButton.connect("clicked(bool)", lambda _checked: self._onCopy(1))
        ui.copyDownButton.connect("clicked(bool)", lambda _checked: self._onCopy(-1))
        ui.deleteLineButton.connect("clicked(bool)", self._onDelete)
        ui.useCurveButton.connect("clicked(bool)", self._onUseCurve)
        ui.curveSelector.connect("currentNodeChanged(vtkMRMLNode*)", lambda _node: self.update(self._parameterNode))
        ui.addTargetButton.connect("clicked(bool)", self._onAddTarget)
        ui.newTargetLineEdit.connect("textChanged(QString)", lambda _text: self.update(self._parameterNode))
        ui.newTargetLineEdit.connect("returnPressed()", self._onAddTarget)
        self._parameterNode = None
        self._shownSlice = None
        self._axialView = panelViews.AxialSliceFollower(self._onViewModified)
        self.problem = ""

    def update(self, parameterNode) -> None:
        """Enable what the target in hand allows; a disabled button says in its tooltip what it waits for."""
        self._parameterNode = parameterNode
        self._axialView.follow()
        self._shownSlice = self._logic.lines.shownSlice(parameterNode) if parameterNode else None
        for button, missing, toolTip in self._states():
            button.enabled = not missing
            button.toolTip = missing or toolTip
        self._ui.drawButton.checked = self._exam.drawing.isDrawing
        isOwn = self._isEmptyOwn()
        self._ui.deleteLineButton.text = _("Remove target") if isOwn else _("Delete line")

    def letGo(self) -> None:
        """Follow nothing, while the panel is not shown."""
        self._axialView.letGo()
        self._parameterNode = None

    def _onViewModified(self) -> None:
        """Scrolling changes which line is in the slice shown."""
        if self._parameterNode and self._logic.lines.shownSlice(self._parameterNode) != self._shownSlice:
            self.update(self._parameterNode)

    def _states(self):
        """(button, what it waits for or "", what it does)."""
        ui, logic, node = self._ui, self._logic, self._parameterNode
        target = node.selectedTarget if node else ""
        name = targetText(target) if target else ""
        hasLine = bool(target) and bool(logic.contours(target))
        noImage = "" if node and logic.hasVoxels(node) else _("Choose the image first")
        noTarget = "" if target else _("Click a target in the table first")
        noLine = noTarget or ("" if hasLine else _("Draw a line for {target} first").format(target=name))
        noLineHere = noLine or ("" if logic.lines.lineHere(node, target) else self._whereLinesAre(target))
        noCurve = "" if ui.curveSelector.currentNode() else _("Choose a curve of the scene beside this button")
        noName = "" if node and ui.newTargetLineEdit.text.strip() else _("Type the name of a place first")

        def noCopy(direction):
            return noImage or noLine or logic.lines.copyProblem(node, target, direction)

        deleted = _("Delete the line of {target} in the slice shown").format(target=name)
        removed = _("Remove {target} from the table").format(target=name)
        return (
            (
                ui.drawButton,
                noImage or noTarget,
                _(
                    "Draw the pial line of {target} in the slice shown: one click per point, Esc or right click ends"
                ).format(target=name),
            ),
            (
                ui.undoPointButton,
                "" if self._exam.drawing.isDrawing else noLineHere,
                _("Take back the last point of the line"),
            ),
            (ui.flipButton, noLine, _("Turn the normals to the other side, if they do not point into the cortex")),
            (ui.copyUpButton, noCopy(1), _("Copy the line to the next slice towards the head, to edit it there")),
            (ui.copyDownButton, noCopy(-1), _("Copy the line to the next slice towards the feet, to edit it there")),
            (
                ui.deleteLineButton,
                "" if self._isEmptyOwn() else noLineHere,
                removed if self._isEmptyOwn() else deleted,
            ),
            (
                ui.useCurveButton,
                noTarget or noCurve,
                _("Take the chosen curve as the pial line of {target}").format(target=name),
            ),
            (ui.addTargetButton, noName, _("Add a row for this place")),
        )

    def _whereLinesAre(self, target: str) -> str:
        slices = self._logic.lines.slicesText(self._parameterNode, target).split(", ")
        if len(slices) == 1:
            return _("This slice has no line of the target; there is one in slice {slice}.").format(slice=slices[0])
        return _("This slice has no line of the target; there are lines in slices {slices} and {last}.").format(
            slices=", ".join(slices[:-1]), last=slices[-1]
        )

    def _isEmptyOwn(self) -> bool:
        node = self._parameterNode
        target = node.selectedTarget if node else ""
        return bool(target) and target in node.ownTargets.split() and not self._logic.contours(target)

    # Acting ----------------------------------------------------------------------------------------------------

    @property
    def _target(self) -> str:
        return self._parameterNode.selectedTarget

    def _onDraw(self, checked: bool) -> None:
        if checked:
            self._exam.draw(self._target)
        else:
            self._exam.drawing.end()

    def _onUndoPoint(self, _checked=False) -> None:
        self._logic.lines.undoPoint(self._parameterNode, self._target, self._exam.drawing.drawnCurve)

    def _onFlip(self, _checked=False) -> None:
        from . import mrmlContours

        mrmlContours.flipNormals(self._logic.contours(self._target))
        self._exam.live.changed(self._target)

    def _onCopy(self, towardsHead: int) -> None:
        with slicer.util.tryWithErrorDisplay(_("The line could not be copied.")):
            curve = self._logic.lines.copyLine(self._parameterNode, self._target, towardsHead)
            panelViews.jumpTo(self._logic.lines.centerOf(curve))
            self._exam.update()

    def _onDelete(self, _checked=False) -> None:
        self._exam.drawing.end()
        if self._isEmptyOwn():
            self._logic.removeTarget(self._parameterNode, self._target)
        else:
            self._logic.lines.deleteLine(self._parameterNode, self._target)
        self._exam.update()

    def _onUseCurve(self, _checked=False) -> None:
        self._exam.drawing.end()
        self._logic.lines.assign(self._ui.curveSelector.currentNode(), self._target)
        self._ui.curveSelector.setCurrentNode(None)
        self._exam.select(self._target)
        self._exam.update()

    def _onAddTarget(self, _checked=False) -> None:
        name = self._ui.newTargetLineEdit.text
        if not name.strip():
            return
        try:
            target = self._logic.addTarget(self._parameterNode, name)
        except ValueError as error:
            self.problem = str(error)
            self._exam.update()
            return
        self.problem = ""
        self._ui.newTargetLineEdit.text = ""
        self._exam.select(target)
        self._exam.update()
