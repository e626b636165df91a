"""ALS Cortex Profile: the module and its panel. What is measured, and how, is in ALSCortexProfileLib."""

import os

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin

from ALSCortexProfileLib.panelLogic import ALSCortexProfileLogic
from ALSCortexProfileLib.panelSelfTest import ALSCortexProfileTest  # noqa: F401 - Slicer looks for it here

SAMPLE_NAME = "ALSMotorCortexPhantom"
LOADED_MS = 100  # a node enters the scene before its voxels do


#
# ALSCortexProfile
#


class ALSCortexProfile(ScriptedLoadableModule):
    """Name, place and help of the module in Slicer."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("ALS Cortex Profile")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = []
        self.parent.contributors = ["ALSMotorCortex contributors"]
        self.parent.helpText = _("""
<p>Measures how dark and how thick the deep layers of the primary motor cortex are on T2*-weighted images: choose a
target, draw a line on the surface of the cortex, paint the references, read the number with its confidence interval.
In amyotrophic lateral sclerosis (ALS) these layers can become darker and thinner.</p>
<p><b>Research use. Supportive, not diagnostic.</b></p>
<p>See the <a href="https://github.com/ALSMotorCortex/SlicerALSMotorCortex">documentation of the extension</a>.
Method: G. Donatelli et al., American Journal of Neuroradiology 2018;39:63.</p>
""")
        self.parent.acknowledgementText = _("""
<p>The measurement follows G. Donatelli et al., American Journal of Neuroradiology 2018;39:63. It is an independent
implementation: the authors of the paper took no part in it.</p>
""")
        slicer.app.connect("startupCompleted()", registerSampleData)


#
# Sample data
#


def registerSampleData():
    """Offer the phantom case in the Sample Data module."""
    import SampleData

    category = "ALSMotorCortex"
    SampleData.SampleDataLogic.registerCustomSampleDataCategory(category, title=_("ALS Motor Cortex"))
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=category,
        sampleName=SAMPLE_NAME,
        uris=[],  # nothing is downloaded
        fileNames=[],
        customDownloader=addPhantomCase,
        thumbnailFileName=os.path.join(os.path.dirname(__file__), "Resources", "Icons", "ALSCortexProfile.png"),
    )


def addPhantomCase(source=None):
    """Make the ALS-like phantom on the spot, show it and choose it; `source` is what Sample Data passes."""
    from ALSStudyLib import panelViews, phantom

    caseNodes = None
    with slicer.util.tryWithErrorDisplay(_("The phantom could not be made."), waitCursor=True):
        caseNodes = phantom.addCaseToScene(slicer.mrmlScene, phantom.alsLikeCase())
        ALSCortexProfileLogic().chooseCase(caseNodes)
        panelViews.showImage(caseNodes.images[0])
    return caseNodes


#
# ALSCortexProfileWidget
#


class ALSCortexProfileWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel of the module: it connects its sections with the scene."""

    def __init__(self, parent=None) -> None:
        self.logic = None
        self.exam = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        VTKObservationMixin.__init__(self)  # needed for parameter node observation
        ScriptedLoadableModuleWidget.__init__(self, parent)  # last: without a parent it calls setup()

    def setup(self) -> None:
        """Build the panel, when the user opens the module for the first time."""
        from ALSCortexProfileLib.panelExam import ExamPanel
        from ALSStudyLib.panelScene import SceneFollower
        from ALSStudyLib.panelTimer import Debounced

        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/ALSCortexProfile.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = ALSCortexProfileLogic()
        self.exam = ExamPanel(self.ui, self.logic)
        self._sceneFollower = SceneFollower(self)
        self._defaults = Debounced(self._chooseDefaults, LOADED_MS)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.NodeAddedEvent, self._onNodeAdded)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved)
        # Needed when the module is reloaded
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Let go of the scene, when the application closes or the module is reloaded."""
        if self.exam is not None:
            self.setParameterNode(None)
            self._defaults.cancel()
            self._sceneFollower.removeObservers()
            self.exam.cleanup()
        self.removeObservers()

    def enter(self) -> None:
        """Follow the scene, each time the user opens this module."""
        self.exam.references.editor.enter()
        self.initializeParameterNode()

    def exit(self) -> None:
        """Stop following the scene, each time the user opens another module."""
        self.exam.drawing.end()
        self.exam.references.stop()
        self.exam.references.editor.exit()
        self.setParameterNode(None)

    def onSceneStartClose(self) -> None:
        """Let go of the scene's nodes before it closes."""
        self.setParameterNode(None)
        self.exam.letGo()

    def onSceneEndClose(self) -> None:
        """Start again with the empty scene, if the module is shown."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneImported(self) -> None:
        """Measure what a loaded scene holds, if the module is shown."""
        if self.parent.isEntered:
            self.exam.forget()
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, caller, event, node) -> None:
        """The first image or the first references of the scene need not be chosen, once they are loaded."""
        if node.IsA("vtkMRMLVolumeNode") or node.IsA("vtkMRMLSequenceNode") or node.IsA("vtkMRMLSegmentationNode"):
            self._defaults.request()

    def _chooseDefaults(self) -> None:
        if self._parameterNode and not (slicer.mrmlScene.IsBatchProcessing() or slicer.mrmlScene.IsImporting()):
            self.logic.chooseDefaults(self._parameterNode)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, caller, event, node) -> None:
        if self._parameterNode and not slicer.mrmlScene.IsClosing():
            self.exam.letGoOf(node)

    def onNodesChanged(self) -> None:
        """A node came or went: a curve, an image."""
        if self._parameterNode:
            self.exam.update()

    def initializeParameterNode(self) -> None:
        """Follow the scene's parameter node, and choose what need not be asked."""
        self.exam.references.editor.follow()
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
