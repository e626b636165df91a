"""Phase Shift ROI: the module and its panel. What is measured, and how, is in PhaseShiftROILib."""

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import *

from ALSStudyLib.panelWidget import PanelWidget
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
<p>See the <a href="https://github.com/ALSMotorCortex/SlicerALSMotorCortex/blob/main/Docs/PhaseShiftROI.md">tutorial
and page of this module</a>, and
<a href="https://github.com/ALSMotorCortex/SlicerALSMotorCortex/blob/main/Docs/Methods.md">how it measures</a>. Method:
M.-Y. Liu et al., Journal of International Medical Research 2021;49(2).</p>
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
    from ALSStudyLib.panelSampleData import registerPhantom

    registerPhantom(SAMPLE_NAME, __file__, addPhantomCase)


def addPhantomCase(source=None):
    """Make the ALS-like phase phantom on the spot, show it and choose it; `source` is what Sample Data passes."""
    from ALSStudyLib import panelViews, phasePhantom

    caseNodes = None
    with slicer.util.tryWithErrorDisplay(_("The phantom could not be made."), waitCursor=True):
        rendered = phasePhantom.renderPhase(phasePhantom.alsLikePhase())
        caseNodes = phasePhantom.addPhaseCaseToScene(slicer.mrmlScene, rendered)
        PhaseShiftROILogic().chooseCase(caseNodes)
        panelViews.showImage(caseNodes.phase)
    return caseNodes


#
# PhaseShiftROIWidget
#


class PhaseShiftROIWidget(PanelWidget):
    """The panel of the module."""

    def makeLogic(self) -> PhaseShiftROILogic:
        return PhaseShiftROILogic()

    def makeExam(self, ui, logic):
        from PhaseShiftROILib.panelExam import ExamPanel

        return ExamPanel(ui, logic)
