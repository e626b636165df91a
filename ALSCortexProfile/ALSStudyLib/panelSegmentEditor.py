"""Slicer's Segment Editor inside a panel: paint, erase and threshold, on the segmentation that the panel chooses."""

from __future__ import annotations

from collections.abc import Callable

import slicer
import vtk
from slicer.util import VTKObservationMixin

DEFAULTS_ATTRIBUTE = "ALSMotorCortex.Defaults"
EFFECTS = ("Threshold", "Paint", "Draw", "Erase")


class EmbeddedSegmentEditor(VTKObservationMixin):
    """A `qMRMLSegmentEditorWidget` with a parameter node of its own, so that the user's own editor stays as it is.

    :param brushMm: diameter that the brush has at first; None leaves Slicer's own, a share of the view.
    :param onModified: called when the editor has another effect, segment or option, whoever chose it.

    The panel calls `enter`, `exit`, `letGo` (before the scene closes) and `follow` (a new scene, or after loading).
    """

    def __init__(
        self, editorWidget, moduleName: str, brushMm: float | None = None, onModified: Callable[[], None] | None = None
    ):
        VTKObservationMixin.__init__(self)
        self._onModified = onModified
        self._editor, self._tag, self._brushMm = editorWidget, moduleName, brushMm
        self._editorNode = None
        editorWidget.setMaximumNumberOfUndoStates(10)
        editorWidget.setEffectNameOrder(list(EFFECTS))
        editorWidget.unorderedEffectsVisible = False
        # The panel chooses both nodes, and the segments are the measurement's own.
        for name in (
            "segmentationNodeSelectorVisible",
            "sourceVolumeNodeSelectorVisible",
            "switchToSegmentationsButtonVisible",
            "specifyGeometryButtonVisible",
            "show3DButtonVisible",
            "addRemoveSegmentButtonsVisible",
            "autoShowSourceVolumeNode",
        ):
            setattr(editorWidget, name, False)
        self.follow()
        editorWidget.setMRMLScene(slicer.mrmlScene)

    @property
    def segmentId(self) -> str:
        """The segment that is painted; "" if none."""
        return self._editor.currentSegmentID() or ""

    @property
    def effect(self) -> str:
        """Name of the effect that the mouse has; "" if none."""
        return (self._editorNode.GetActiveEffectName() or "") if self._editorNode else ""

    def follow(self) -> None:
        """Use the editor node of this scene; before the widget is given the scene, or it writes into none."""
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(self._tag, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(self._tag)
            node = scene.AddNode(node)
        if node.GetAttribute(DEFAULTS_ATTRIBUTE) is None:  # new, or reset since the scene was closed
            node.SetAttribute(DEFAULTS_ATTRIBUTE, "1")
            # A place painted twice belongs to both: references and regions are measured one by one.
            node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
            if self._brushMm is not None:
                node.SetAttribute("BrushDiameterIsRelative", "0")
                node.SetAttribute("BrushAbsoluteDiameter", str(self._brushMm))
        if node is not self._editorNode:
            self._editorNode = node
            self._editor.setMRMLSegmentEditorNode(node)
            self.removeObservers()
            if self._onModified is not None:
                self.addObserver(node, vtk.vtkCommand.ModifiedEvent, lambda _caller, _event: self._onModified())

    def show(self, segmentationNode, volumeNode) -> None:
        """Paint on a segmentation over an image, in view instead of the one before; None for either clears it."""
        if self._editorNode is None:
            return  # the scene is being closed
        before = self._editor.segmentationNode()
        if before is not segmentationNode:
            self._editor.setSegmentationNode(segmentationNode)
            for node, isVisible in ((before, False), (segmentationNode, True)):
                if node is not None:
                    node.SetDisplayVisibility(isVisible)
        if segmentationNode is not None and self._editor.sourceVolumeNode() is not volumeNode:
            self._editor.setSourceVolumeNode(volumeNode)

    def choose(self, segmentId: str) -> None:
        """Let the next stroke go to a segment."""
        self._editor.setCurrentSegmentID(segmentId)

    def saveForUndo(self) -> None:
        """Before a change that no effect makes: the editor's Undo button then takes it back."""
        self._editor.saveStateForUndo()

    def undo(self) -> None:
        """Take back the last stroke, or the change before which `saveForUndo` was called."""
        self._editor.undo()

    def paint(self, segmentId: str, effect: str = "Paint") -> None:
        """Choose a segment and an effect, ready for the mouse."""
        self._editor.setCurrentSegmentID(segmentId)
        if slicer.app.layoutManager() is not None:  # without views there is nothing to paint on, and Slicer crashes
            self._editor.setActiveEffectByName(effect)

    def stop(self) -> None:
        """Give the mouse back to the views."""
        self._editor.setActiveEffect(None)

    def pauseShortcuts(self) -> None:
        """While another mode needs a key of the editor, as Esc; two shortcuts for one key cancel each other."""
        self._editor.uninstallKeyboardShortcuts()

    def resumeShortcuts(self) -> None:
        if slicer.util.mainWindow() is not None:  # they need a window, or Qt complains, and crashes
            self._editor.installKeyboardShortcuts()

    def enter(self) -> None:
        self.follow()
        self.resumeShortcuts()
        self._editor.setupViewObservations()
        self._editor.updateWidgetFromMRML()

    def exit(self) -> None:
        self.stop()
        self._editor.uninstallKeyboardShortcuts()
        self._editor.removeViewObservations()

    def letGo(self) -> None:
        """Forget the scene's nodes, before it closes."""
        self.stop()
        self.removeObservers()
        self._editorNode = None
        self._editor.setSegmentationNode(None)
        self._editor.removeViewObservations()
