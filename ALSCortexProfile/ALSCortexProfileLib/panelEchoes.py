"""Several echoes of one image: which volumes, their times, how they are combined."""

from __future__ import annotations

from collections.abc import Callable

import slicer


class EchoesSection:
    """The rows for echoes in the section Exam.

    :param onChanged: called when echoes or their times changed.
    """

    def __init__(self, ui, logic, onChanged: Callable[[], None]):
        self._ui, self._logic, self._onChanged = ui, logic, onChanged
        self._parameterNode = None
        self._images: tuple = ()
        self.problem = ""
        ui.echoesSelector.connect("checkedNodesChanged()", self._onChecked)
        ui.echoTimesLineEdit.connect("editingFinished()", self._onTimes)

    def update(self, parameterNode) -> None:
        """Show the rows that the image needs."""
        self._parameterNode = parameterNode
        ui, logic = self._ui, self._logic
        hasEchoes = logic.hasEchoes(parameterNode)
        isSequence = hasEchoes and parameterNode.image.IsA("vtkMRMLSequenceNode")
        for widget in (
            ui.combinationLabel,
            ui.combinationComboBox,
            ui.singleEchoSpinBox,
            ui.echoTimesLabel,
            ui.echoTimesLineEdit,
        ):
            widget.setVisible(hasEchoes)
        for widget in (ui.echoesLabel, ui.echoesSelector):
            widget.setVisible(not isSequence and logic.mayHaveEchoes(parameterNode))
        ui.singleEchoSpinBox.enabled = parameterNode.echoCombination.value == "single"
        ui.echoTimesLineEdit.readOnly = isSequence
        images = tuple(image.GetID() for image in logic.images(parameterNode))
        declared = logic.echoTimesText(parameterNode)
        if declared or images != self._images:
            self.problem = ""
            ui.echoTimesLineEdit.text = declared  # nothing of the image before
        self._images = images
        self._showChecked()

    def _showChecked(self) -> None:
        selector, chosen = self._ui.echoesSelector, self._logic.images(self._parameterNode)
        wasBlocked = selector.blockSignals(True)
        for volume in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
            state = 2 if volume in chosen[1:] else 0  # Qt::Checked, Qt::Unchecked
            if selector.checkState(volume) != state:
                selector.setCheckState(volume, state)
        selector.blockSignals(wasBlocked)

    def _onChecked(self) -> None:
        if self._parameterNode:
            checked = self._ui.echoesSelector.checkedNodes()
            self._parameterNode.echoes = [volume for volume in checked if volume is not self._parameterNode.image]

    def _onTimes(self) -> None:
        text = self._ui.echoTimesLineEdit.text
        if not self._parameterNode or not self._logic.hasEchoes(self._parameterNode):
            return
        if text.strip() == self._logic.echoTimesText(self._parameterNode):
            return
        try:
            self._logic.declareEchoTimes(self._parameterNode, text)
            self.problem = ""
        except ValueError as error:
            self.problem = str(error)
        self._onChanged()
