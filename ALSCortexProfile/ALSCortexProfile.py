"""ALS Cortex Profile: the module and its panel. What is measured, and how, is in ALSCortexProfileLib."""

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import *

from ALSCortexProfileLib.panelLogic import ALSCortexProfileLogic
from ALSStudyLib.panelWidget import PanelWidget
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
<p>See the <a href="https://github.com/ALSMotorCortex/SlicerALSMotorCortex/blob/main/README.md">tutorial</a>, the
<a href="https://github.com/ALSMotorCortex/SlicerALSMotorCortex/blob/main/Docs/ALSCortexProfile.md">page of this
module</a>, and <a href="https://github.com/ALSMotorCortex/SlicerALSMotorCortex/blob/main/Docs/Methods.md">how it
measures</a>. Method: G. Donatelli et al., American Journal of Neuroradiology 2018;39:63.</p>
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
    from ALSStudyLib.panelSampleData import registerPhantom

    registerPhantom(SAMPLE_NAME, __file__, addPhantomCase)


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


class ALSCortexProfileWidget(PanelWidget):
    """The panel of the module; it chooses the first image and references by itself when they are loaded."""

    def setup(self) -> None:
        from ALSStudyLib.panelTimer import Debounced

        super().setup()
        self._defaults = Debounced(self._chooseDefaults, LOADED_MS)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAddedEvent, self._onNodeAdded)

    def cleanup(self) -> None:
        if self.exam is not None:
            self._defaults.cancel()
        super().cleanup()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, caller, event, node) -> None:
        if node.IsA("vtkMRMLVolumeNode") or node.IsA("vtkMRMLSequenceNode") or node.IsA("vtkMRMLSegmentationNode"):
            self._defaults.request()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, caller, event, node) -> None:
        chosen = self._parameterNode
        if chosen and node in (chosen.image, chosen.references):
            self._defaults.cancel()  # what is deleted is not replaced by what came just before
        super()._onNodeAboutToBeRemoved(caller, event, node)

    def _chooseDefaults(self) -> None:
        if self._parameterNode and not (slicer.mrmlScene.IsBatchProcessing() or slicer.mrmlScene.IsImporting()):
            self.logic.chooseDefaults(self._parameterNode)

    def makeLogic(self) -> ALSCortexProfileLogic:
        return ALSCortexProfileLogic()

    def makeExam(self, ui, logic):
        from ALSCortexProfileLib.panelExam import ExamPanel

        return ExamPanel(ui, logic)
