"""One click in a slice view: a place mode of Slicer's markups, whose points are used and vanish."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from ALSStudyLib.panelEscape import EscapeKey
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin


class PointPlacer(VTKObservationMixin):
    """Asks for points until the user presses Esc: the right mouse button opens the view's menu.

    :param onPoint: called with a place in the world, (3,), mm. onEnded: called when the mode has ended, however.
    """

    def __init__(self, onPoint: Callable, onEnded: Callable[[], None]):
        VTKObservationMixin.__init__(self)
        self._onPoint, self._onEnded = onPoint, onEnded
        self._node = None
        self._escape = EscapeKey(self.stop)

    @property
    def isActive(self) -> bool:
        return self._node is not None

    def start(self) -> None:
        """Let the next click in a slice view be a place."""
        if self.isActive:
            return
        self._newNode()
        interactionNode = slicer.app.applicationLogic().GetInteractionNode()
        interactionNode.SwitchToPersistentPlaceMode()
        self.addObserver(interactionNode, interactionNode.InteractionModeChangedEvent, self._modeChanged)
        self._escape.setEnabled(True)

    def stop(self) -> None:
        """End the mode, and give the mouse back to the views."""
        if not self.isActive:
            return
        self.removeObservers()
        self._escape.setEnabled(False)
        self._removeNode(self._node)
        self._node = None
        application = slicer.app.applicationLogic()
        application.GetInteractionNode().SwitchToViewTransformMode()
        application.GetSelectionNode().SetReferenceActivePlaceNodeID("")
        self._onEnded()

    def _newNode(self) -> None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", _("Place of a region"))
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        if display is not None:
            display.SetPointLabelsVisibility(False)
        self._node = node
        self.addObserver(node, node.PointPositionDefinedEvent, self._pointDefined)
        selectionNode = slicer.app.applicationLogic().GetSelectionNode()
        selectionNode.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selectionNode.SetActivePlaceNodeID(node.GetID())

    def _pointDefined(self, node, _event) -> None:
        if node is not self._node:
            return
        position_RAS = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(node.GetNumberOfControlPoints() - 1, position_RAS)
        # Slicer is still busy with this node: a new one takes the next click, and this one goes when Slicer is done.
        self.removeObserver(node, node.PointPositionDefinedEvent, self._pointDefined)
        self._newNode()
        qt.QTimer.singleShot(0, lambda: self._removeNode(node))
        self._onPoint(position_RAS)

    def _modeChanged(self, interactionNode, _event) -> None:
        if interactionNode.GetCurrentInteractionMode() != interactionNode.Place:
            self.stop()

    @staticmethod
    def _removeNode(node) -> None:
        if node.GetScene() is not None:
            node.GetScene().RemoveNode(node)
