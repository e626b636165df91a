"""Which buttons below the table of targets can be pressed, and why not."""

from __future__ import annotations

from slicer.i18n import tr as _

from .panelTexts import targetText


def updateButtons(ui, logic, parameterNode, isDrawing: bool) -> None:
    """Enable what the target in hand allows; a disabled button says in its tooltip what it waits for."""
    target = parameterNode.selectedTarget if parameterNode else ""
    hasImage = bool(parameterNode and parameterNode.image)
    hasLine = bool(target) and bool(logic.contours(target))
    first = _("Click a target in the table first")
    name = targetText(target) if target else ""
    noImage = "" if hasImage else _("Choose the image first")
    noTarget = "" if target else first
    noLine = noTarget or ("" if hasLine else _("Draw a line for {target} first").format(target=name))
    noCopy = noImage or noLine

    def noCopyTo(direction):
        return noCopy or logic.lines.copyProblem(parameterNode, target, direction)

    for button, missing, toolTip in (
        (
            ui.drawButton,
            noImage or noTarget,
            _("Draw the pial line of {target} in the slice shown: one click per point, Esc or right click ends").format(
                target=name
            ),
        ),
        (ui.undoPointButton, noLine, _("Take back the last point of the line")),
        (ui.flipButton, noLine, _("Turn the normals to the other side, if they do not point into the cortex")),
        (ui.copyUpButton, noCopyTo(1), _("Copy the line to the next slice towards the head, to edit it there")),
        (ui.copyDownButton, noCopyTo(-1), _("Copy the line to the next slice towards the feet, to edit it there")),
        (ui.deleteLineButton, noLine, _("Delete the line of {target} in the slice shown").format(target=name)),
    ):
        button.enabled = not missing
        button.toolTip = missing or toolTip
    if not isDrawing:
        ui.drawButton.checked = False
    hasName = bool(ui.newTargetLineEdit.text.strip())
    ui.addTargetButton.enabled = hasName and parameterNode is not None
    ui.addTargetButton.toolTip = _("Add a row for this place") if hasName else _("Type the name of a place first")
