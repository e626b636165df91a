"""ALS Cortex Profile: the panel, its logic and its self-test. What is measured, and how, is in ALSCortexProfileLib."""

import enum
import os

import vtk

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin

from slicer import vtkMRMLMarkupsCurveNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLTableNode

TARGET_ATTRIBUTE = "ALSMotorCortex.Target"
SAMPLE_NAME = "ALSMotorCortexPhantom"


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
<p>Measures how dark and how thick the deep layers of the primary motor cortex are on T2*-weighted images, along
the normals of a line drawn on the surface of the cortex. In amyotrophic lateral sclerosis (ALS) these layers can
become darker and thinner.</p>
<p>For each target the table gives the signal hypointensity (SH), the thickness of the dark band (Thk), their ratio
and the area of the band, each with its 95 % confidence interval.</p>
<p><b>Research use. Supportive, not diagnostic.</b></p>
<p>See the <a href="https://github.com/ALSMotorCortex/SlicerALSMotorCortex">documentation of the extension</a>.</p>
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
    """Make the ALS-like phantom on the spot and show it; `source` is what Sample Data passes."""
    from ALSStudyLib import phantom

    with slicer.util.tryWithErrorDisplay(_("The phantom could not be made."), waitCursor=True):
        caseNodes = phantom.addCaseToScene(slicer.mrmlScene, phantom.alsLikeCase())
        slicer.util.setSliceViewerLayers(background=caseNodes.images[0], fit=True)
    return caseNodes


#
# ALSCortexProfileParameterNode
#


class CortexTarget(enum.Enum):
    """Part of the primary motor cortex that a contour follows. Names and values are stored in scenes."""

    hand_knob_left = "hand_knob_left"
    hand_knob_right = "hand_knob_right"
    paracentral_left = "paracentral_left"
    paracentral_right = "paracentral_right"

    def label(self) -> str:
        """Name of the target in the user's language."""
        return {
            CortexTarget.hand_knob_left: _("Hand knob, left"),
            CortexTarget.hand_knob_right: _("Hand knob, right"),
            CortexTarget.paracentral_left: _("Paracentral lobule, left"),
            CortexTarget.paracentral_right: _("Paracentral lobule, right"),
        }[self]


def targetLabel(target: str) -> str:
    """Name of any target, of the user's own too, in the user's language."""
    return CortexTarget(target).label() if target in CortexTarget.__members__ else target


@parameterNodeWrapper
class ALSCortexProfileParameterNode:
    """
    What the user chose; it is saved with the scene.

    image - T2*-weighted image in which the cortex is measured.
    references - Segmentation with the segments Splenium and White matter.
    contour - Curve that the Assign button gives a target.
    target - Target that the Assign button gives the curve.
    resultsTable - Table of results that is shown.
    """

    image: vtkMRMLScalarVolumeNode | None
    references: vtkMRMLSegmentationNode | None
    contour: vtkMRMLMarkupsCurveNode | None
    target: CortexTarget = CortexTarget.hand_knob_left
    resultsTable: vtkMRMLTableNode | None


#
# ALSCortexProfileWidget
#


class ALSCortexProfileWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel of the module."""

    def __init__(self, parent=None) -> None:
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        VTKObservationMixin.__init__(self)  # needed for parameter node observation
        ScriptedLoadableModuleWidget.__init__(self, parent)  # last: without a parent it calls setup()

    def setup(self) -> None:
        """Build the panel, when the user opens the module for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/ALSCortexProfile.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)

        self.logic = ALSCortexProfileLogic()

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent):
            self.addObserver(scene, event, self.updatePanel)

        self.ui.assignButton.connect("clicked(bool)", self.onAssignButton)
        self.ui.measureButton.connect("clicked(bool)", self.onMeasureButton)

        # Needed when the module is reloaded
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Let go of the scene, when the application closes or the module is reloaded."""
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Follow the scene, each time the user opens this module."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Stop following the scene, each time the user opens another module."""
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event) -> None:
        """Let go of the parameter node before the scene closes."""
        self.setParameterNode(None)
        self.ui.statusLabel.text = ""

    def onSceneEndClose(self, caller, event) -> None:
        """Start again with the empty scene, if the module is shown."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Follow the scene's parameter node, and choose what need not be asked."""
        self.setParameterNode(self.logic.getParameterNode())
        self.logic.chooseDefaults(self._parameterNode)
        self.updatePanel()

    def setParameterNode(self, inputParameterNode: ALSCortexProfileParameterNode | None) -> None:
        """Connect the panel with the parameter node, or with none."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updatePanel)
        self._parameterNode = inputParameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updatePanel)

    def updatePanel(self, caller=None, event=None) -> None:
        """Show which contours will be measured, and what is still missing."""
        if not self._parameterNode or slicer.mrmlScene.IsBatchProcessing():
            return
        contour = self._parameterNode.contour
        self.ui.assignButton.enabled = contour is not None
        self.ui.assignButton.toolTip = (
            _("Say which part of the motor cortex {contour} follows").format(contour=contour.GetName())
            if contour
            else _("Choose a contour first")
        )
        self.ui.assignedContoursLabel.text = "\n".join(
            f"{targetLabel(curve.GetAttribute(TARGET_ATTRIBUTE))}: {curve.GetName()}" for curve in self.logic.contours()
        ) or _("none yet")
        missing = self.logic.whatIsMissing(self._parameterNode.image, self._parameterNode.references)
        self.ui.measureButton.enabled = not missing
        self.ui.measureButton.toolTip = missing or _("Measure the cortex below every contour that has a target")

    def onAssignButton(self) -> None:
        """Give the chosen curve the chosen target."""
        self.logic.assignTarget(self._parameterNode.contour, self._parameterNode.target.value)
        self.updatePanel()

    def onMeasureButton(self) -> None:
        """Measure, and show the table."""
        self.ui.statusLabel.text = ""
        with slicer.util.tryWithErrorDisplay(_("The cortex could not be measured."), waitCursor=True):
            table = self.logic.measure(self._parameterNode.image, self._parameterNode.references)
            self._parameterNode.resultsTable = table
            self.ui.statusLabel.text = _(
                "{count} targets measured, see the column status. Research use: supportive, not diagnostic."
            ).format(count=table.GetNumberOfRows())


#
# ALSCortexProfileLogic
#


class ALSCortexProfileLogic(ScriptedLoadableModuleLogic):
    """What the panel's buttons do, without the panel."""

    def getParameterNode(self) -> ALSCortexProfileParameterNode:
        return ALSCortexProfileParameterNode(super().getParameterNode())

    def chooseDefaults(self, parameterNode: ALSCortexProfileParameterNode) -> None:
        """Choose the image and the references where the scene has only one of them."""
        if not parameterNode.image:
            images = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
            # label maps are scalar volumes too
            images = [image for image in images if image.GetClassName() == "vtkMRMLScalarVolumeNode"]
            parameterNode.image = images[0] if len(images) == 1 else None
        if not parameterNode.references:
            segmentations = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
            parameterNode.references = segmentations[0] if len(segmentations) == 1 else None

    def contours(self) -> list[vtkMRMLMarkupsCurveNode]:
        """Curves of the scene that have a target."""
        curves = slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode")
        return [curve for curve in curves if curve.GetAttribute(TARGET_ATTRIBUTE)]

    def assignTarget(self, contour: vtkMRMLMarkupsCurveNode, target: str) -> None:
        """Say which part of the motor cortex a curve follows."""
        from ALSCortexProfileLib import mrml

        mrml.assignTarget(contour, target)

    def whatIsMissing(self, image: vtkMRMLScalarVolumeNode | None, references: vtkMRMLSegmentationNode | None) -> str:
        """What the user has still to do before the cortex can be measured; empty if nothing."""
        if not image:
            return _("Choose the T2*-weighted image")
        if not references:
            return _("Choose the segmentation with the segments Splenium and White matter")
        if not self.contours():
            return _("Draw a curve on the surface of the motor cortex and assign it a target")
        return ""

    def measure(
        self, image: vtkMRMLScalarVolumeNode, references: vtkMRMLSegmentationNode, settings=None, progress=None
    ) -> vtkMRMLTableNode:
        """
        Measure the cortex below every contour that has a target.

        :param image: T2*-weighted image.
        :param references: segmentation with the segments Splenium and White matter.
        :param settings: `ProfileSettings`, the defaults if not given.
        :param progress: passed on to `measureCase`.
        :return: table with a row per target.
        :raises ValueError: if the nodes cannot be measured; the text says what to do.
        """
        from ALSCortexProfileLib import mrml, mrmlResults
        from ALSCortexProfileLib.settings import ProfileSettings

        missing = self.whatIsMissing(image, references)
        if missing:
            raise ValueError(missing)
        caseNodes = mrml.CaseNodes(
            images=(image,),
            contours=tuple(self.contours()),
            references=references,
            settings=settings or ProfileSettings(),
        )
        measurements = mrml.measureCase(caseNodes, progress)
        mrml.storeCase(slicer.mrmlScene, caseNodes)
        return mrmlResults.writeResults(slicer.mrmlScene, caseNodes, measurements).resultsTable


#
# ALSCortexProfileTest
#


class ALSCortexProfileTest(ScriptedLoadableModuleTest):
    """Self-test of the module: the way from nodes to the table."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        for test in (self.test_measuresPhantom, self.test_saysWhatIsMissing):
            self.setUp()
            test()

    def test_measuresPhantom(self):
        """The ALS-like phantom gives a row with the status ok for each of its targets."""
        self.delayDisplay("Measuring the ALS-like phantom")
        caseNodes = addPhantomCase()
        logic = ALSCortexProfileLogic()
        parameterNode = logic.getParameterNode()
        logic.chooseDefaults(parameterNode)
        self.assertEqual(parameterNode.image, caseNodes.images[0])
        self.assertEqual(parameterNode.references, caseNodes.references)

        table = logic.measure(parameterNode.image, parameterNode.references)

        targets = {curve.GetAttribute(TARGET_ATTRIBUTE) for curve in logic.contours()}
        self.assertEqual(set(self._column(table, "target")), targets)
        self.assertEqual(self._column(table, "status"), ["ok"] * len(targets))
        self.delayDisplay("Test passed")

    def test_saysWhatIsMissing(self):
        """An empty scene is refused in words, and a curve counts once it has a target."""
        logic = ALSCortexProfileLogic()
        self.assertTrue(logic.whatIsMissing(None, None))
        with self.assertRaises(ValueError):
            logic.measure(None, None)
        curve = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode")
        self.assertEqual(logic.contours(), [])
        logic.assignTarget(curve, CortexTarget.paracentral_left.value)
        self.assertEqual(logic.contours(), [curve])

    @staticmethod
    def _column(table: vtkMRMLTableNode, name: str) -> list[str]:
        column = table.GetTable().GetColumnByName(name)
        return [column.GetValue(row) for row in range(table.GetNumberOfRows())]
