"""The panel of one exam: its sections, and when what is measured anew."""

from __future__ import annotations

import slicer
from ALSStudyLib.panelStudy import ExamOfScene, StudySection
from ALSStudyLib.panelTimer import Debounced
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from .panelLive import PhaseSession
from .panelLogic import COMPONENT_INPUTS
from .panelPhase import PhaseSection, setLabel
from .panelRegions import RegionsSection
from .panelResults import ResultsSection

LIVE_DELAY_MS = 80


class ExamPanel(VTKObservationMixin):
    """Follows images, settings and regions: a stroke, a click or another slice rule updates the numbers at once."""

    def __init__(self, ui, logic):
        VTKObservationMixin.__init__(self)
        self._logic, self._ui = logic, ui
        self._parameterNode = None
        self._observedRegions = None
        self._measuredKey = self._triedKey = None
        self._isBusy = False
        self._problem = ""
        self.session = PhaseSession(logic)
        self.regions = RegionsSection(ui, logic, self.session, self.measure, self._regionSelected)
        self.phase = PhaseSection(ui, logic, self.session, self.measure, self.regions.paintVein)
        self.regions.showExam = self.phase.showExam
        self.results = ResultsSection(ui, logic, self.session, self.regions.jumpTo)
        inScene = ExamOfScene(_("Phase Shift ROI"), self._whyNoTables, self.results.examName, self.results.exportTables)
        self.study = StudySection(ui.studyCollapsibleButton, inScene)
        self.results.reportSources = self.study.reportSources
        self._sections = (self.phase, self.regions, self.results)
        self.live = Debounced(self.measure, LIVE_DELAY_MS)

    def setParameterNode(self, parameterNode) -> None:
        """Follow the panel's node, or none."""
        self._parameterNode = parameterNode
        for section in self._sections:
            section.setParameterNode(parameterNode)
        if parameterNode is None:
            self.live.cancel()
            self._observeRegions(None)
            self._measuredKey = None

    def enter(self) -> None:
        """The user opens the module."""
        self.regions.editor.enter()
        self.study.enter()

    def exit(self) -> None:
        """The user opens another module."""
        self.regions.placer.stop()
        self.regions.editor.exit()

    def followScene(self) -> None:
        """Use the editor's node of this scene."""
        self.regions.editor.follow()

    def letGo(self) -> None:
        """Before the scene closes."""
        self.live.cancel()
        self._observeRegions(None)
        self.forget()
        for section in (*self._sections, self.study):
            section.letGo()

    def forget(self) -> None:
        """Nothing is prepared any longer."""
        self.session.clear()
        self._measuredKey = self._triedKey = None
        self._problem = ""

    def cleanup(self) -> None:
        """Before the panel goes."""
        self.study.cleanup()
        self.letGo()
        self.removeObservers()

    def letGoOf(self, removedNode) -> None:
        """A node is about to leave the scene: no other one is measured in its place without being chosen."""
        parameterNode = self._parameterNode
        if parameterNode is not None:
            isDeclared = removedNode is self._logic.declaredVolume(parameterNode)
            for name in (*COMPONENT_INPUTS, "regions"):
                if parameterNode.getValue(name) is removedNode:
                    self.regions.placer.stop()
                    parameterNode.setValue(name, None)
            if isDeclared:
                self.forget()
        if removedNode.IsA("vtkMRMLScalarVolumeNode"):
            self._logic.removeResults(removedNode, withVolumes=True)

    def update(self) -> None:
        """Take over what a newly chosen volume says of itself, show what is missing, measure if something changed."""
        parameterNode = self._parameterNode
        if parameterNode is None or self._isBusy or slicer.mrmlScene.IsBatchProcessing():
            return
        described = parameterNode.describedVolume
        try:
            self._logic.takeOver(parameterNode)
            if parameterNode.describedVolume is not described:
                self._problem = ""
                self.regions.forgetRemark()
        except ValueError as error:  # what the volume or the scene says of itself is not understood
            self._problem = str(error)
        self._observeRegions(parameterNode.regions)
        if self._keyOf() != self._measuredKey:
            self.live.request()
            # A number of settings that hold no longer must not stay for a moment.
            if self.session.measurements and not self.session.isPrepared(parameterNode):
                self.live.flush()
        self._refresh()

    def measure(self) -> None:
        """Look at every region now."""
        if self._parameterNode is None:
            return
        self.live.cancel()
        self._isBusy = True
        try:
            self._observeRegions(self._parameterNode.regions)
            self._prepareAgain()
            self.session.measure(self._parameterNode)
            self._measuredKey = self._keyOf()
        finally:
            self._isBusy = False
        self._refresh()

    def _prepareAgain(self) -> None:
        """A scene that was saved after Prepare shows its numbers without another click."""
        node = self._parameterNode
        key = self.session.keyOf(node)
        if self.session.prepared is None and key and key != self._triedKey and not self._logic.whatIsMissing(node):
            self._triedKey = key
            # with other settings the tables would say another thing than the scene's own settings
            if self._logic.wasPrepared(node) and self._logic.isAsStored(node):
                with slicer.util.WaitCursor():
                    try:
                        self.session.prepare(node)
                    except ValueError:
                        self.session.clear()  # the button Prepare says why

    def _whyNoTables(self) -> str:
        return self.results.whatIsMissing() or self.results.whyAnonymous()

    def _refresh(self) -> None:
        for section in (*self._sections, self.study):
            section.update()
        if self._problem and not self.session.isPrepared(self._parameterNode):
            setLabel(self._ui.statusLabel, f"! {self._problem}\n{self._ui.statusLabel.text}")

    def _regionSelected(self) -> None:
        self.results.update()

    def _keyOf(self) -> tuple:
        """Changes when the regions have to be measured again, but for what is painted."""
        node = self._parameterNode
        shown = (node.echoTimeMs, node.fieldStrengthT, node.polarity, node.sliceRule, node.settings)
        regions = node.regions.GetID() if node.regions is not None else ""
        return (self.session.isPrepared(node), self.session.keyOf(node), *shown, node.subject, node.exam, regions)

    def _observeRegions(self, segmentationNode) -> None:
        if segmentationNode is self._observedRegions:
            return
        events = slicer.vtkSegmentation
        names = (
            events.SourceRepresentationModified,
            events.RepresentationModified,
            events.SegmentAdded,
            events.SegmentRemoved,
            events.SegmentModified,
        )
        if self._observedRegions is not None:
            for event in names:
                self.removeObserver(self._observedRegions, event, self._regionsChanged)
        self._observedRegions = segmentationNode
        self.regions.forgetRemark()
        if segmentationNode is not None:
            for event in names:
                self.addObserver(segmentationNode, event, self._regionsChanged)

    def _regionsChanged(self, caller=None, event=None) -> None:
        if not self._isBusy:
            self.regions.forgetRemark()
            self.live.request()
