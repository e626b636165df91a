"""Drawing pial lines: place mode of the Markups module, and telling the panel which target's line moves."""

from __future__ import annotations

from collections.abc import Callable

import slicer
from ALSStudyLib.mrmlNodes import TARGET_ATTRIBUTE
from ALSStudyLib.panelEscape import EscapeKey
from slicer.util import VTKObservationMixin


class ContourDrawing(VTKObservationMixin):
    """Starts and ends place mode for one target, and watches the curves of all.

    :param onMoved: called with a target whose placed points changed.
    :param onEnded: called with the target when drawing or a drag has ended.
    """

    def __init__(self, logic, onMoved: Callable[[str], None], onEnded: Callable[[str], None]):
        VTKObservationMixin.__init__(self)
        self._logic, self._onMoved, self._onEnded = logic, onMoved, onEnded
        self._watched: dict = {}
        self._points: dict = {}
        self._interaction = None
        self._escape = EscapeKey(self.end)
        self._dragged = None

    @property
    def isDragging(self) -> bool:
        """Whether a point is held by the mouse; not for a line that was deleted meanwhile."""
        return self._dragged is not None and self._dragged.GetScene() is not None

    @property
    def isDrawing(self) -> bool:
        return self.drawnCurve is not None

    @property
    def drawnCurve(self):
        """The curve that is being drawn, or None; the logic knows it, too."""
        return self._logic.drawnCurve

    def begin(self, curveNode) -> None:
        """Start place mode on a curve: each click adds a point, Esc or a right click ends."""
        self.end()
        selection, interaction = self._selectionNode(), self._interactionNode()
        selection.SetReferenceActivePlaceNodeClassName(curveNode.GetClassName())
        selection.SetActivePlaceNodeID(curveNode.GetID())
        interaction.SetPlaceModePersistence(1)
        interaction.SetCurrentInteractionMode(interaction.Place)
        self._logic.drawnCurve, self._interaction = curveNode, interaction
        self._escape.setEnabled(True)
        self.addObserver(interaction, interaction.InteractionModeChangedEvent, self._onInteractionMode)

    def end(self) -> None:
        """Leave place mode, if it is on for one of our curves."""
        if self.isDrawing:
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)

    def watch(self) -> None:
        """Follow the curves that the scene has now."""
        if self.isDrawing and self.drawnCurve.GetScene() is None:
            self.end()  # it was deleted while it was drawn
        curves = {curve.GetID(): curve for curve in self._logic.contours()}
        for identifier in [known for known in self._watched if curves.get(known) is not self._watched[known]]:
            curve = self._watched.pop(identifier)
            self._points.pop(identifier, None)
            for event, callback in self._events(curve):
                self.removeObserver(curve, event, callback)
        for identifier, curve in curves.items():
            if identifier not in self._watched:
                self._watched[identifier] = curve
                self._points[identifier] = _placedPoints(curve)
                for event, callback in self._events(curve):
                    self.addObserver(curve, event, callback)

    def letGo(self) -> None:
        """Forget all curves, before the scene closes."""
        self.end()
        self.removeObservers()
        self._watched.clear()
        self._points.clear()
        self._logic.drawnCurve = self._interaction = None
        self._escape.setEnabled(False)
        self._dragged = None

    def _events(self, curve):
        return (
            (curve.PointModifiedEvent, self._onPointModified),
            (curve.PointPositionDefinedEvent, self._onPointModified),
            (curve.PointRemovedEvent, self._onPointModified),
            (curve.PointStartInteractionEvent, self._onDragStart),
            (curve.PointEndInteractionEvent, self._onDragEnd),
            (slicer.vtkMRMLTransformableNode.TransformModifiedEvent, self._onPointModified),
        )

    def _onPointModified(self, curve, event) -> None:
        points = _placedPoints(curve)
        if points == self._points.get(curve.GetID()):
            return  # only the point under the mouse moved, which is not placed yet
        self._points[curve.GetID()] = points
        self._onMoved(curve.GetAttribute(TARGET_ATTRIBUTE))

    def _onDragStart(self, curve, event) -> None:
        self._dragged = curve

    def _onDragEnd(self, curve, event) -> None:
        self._dragged = None
        self._onEnded(curve.GetAttribute(TARGET_ATTRIBUTE))

    def _onInteractionMode(self, interaction, event) -> None:
        if interaction.GetCurrentInteractionMode() == interaction.Place:
            if self._selectionNode().GetActivePlaceNodeID() == self.drawnCurve.GetID():
                return
        self.removeObserver(interaction, interaction.InteractionModeChangedEvent, self._onInteractionMode)
        self._escape.setEnabled(False)
        curve, self._logic.drawnCurve, self._interaction = self.drawnCurve, None, None
        target = curve.GetAttribute(TARGET_ATTRIBUTE)
        scene = curve.GetScene()
        if scene is not None and not _placedPoints(curve):
            scene.RemoveNode(curve)  # nothing was drawn
        self._onEnded(target)

    @staticmethod
    def _selectionNode():
        return slicer.app.applicationLogic().GetSelectionNode()

    @staticmethod
    def _interactionNode():
        return slicer.app.applicationLogic().GetInteractionNode()


def _placedPoints(curve) -> tuple:
    from .mrml import readContour

    return tuple(map(tuple, readContour(curve).controlPoints_RAS))
