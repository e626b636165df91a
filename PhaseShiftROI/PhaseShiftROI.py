"""Phase Shift ROI: the panel, its logic and its self-test. What is measured, and how, is in PhaseShiftROILib."""

import enum
import json
import math
import os
from typing import Annotated

import vtk

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLTableNode

OUTPUT_ATTRIBUTE = "PhaseShiftROI.Output"
SAMPLE_NAME = "ALSMotorCortexPhasePhantom"
MAX_ECHO_TIME_MS, MAX_FIELD_STRENGTH_T, MIN_LINES, MAX_LINES = 999, 29, 4, 4096


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
    from ALSStudyLib import phasePhantom

    with slicer.util.tryWithErrorDisplay(_("The phantom could not be made."), waitCursor=True):
        rendered = phasePhantom.renderPhase(phasePhantom.alsLikePhase())
        caseNodes = phasePhantom.addPhaseCaseToScene(slicer.mrmlScene, rendered)
        PhaseShiftROILogic().chooseCase(caseNodes)
        slicer.util.setSliceViewerLayers(background=caseNodes.phase, fit=True)
    return caseNodes


#
# PhaseShiftROIParameterNode
#


class PhaseEncoding(enum.Enum):
    """How the scanner stored the phase. Names are stored in scenes, values are those of the library."""

    not_chosen = ""
    radians = "radians"
    siemens = "siemens"
    philips_mrad = "philips_mrad"

    def label(self) -> str:
        """Name of the encoding in the user's language."""
        return {
            PhaseEncoding.not_chosen: _("Choose..."),
            PhaseEncoding.radians: _("Radians"),
            PhaseEncoding.siemens: _("Siemens: -4096 to 4095, or 0 to 4095"),
            PhaseEncoding.philips_mrad: _("Milliradians (Philips)"),
        }[self]


class PhasePolarity(enum.Enum):
    """Sign that iron has in the image. Names are stored in scenes, values are those of the library."""

    unknown = "unknown"
    paramagnetic_negative = "paramagnetic_negative"
    paramagnetic_positive = "paramagnetic_positive"

    def label(self) -> str:
        """Name of the polarity in the user's language."""
        return {
            PhasePolarity.unknown: _("Unknown"),
            PhasePolarity.paramagnetic_negative: _("Iron is negative"),
            PhasePolarity.paramagnetic_positive: _("Iron is positive"),
        }[self]


class PhaseFilter(enum.Enum):
    """High-pass that takes the background away. Names are stored in scenes, values are those of the library."""

    homodyne = "homodyne"
    laplacian = "laplacian"
    none = "none"

    def label(self) -> str:
        """Name of the filter in the user's language."""
        return {
            PhaseFilter.homodyne: _("Homodyne, slice by slice"),
            PhaseFilter.laplacian: _("Laplacian unwrapping, then a Gaussian"),
            PhaseFilter.none: _("None"),
        }[self]


class SliceRule(enum.Enum):
    """Which slices of a region are kept. Names are stored in scenes, values are those of the library."""

    ranked = "ranked"
    consecutive = "consecutive"

    def label(self) -> str:
        """Name of the rule in the user's language."""
        return {
            SliceRule.ranked: _("Ranked: the most extreme slices"),
            SliceRule.consecutive: _("Consecutive: the most extreme run of slices"),
        }[self]


@parameterNodeWrapper
class PhaseShiftROIParameterNode:
    """
    What the user chose; it is saved with the scene.

    phase - Phase image in which the regions are measured.
    real - Real image, instead of the phase.
    imaginary - Imaginary image, beside the real one.
    magnitude - Magnitude image of the same acquisition; it weighs the filter, and makes the SWI.
    encoding - How the scanner stored the phase; there is no value before it is chosen.
    echoTimeMs - Echo time, ms; 0 is not known.
    fieldStrengthT - Field strength, T; 0 is not known.
    polarity - Sign that iron has in the image.
    alreadyFiltered - The scanner has high-pass filtered the phase.
    filteredLines - Central k-space lines of the scanner's filter; 0 is not known.
    correctSignFlips - Add pi to every second slice.
    filter - High-pass that takes the background away.
    kernelLines - Central k-space lines of the filter.
    sliceRule - Which slices of a region are kept.
    regions - Segmentation of the regions, on the grid of the phase.
    subject - Subject identifier in the tables.
    exam - Exam of the subject in the tables.
    resultsTable - Table of results that is shown.
    describedVolume - Volume whose own declaration the panel has taken over.
    settings - All settings of the last measurement as JSON, also those that the panel does not show.
    shownSettings - The `settings` that the panel has taken over.
    """

    phase: vtkMRMLScalarVolumeNode | None
    real: vtkMRMLScalarVolumeNode | None
    imaginary: vtkMRMLScalarVolumeNode | None
    magnitude: vtkMRMLScalarVolumeNode | None
    encoding: PhaseEncoding = PhaseEncoding.not_chosen
    echoTimeMs: Annotated[float, WithinRange(0, MAX_ECHO_TIME_MS)] = 0
    fieldStrengthT: Annotated[float, WithinRange(0, MAX_FIELD_STRENGTH_T)] = 0
    polarity: PhasePolarity = PhasePolarity.unknown
    alreadyFiltered: bool = False
    filteredLines: Annotated[int, WithinRange(0, MAX_LINES)] = 0
    correctSignFlips: bool = False
    filter: PhaseFilter = PhaseFilter.homodyne
    kernelLines: Annotated[int, WithinRange(MIN_LINES, MAX_LINES)] = 64
    sliceRule: SliceRule = SliceRule.ranked
    regions: vtkMRMLSegmentationNode | None
    subject: str
    exam: str
    resultsTable: vtkMRMLTableNode | None
    describedVolume: vtkMRMLScalarVolumeNode | None
    settings: str
    shownSettings: str


#
# PhaseShiftROIWidget
#


class PhaseShiftROIWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
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
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/PhaseShiftROI.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)

        self.logic = PhaseShiftROILogic()

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.EndBatchProcessEvent, self.updatePanel)

        self.ui.addRegionsButton.connect("clicked(bool)", self.onAddRegionsButton)
        self.ui.prepareButton.connect("clicked(bool)", self.onPrepareButton)
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

    def setParameterNode(self, inputParameterNode: PhaseShiftROIParameterNode | None) -> None:
        """Connect the panel with the parameter node, or with none."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updatePanel)
        self._parameterNode = inputParameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updatePanel)

    def updatePanel(self, caller=None, event=None) -> None:
        """Take over what a newly chosen volume says of itself, and show what is still missing."""
        parameterNode = self._parameterNode
        if not parameterNode or slicer.mrmlScene.IsBatchProcessing():
            return
        try:
            self.logic.takeOver(parameterNode)
        except ValueError as error:  # what the volume or the scene says of itself is not understood
            self.ui.statusLabel.text = str(error)
        self.ui.kernelMmLabel.text = self.logic.kernelText(parameterNode)
        self.ui.encodingComboBox.enabled = not self.logic.isComplex(parameterNode)
        self.ui.filteredLinesSpinBox.enabled = parameterNode.alreadyFiltered
        self.ui.kernelLinesSpinBox.enabled = parameterNode.filter != PhaseFilter.none

        volume = self.logic.declaredVolume(parameterNode)
        self.ui.addRegionsButton.enabled = volume is not None
        self.ui.addRegionsButton.toolTip = (
            _("Add an empty segmentation of the ten regions on the grid of {volume}").format(volume=volume.GetName())
            if volume
            else _("Choose the phase image first")
        )
        missing = self.logic.whatIsMissing(parameterNode)
        self.ui.prepareButton.enabled = self.ui.measureButton.enabled = not missing
        self.ui.prepareButton.toolTip = missing or _("Filter the phase; make the SWI and its projection")
        self.ui.measureButton.toolTip = missing or _("Filter the phase and measure every region")

    def onAddRegionsButton(self) -> None:
        """Add the empty regions, to be painted."""
        self.ui.statusLabel.text = ""
        with slicer.util.tryWithErrorDisplay(_("The regions could not be added."), waitCursor=True):
            regions = self.logic.addRegions(self.logic.declaredVolume(self._parameterNode))
            self._parameterNode.regions = regions
            self.ui.statusLabel.text = _("{regions} added: paint its segments in the Segment Editor.").format(
                regions=regions.GetName()
            )

    def onPrepareButton(self) -> None:
        """Filter the phase, and show it."""
        self.ui.statusLabel.text = ""
        with slicer.util.tryWithErrorDisplay(_("The phase could not be prepared."), waitCursor=True):
            prepared, corrected, weighted, _projection = self.logic.prepare(self._parameterNode)
            slicer.util.setSliceViewerLayers(background=corrected)
            remarks = [
                _("{volume} made; filter: {filter}.").format(volume=corrected.GetName(), filter=prepared.filter.text)
            ]
            if weighted is None:
                remarks.append(_("No SWI: it needs the magnitude, filtered phase and the polarity."))
            if prepared.flags:
                remarks.append(_("Flags: {flags}.").format(flags=", ".join(prepared.flags)))
            self.ui.statusLabel.text = "\n".join(remarks)

    def onMeasureButton(self) -> None:
        """Measure, and show the table."""
        self.ui.statusLabel.text = ""
        with slicer.util.tryWithErrorDisplay(_("The phase shift could not be measured."), waitCursor=True):
            resultNodes = self.logic.measure(self._parameterNode)
            self._parameterNode.resultsTable = resultNodes.resultsTable
            values = slicer.util.arrayFromTableColumn(resultNodes.regionsTable, "extreme_rad")
            self.ui.statusLabel.text = _(
                "{measured} of {count} regions have a value, see the column flags. "
                "Research use: supportive, not diagnostic."
            ).format(measured=sum(math.isfinite(value) for value in values), count=len(values))


#
# PhaseShiftROILogic
#


class PhaseShiftROILogic(ScriptedLoadableModuleLogic):
    """What the panel's buttons do, without the panel."""

    def getParameterNode(self) -> PhaseShiftROIParameterNode:
        return PhaseShiftROIParameterNode(super().getParameterNode())

    # Choosing --------------------------------------------------------------------------------------------------

    def chooseDefaults(self, parameterNode: PhaseShiftROIParameterNode) -> None:
        """Choose images by their role, and the segmentation Regions, where the scene has only one of them."""
        from ALSStudyLib.mrmlNodes import ROLE_ATTRIBUTE, scalarVolumeNodes
        from PhaseShiftROILib import mrml

        def theOnly(nodes):
            return nodes[0] if len(nodes) == 1 else None

        def withRole(role):
            volumes = scalarVolumeNodes(slicer.mrmlScene)
            return theOnly([volume for volume in volumes if volume.GetAttribute(ROLE_ATTRIBUTE) == role])

        if not (parameterNode.phase or parameterNode.real or parameterNode.imaginary):
            parameterNode.phase = withRole(mrml.PHASE_ROLE)
            if not parameterNode.phase:
                parameterNode.real, parameterNode.imaginary = withRole(mrml.REAL_ROLE), withRole(mrml.IMAGINARY_ROLE)
            if self.declaredVolume(parameterNode) and not parameterNode.magnitude:
                parameterNode.magnitude = withRole(mrml.MAGNITUDE_ROLE)
        if not parameterNode.regions:
            segmentations = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
            parameterNode.regions = theOnly([node for node in segmentations if node.GetName() == mrml.REGIONS_NAME])

    def chooseCase(self, caseNodes) -> None:
        """Choose the nodes of a `PhaseCaseNodes`, its subject and exam, and show what its phase declares."""
        parameterNode = self.getParameterNode()
        with slicer.util.NodeModify(parameterNode):
            for name in ("phase", "real", "imaginary", "magnitude", "regions", "subject", "exam"):
                parameterNode.setValue(name, getattr(caseNodes, name))
            self.takeOver(parameterNode)

    def takeOver(self, parameterNode: PhaseShiftROIParameterNode) -> None:
        """
        Show what a newly chosen volume declares of itself, and the settings that a scene came with.

        What was declared of one volume does not hold for the next: what the new one does not say is asked again.

        :raises ValueError: if a volume's attributes or the scene's settings are not understood.
        """
        volume = self.declaredVolume(parameterNode)
        with slicer.util.NodeModify(parameterNode):
            if parameterNode.settings != parameterNode.shownSettings:
                parameterNode.shownSettings = parameterNode.settings
                self._showSettings(parameterNode)
            if volume is not parameterNode.describedVolume:
                parameterNode.describedVolume = volume
                if volume:
                    self._showAcquisition(parameterNode, volume)

    def _showSettings(self, parameterNode) -> None:
        settings = self._storedSettings(parameterNode)
        parameterNode.filter = PhaseFilter(settings.filter)
        parameterNode.kernelLines = min(settings.kernelLines, MAX_LINES)
        parameterNode.sliceRule = SliceRule(settings.sliceRule)
        parameterNode.correctSignFlips = settings.correctSignFlips

    def _showAcquisition(self, parameterNode, volume) -> None:
        from PhaseShiftROILib import mrml

        def known(value, largest):
            return value if value and 0 < value <= largest else 0

        def choice(enumeration, value, otherwise):
            return next((member for member in enumeration if member.value == value), otherwise)

        def show(declared):
            parameterNode.encoding = choice(PhaseEncoding, declared.encoding, PhaseEncoding.not_chosen)
            parameterNode.echoTimeMs = known(declared.echoTimeMs, MAX_ECHO_TIME_MS)
            parameterNode.fieldStrengthT = known(declared.fieldStrengthT, MAX_FIELD_STRENGTH_T)
            parameterNode.polarity = choice(PhasePolarity, declared.polarity, PhasePolarity.unknown)
            parameterNode.alreadyFiltered = declared.filter != mrml.UNFILTERED
            parameterNode.filteredLines = known(declared.filteredLines, MAX_LINES)

        show(mrml.Acquisition())  # nothing of the volume before stays, also if the attributes of this one are wrong
        show(mrml.declaredAcquisition(volume))

    # Measuring -------------------------------------------------------------------------------------------------

    def isComplex(self, parameterNode: PhaseShiftROIParameterNode) -> bool:
        """Whether the phase comes from a real and an imaginary image."""
        return not parameterNode.phase and bool(parameterNode.real or parameterNode.imaginary)

    def declaredVolume(self, parameterNode: PhaseShiftROIParameterNode) -> vtkMRMLScalarVolumeNode | None:
        """The volume whose attributes say how the exam was acquired: the phase or the real image."""
        return parameterNode.phase or parameterNode.real

    def whatIsMissing(self, parameterNode: PhaseShiftROIParameterNode) -> str:
        """What the user has still to do before the phase can be prepared or measured; empty if nothing."""
        if parameterNode.phase and (parameterNode.real or parameterNode.imaginary):
            return _("Choose either the phase image, or the real and the imaginary image")
        if not parameterNode.phase and not (parameterNode.real and parameterNode.imaginary):
            return _("Choose the phase image, or the real and the imaginary image")
        for name in ("phase", "real", "imaginary", "magnitude"):
            volume = parameterNode.getValue(name)
            if volume and volume.GetAttribute(OUTPUT_ATTRIBUTE):  # it would be overwritten by its own result
                return _("{volume} was made by this module: choose an image of the scanner").format(
                    volume=volume.GetName()
                )
        if not self.isComplex(parameterNode) and parameterNode.encoding == PhaseEncoding.not_chosen:
            return _("Say how the scanner stored the phase: it is never guessed")
        if not parameterNode.echoTimeMs:
            return _("Give the echo time")
        if not parameterNode.fieldStrengthT:
            return _("Give the field strength")
        if not parameterNode.regions:
            return _("Choose the segmentation of the regions, or add empty regions")
        try:
            self._filterRecord(parameterNode)
        except ValueError as error:  # a kernel that the image has no lines for, or settings that are not understood
            return str(error)
        return ""

    def settings(self, parameterNode: PhaseShiftROIParameterNode):
        """
        `PhaseSettings` of the panel; what the panel does not show is as stored in the scene.

        :raises ValueError: if the stored settings are not understood.
        """
        stored = self._storedSettings(parameterNode)
        changes = {
            "filter": parameterNode.filter.value,
            "kernelLines": parameterNode.kernelLines,
            "sliceRule": parameterNode.sliceRule.value,
            "correctSignFlips": parameterNode.correctSignFlips,
        }
        if parameterNode.kernelLines != stored.kernelLines:
            # a kernel in mm comes before the lines: it would make the user's choice void
            changes |= {"kernelMm": None, "highPassSigmaMm": None}
        return stored.with_(**changes)

    def _storedSettings(self, parameterNode):
        from ALSStudyLib.storedSettings import settingsFromText
        from PhaseShiftROILib.settings import PhaseSettings

        return settingsFromText(PhaseSettings, parameterNode.settings, self.moduleName)

    def kernelText(self, parameterNode: PhaseShiftROIParameterNode) -> str:
        """The filter's kernel in mm on the chosen image; empty without image or filter, or if it does not fit."""
        try:
            record = self._filterRecord(parameterNode)
        except ValueError:
            return ""
        if record is None:
            return ""
        return _("= {size} mm").format(size=" x ".join(f"{cutoffMm:.1f}" for cutoffMm in record.cutoffMm_IJ))

    def _filterRecord(self, parameterNode):
        from ALSStudyLib.mrmlNodes import imageFromVolumeNode
        from PhaseShiftROILib.preparation import PhaseInput, filterRecord

        volume = self.declaredVolume(parameterNode)
        if volume is None or parameterNode.filter == PhaseFilter.none:
            return None
        # only the image's grid matters here
        source = PhaseInput(imageFromVolumeNode(volume), None, (), 0, 0, PhasePolarity.unknown.value)
        return filterRecord(source, self.settings(parameterNode))

    def addRegions(self, volume: vtkMRMLScalarVolumeNode) -> vtkMRMLSegmentationNode:
        """Add a segmentation on the grid of a volume, with an empty segment for each structure and side."""
        import numpy as np
        from ALSStudyLib.mrmlNodes import volumeArray
        from PhaseShiftROILib import mrml
        from PhaseShiftROILib.regions import SIDES, STRUCTURES

        nothing_KJI = np.zeros(volumeArray(volume).shape, dtype=bool)
        masks_KJI = {f"{structure.slug}_{side}": nothing_KJI for structure in STRUCTURES for side in SIDES}
        name = slicer.mrmlScene.GenerateUniqueName(mrml.REGIONS_NAME)
        return mrml.addRegionsNode(slicer.mrmlScene, masks_KJI, volume, name)

    def declaredCase(self, parameterNode: PhaseShiftROIParameterNode):
        """
        The chosen nodes as `PhaseCaseNodes`, after writing what is declared of them into their attributes.

        :raises ValueError: if something is missing; the text says what to do.
        """
        from PhaseShiftROILib import mrml

        missing = self.whatIsMissing(parameterNode)
        if missing:
            raise ValueError(missing)
        earlierFilter = mrml.UNFILTERED
        if parameterNode.alreadyFiltered:
            stored = self.declaredVolume(parameterNode).GetAttribute(mrml.FILTER_ATTRIBUTE) or mrml.UNFILTERED
            earlierFilter = mrml.BY_SCANNER if stored == mrml.UNFILTERED else stored
        acquisition = mrml.Acquisition(
            encoding=mrml.COMPLEX if self.isComplex(parameterNode) else parameterNode.encoding.value,
            echoTimeMs=parameterNode.echoTimeMs,
            fieldStrengthT=parameterNode.fieldStrengthT,
            polarity=parameterNode.polarity.value,
            filter=earlierFilter,
            filteredLines=(parameterNode.filteredLines or None) if parameterNode.alreadyFiltered else None,
        )
        mrml.declareAcquisition(self.declaredVolume(parameterNode), acquisition)
        return mrml.PhaseCaseNodes(
            regions=parameterNode.regions,
            phase=parameterNode.phase,
            real=parameterNode.real,
            imaginary=parameterNode.imaginary,
            magnitude=parameterNode.magnitude,
            subject=parameterNode.subject,
            exam=parameterNode.exam,
            settings=self.settings(parameterNode),
        )

    def prepare(self, parameterNode: PhaseShiftROIParameterNode):
        """
        Correct and filter the phase, without looking at the regions.

        :return: `PreparedPhase`, and the volumes of corrected phase, SWI and its projection; the latter two are None
            without magnitude, filter or polarity.
        :raises ValueError: if the nodes cannot be used; the text says what to do.
        """
        from PhaseShiftROILib import mrml, mrmlResults

        caseNodes = self.declaredCase(parameterNode)
        prepared = mrml.preparePhaseCase(caseNodes)
        return prepared, *mrmlResults.writePreparedPhase(slicer.mrmlScene, caseNodes, prepared)

    def measure(self, parameterNode: PhaseShiftROIParameterNode):
        """
        Measure every region.

        :return: `PhaseResultNodes`: tables, corrected phase, SWI and its projection.
        :raises ValueError: if the nodes cannot be measured; the text says what to do.
        """
        from PhaseShiftROILib import mrml, mrmlResults

        caseNodes = self.declaredCase(parameterNode)
        measurements = mrml.measurePhaseCase(caseNodes)
        with slicer.util.NodeModify(parameterNode):
            mrml.storePhaseCase(slicer.mrmlScene, caseNodes)
            parameterNode.shownSettings = parameterNode.parameterNode.GetParameter("settings")
        return mrmlResults.writePhaseResults(slicer.mrmlScene, caseNodes, measurements)


#
# PhaseShiftROITest
#


class PhaseShiftROITest(ScriptedLoadableModuleTest):
    """Self-test of the module: the way from nodes to the table."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        for test in (
            self.test_measuresPhantom,
            self.test_refusesWithoutEncoding,
            self.test_saysWhatIsMissing,
            self.test_forgetsTheVolumeBefore,
            self.test_addsEmptyRegions,
            self.test_keepsOneParameterNode,
            self.test_choicesAreThoseOfTheLibrary,
        ):
            self.setUp()
            test()

    def test_measuresPhantom(self):
        """Every region of the ALS-like phantom has a value; the precentral ones are truth times retention."""
        from ALSStudyLib import phasePhantom

        self.delayDisplay("Measuring the ALS-like phase phantom")
        caseNodes = addPhantomCase()
        logic = PhaseShiftROILogic()
        parameterNode = logic.getParameterNode()
        self.assertEqual(parameterNode.phase, caseNodes.phase)
        self.assertEqual(parameterNode.encoding, PhaseEncoding.siemens)
        self.assertEqual(logic.whatIsMissing(parameterNode), "")

        resultNodes = logic.measure(parameterNode)

        case = phasePhantom.alsLikePhase()
        truthRad = {region.slug: dict(zip(region.slices, region.shiftsRad, strict=True)) for region in case.regions}
        table = resultNodes.resultsTable
        names = ("region", "side", "slice", "phase_rad", "retention")
        rows = list(zip(*(self._column(table, name) for name in names), strict=True))
        self.assertEqual({f"{region}_{side}" for region, side, *_values in rows}, set(truthRad))
        for region, side, slice, phaseRad, retention in rows:
            self.assertTrue(math.isfinite(phaseRad), f"{region}, {side}")
            if region == "precentral_gyrus":
                expectedRad = -truthRad[f"{region}_{side}"][int(slice)] * retention  # iron is negative here
                self.assertAlmostEqual(phaseRad, expectedRad, delta=0.02)
        self.assertEqual(len([row for row in rows if row[0] == "precentral_gyrus"]), 6)
        self.assertIsNotNone(resultNodes.projection)
        parameterNode.phase = resultNodes.corrected  # a result must not be measured, and overwritten, in its turn
        self.assertTrue(logic.whatIsMissing(parameterNode))
        self.delayDisplay("Test passed")

    def test_refusesWithoutEncoding(self):
        """A phase image whose encoding nobody declared has no value."""
        logic = PhaseShiftROILogic()
        parameterNode = self._completeCase(logic)
        parameterNode.encoding = PhaseEncoding.not_chosen
        self.assertTrue(logic.whatIsMissing(parameterNode))
        for step in (logic.prepare, logic.measure):
            with self.assertRaises(ValueError):
                step(parameterNode)
        parameterNode.encoding = PhaseEncoding.siemens  # contradicted by the values
        with self.assertRaises(ValueError):
            logic.measure(parameterNode)
        parameterNode.encoding = PhaseEncoding.radians
        self.assertEqual(logic.measure(parameterNode).resultsTable.GetNumberOfRows(), 10)

    def test_saysWhatIsMissing(self):
        """An empty scene is refused in words, and every step asks for the next one."""
        logic = PhaseShiftROILogic()
        parameterNode = logic.getParameterNode()
        with self.assertRaises(ValueError):
            logic.measure(parameterNode)
        volume = self._addVolume("phase")
        asked = [logic.whatIsMissing(parameterNode)]
        for name, value in (
            ("phase", volume),
            ("encoding", PhaseEncoding.radians),
            ("echoTimeMs", 19.0),
            ("fieldStrengthT", 3.0),
            ("regions", logic.addRegions(volume)),
        ):
            parameterNode.setValue(name, value)
            asked.append(logic.whatIsMissing(parameterNode))
        self.assertEqual(asked[-1], "")
        self.assertEqual(len(set(asked)), len(asked))
        parameterNode.kernelLines = 128  # more lines than the image has
        self.assertTrue(logic.whatIsMissing(parameterNode))
        parameterNode.kernelLines, parameterNode.real = 64, volume
        self.assertTrue(logic.whatIsMissing(parameterNode))
        parameterNode.phase, parameterNode.imaginary = None, self._addVolume("imaginary", 1.0)
        parameterNode.encoding = PhaseEncoding.not_chosen
        self.assertEqual(logic.whatIsMissing(parameterNode), "")
        self.assertEqual(logic.measure(parameterNode).resultsTable.GetNumberOfRows(), 10)

    def test_forgetsTheVolumeBefore(self):
        """What one volume declares is shown, and does not pass to the next one."""
        logic = PhaseShiftROILogic()
        parameterNode = self._completeCase(logic)
        described = parameterNode.phase
        parameterNode.alreadyFiltered, parameterNode.filteredLines = True, 32
        logic.measure(parameterNode)
        parameterNode.phase = self._addVolume("another")
        logic.takeOver(parameterNode)
        self.assertEqual(parameterNode.encoding, PhaseEncoding.not_chosen)
        self.assertEqual((parameterNode.echoTimeMs, parameterNode.fieldStrengthT), (0, 0))
        self.assertFalse(parameterNode.alreadyFiltered)
        parameterNode.phase = described
        logic.takeOver(parameterNode)
        self.assertEqual(parameterNode.encoding, PhaseEncoding.radians)
        self.assertEqual((parameterNode.echoTimeMs, parameterNode.fieldStrengthT), (19.0, 3.0))
        self.assertEqual((parameterNode.alreadyFiltered, parameterNode.filteredLines), (True, 32))

    def test_addsEmptyRegions(self):
        """Ten segments with terminology, which say in the table that they are empty."""
        from ALSStudyLib.mrmlSegments import segmentNames, terminology

        logic = PhaseShiftROILogic()
        parameterNode = self._completeCase(logic)
        names = segmentNames(parameterNode.regions)
        self.assertEqual(len(names), 10)
        for name, identifier in names.items():
            code, side = terminology(parameterNode.regions, identifier)
            self.assertTrue(all(code), name)
            self.assertTrue(name.endswith(f"_{side}"), name)
        prepared, corrected, weighted, projection = logic.prepare(parameterNode)
        self.assertEqual(prepared.filter.kind, "homodyne")
        self.assertEqual(corrected.GetImageData().GetDimensions(), parameterNode.phase.GetImageData().GetDimensions())
        self.assertIsNone(weighted)
        self.assertIsNone(projection)
        flags = self._column(logic.measure(parameterNode).resultsTable, "flags")
        self.assertTrue(all("empty_region" in value for value in flags), flags)

    def test_keepsOneParameterNode(self):
        """The library stores subject and settings in the panel's own node, and the panel shows stored settings."""
        logic = PhaseShiftROILogic()
        parameterNode = self._completeCase(logic)
        parameterNode.subject, parameterNode.sliceRule = "S1", SliceRule.consecutive
        logic.measure(parameterNode)
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        nodes = [node for node in nodes if node.GetSingletonTag() == logic.moduleName]
        self.assertEqual(len(nodes), 1)
        self.assertEqual(nodes[0].GetParameter("subject"), "S1")
        self.assertEqual(nodes[0].GetParameter("encoding"), "radians")
        self.assertEqual(logic.getParameterNode().sliceRule, SliceRule.consecutive)

        stored = logic.settings(parameterNode).with_(filter="laplacian", kernelLines=16, pixelRules="putamen=5-9")
        parameterNode.settings = json.dumps(stored.toDict())  # as a scene of the command line has them
        logic.takeOver(parameterNode)
        self.assertEqual(parameterNode.filter, PhaseFilter.laplacian)
        self.assertEqual(logic.settings(parameterNode), stored)

    def test_choicesAreThoseOfTheLibrary(self):
        from PhaseShiftROILib.encoding import STORED_ENCODINGS
        from PhaseShiftROILib.polarity import POLARITIES
        from PhaseShiftROILib.settings import FILTERS
        from PhaseShiftROILib.slices import SLICE_RULES

        for enumeration, values in (
            (PhaseEncoding, ("", *STORED_ENCODINGS)),
            (PhasePolarity, POLARITIES),
            (PhaseFilter, FILTERS),
            (SliceRule, SLICE_RULES),
        ):
            self.assertEqual({choice.value for choice in enumeration}, set(values))
            self.assertEqual(len({choice.label() for choice in enumeration}), len(values))

    def _completeCase(self, logic):
        """A small phase image in radians and empty regions, chosen and declared."""
        parameterNode = logic.getParameterNode()
        parameterNode.phase = self._addVolume("phase")
        parameterNode.regions = logic.addRegions(parameterNode.phase)
        logic.takeOver(parameterNode)
        parameterNode.encoding = PhaseEncoding.radians
        parameterNode.echoTimeMs, parameterNode.fieldStrengthT = 19.0, 3.0
        return parameterNode

    @staticmethod
    def _addVolume(name: str, startRad: float = 0.0) -> vtkMRMLScalarVolumeNode:
        """A ramp of phase along i, which wraps."""
        import numpy as np
        from ALSStudyLib.mrmlNodes import addVolumeNode

        ramp = np.angle(np.exp(1j * (0.5 * np.arange(96) + startRad))).astype(np.float32)
        return addVolumeNode(slicer.mrmlScene, np.tile(ramp, (3, 80, 1)), np.eye(4), name)

    @staticmethod
    def _column(table: vtkMRMLTableNode, name: str) -> list:
        column = table.GetTable().GetColumnByName(name)
        return [column.GetValue(row) for row in range(table.GetNumberOfRows())]
