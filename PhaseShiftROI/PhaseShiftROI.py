"""Phase Shift ROI: the module and its panel. What is measured, and how, is in PhaseShiftROILib."""

import os

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin

from PhaseShiftROILib.panelLogic import PhaseShiftROILogic
from PhaseShiftROILib.panelSelfTest import PhaseShiftROITest  # noqa: F401 - Slicer looks for it here

SAMPLE_NAME = "ALSMotorCortexPhasePhantom"


#
# PhaseShiftROI
#


class PhaseShiftROI(ScriptedLoadableModule):
    """Name, place and help of the module in Slicer."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Phase Shift ROI")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["ALSCortexProfile"]  # its folder holds the shared package ALSStudyLib
        self.parent.contributors = ["ALSMotorCortex contributors"]
        self.parent.helpText = _("""
<p>Measures the phase shift of gray matter in regions of interest (ROI) on the phase images of susceptibility-weighted
imaging (SWI). Iron shifts the phase; in amyotrophic lateral sclerosis (ALS) the precentral gyrus can hold more of
it.</p>
<p>The phase is high-pass filtered, averaged over each region in each of its slices, and the most extreme slices are
kept: three of the precentral gyrus, one of the frontal cortex and the deep nuclei. Tables give the values in radians,
hertz and parts per billion, with the share of a shift that the filter leaves.</p>
<p><b>Research use. Supportive, not diagnostic.</b></p>
<p>See the <a href="https://github.com/ALSMotorCortex/SlicerALSMotorCortex">documentation of the extension</a>.</p>
""")
        self.parent.acknowledgementText = _("""
<p>The measurement follows M.-Y. Liu et al., Journal of International Medical Research 2021;49(2),
<a href="https://doi.org/10.1177/0300060521992222">doi 10.1177/0300060521992222</a>. It is an independent
implementation: the authors of the paper took no part in it.</p>
""")
        slicer.app.connect("startupCompleted()", registerSampleData)


#
# Sample data
#


def registerSampleData():
    """Offer the phase phantom in the Sample Data module."""
    import SampleData

    category = "ALSMotorCortex"
    SampleData.SampleDataLogic.registerCustomSampleDataCategory(category, title=_("ALS Motor Cortex"))
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=category,
        sampleName=SAMPLE_NAME,
        uris=[],  # nothing is downloaded
        fileNames=[],
        customDownloader=addPhantomCase,
        thumbnailFileName=os.path.join(os.path.dirname(__file__), "Resources", "Icons", "PhaseShiftROI.png"),
    )


def addPhantomCase(source=None):
    """Make the ALS-like phase phantom on the spot, show it and choose it; `source` is what Sample Data passes."""
    from ALSStudyLib import panelViews, phasePhantom

    with slicer.util.tryWithErrorDisplay(_("The phantom could not be made."), waitCursor=True):
        rendered = phasePhantom.renderPhase(phasePhantom.alsLikePhase())
        caseNodes = phasePhantom.addPhaseCaseToScene(slicer.mrmlScene, rendered)
        PhaseShiftROILogic().chooseCase(caseNodes)
        panelViews.showImage(caseNodes.phase)
    return caseNodes


#
# PhaseShiftROIWidget
#


class PhaseShiftROIWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
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
        from ALSStudyLib.panelScene import SceneFollower
        from PhaseShiftROILib.panelExam import ExamPanel

        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/PhaseShiftROI.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = PhaseShiftROILogic()
        self.exam = ExamPanel(self.ui, self.logic)
        self._sceneFollower = SceneFollower(self)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved)
        # Needed when the module is reloaded
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Let go of the scene, when the application closes or the module is reloaded."""
        if self.exam is not None:  # else the panel was never built
            self.setParameterNode(None)
            self._sceneFollower.removeObservers()
            self.exam.cleanup()
        self.removeObservers()

    def enter(self) -> None:
        """Follow the scene, each time the user opens this module."""
        self.exam.regions.editor.enter()
        self.initializeParameterNode()

    def exit(self) -> None:
        """Stop following the scene, each time the user opens another module."""
        self.setParameterNode(None)
        self.exam.regions.editor.exit()

    def onSceneStartClose(self) -> None:
        """Let go of the scene's nodes before it closes."""
        self.setParameterNode(None)
        self.exam.letGo()

    def onSceneEndClose(self) -> None:
        """Start again with the empty scene, if the module is shown."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneImported(self) -> None:
        """Show what a loaded scene holds, if the module is shown."""
        self.exam.forget()
        if self.parent.isEntered:
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, caller, event, node) -> None:
        if not slicer.mrmlScene.IsClosing():
            self.exam.letGoOf(node)

    def onNodesChanged(self) -> None:
        """A node came or went."""
        if self._parameterNode:
            self.exam.update()

    def initializeParameterNode(self) -> None:
        """Follow the scene's parameter node, and choose what need not be asked."""
        self.exam.regions.editor.follow()
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
        self.exam.update()
