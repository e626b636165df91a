"""What the widgets of both modules share: they build the panel, and follow the scene while it is shown."""

from __future__ import annotations

import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin


class PanelWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The widget of a module whose panel is an `ExamPanel`.

    A module gives it `makeLogic()` and `makeExam(ui, logic)`. The exam has `setParameterNode`, `update`, `enter`,
    `exit`, `forget` (a new scene), `letGo` (before the scene closes), `letGoOf` (a node is about to go) and `cleanup`.
    """

    def __init__(self, parent=None) -> None:
        self.logic = None
        self.exam = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        VTKObservationMixin.__init__(self)  # needed for parameter node observation
        ScriptedLoadableModuleWidget.__init__(self, parent)  # last: without a parent it calls setup()

    def setup(self) -> None:
        """Build the panel, when the user opens the module for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = self.makeLogic()
        self.exam = self.makeExam(self.ui, self.logic)
        scene = slicer.mrmlScene
        for event, callback in (
            (scene.StartCloseEvent, self._onSceneStartClose),
            (scene.EndCloseEvent, self._onSceneEndClose),
            (scene.EndImportEvent, self._onSceneImported),
            (scene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved),
            (scene.NodeAddedEvent, self._onNodesChanged),
            (scene.NodeRemovedEvent, self._onNodesChanged),
            (scene.EndBatchProcessEvent, self._onNodesChanged),
        ):
            self.addObserver(scene, event, callback)
        # Needed when the module is reloaded
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Let go of the scene, when the application closes or the module is reloaded."""
        if self.exam is not None:  # else the panel was never built
            self.setParameterNode(None)
            self.exam.cleanup()
        self.removeObservers()

    def enter(self) -> None:
        """Follow the scene, each time the user opens this module."""
        self.exam.enter()
        self.initializeParameterNode()

    def exit(self) -> None:
        """Stop following the scene, each time the user opens another module."""
        self.exam.exit()
        self.setParameterNode(None)

    def initializeParameterNode(self) -> None:
        """Follow the scene's parameter node, and choose what need not be asked."""
        self.exam.followScene()
        self.setParameterNode(self.logic.getParameterNode())
        self.logic.chooseDefaults(self._parameterNode)
        self.exam.update()

    def setParameterNode(self, inputParameterNode) -> None:
        """Connect the panel with the parameter node, or with none."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameterNodeModified)
        self._parameterNode = inputParameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameterNodeModified)
        self.exam.setParameterNode(self._parameterNode)

    def _onParameterNodeModified(self, caller=None, event=None) -> None:
        if not slicer.mrmlScene.IsBatchProcessing():
            self.exam.update()

    def _onSceneStartClose(self, caller=None, event=None) -> None:
        """Let go of the scene's nodes before it closes."""
        self.setParameterNode(None)
        self.exam.letGo()

    def _onSceneEndClose(self, caller=None, event=None) -> None:
        """Start again with the empty scene, if the module is shown."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def _onSceneImported(self, caller=None, event=None) -> None:
        """Show what a loaded scene holds, if the module is shown."""
        self.exam.forget()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def _onNodesChanged(self, caller=None, event=None) -> None:
        """A node came or went."""
        scene = slicer.mrmlScene
        if self._parameterNode and not (scene.IsBatchProcessing() or scene.IsClosing() or scene.IsImporting()):
            self.exam.update()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, caller, event, node) -> None:
        if not slicer.mrmlScene.IsClosing():
            self.exam.letGoOf(node)
