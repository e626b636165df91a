"""The sections Slices and Results: the slices of the region in hand, tables, chart, export."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from ALSStudyLib import panelViews
from ALSStudyLib.panelReport import ReportSources
from slicer.i18n import tr as _

from .panelPhase import setLabel
from .panelRows import sliceRows
from .panelTables import SlicesTable
from .panelTexts import regionText

TIDY, PAPER = 0, 3  # in the order of mrmlResults.writePhaseTables


class ResultsSection:
    """:param jumpTo: called with the state of a region and one of its slices."""

    def __init__(self, ui, logic, session, jumpTo: Callable):
        self._ui, self._logic, self._session, self._jumpTo = ui, logic, session, jumpTo
        self.reportSources: Callable = ReportSources  # of the section Study, once there is one
        self._parameterNode = None
        self._chart = None
        self._isDrawing = False
        self.slices = SlicesTable(ui.slicesTable, self.jumpToSlice)
        ui.paperTableButton.connect("clicked(bool)", lambda _checked: self.showTable(PAPER))
        ui.tidyTableButton.connect("clicked(bool)", lambda _checked: self.showTable(TIDY))
        ui.chartButton.connect("clicked(bool)", lambda _checked: self.showChart())
        ui.exportButton.connect("clicked(bool)", self._export)
        ui.reportButton.connect("clicked(bool)", self._report)

    def setParameterNode(self, parameterNode) -> None:
        self._parameterNode = parameterNode

    def letGo(self) -> None:
        """Before the scene closes."""
        self._chart = None
        self.slices.show([])
        self._ui.resultsLabel.text = ""

    def update(self) -> None:
        """Show the slices of the region in hand, and what can be had of the results."""
        session, ui = self._session, self._ui
        state = session.chosenState(self._parameterNode)
        self.slices.show(sliceRows(state) if state is not None else [])
        setLabel(ui.slicesLabel, self._slicesText(state))
        reason = self.whatIsMissing()
        for button, tip in (
            (
                ui.paperTableButton,
                _("One row laid out as Tables 2 and 3 of the paper: R1 L1 R2 L2 R3 L3 and the others"),
            ),
            (ui.tidyTableButton, _("A row per slice that is kept, with rad, Hz, ppb, pixels, mm² and remarks")),
            (ui.exportButton, _("Write tables with their data dictionaries, provenance and pictures into a folder")),
        ):
            button.enabled = not reason
            button.toolTip = reason or tip
        missing = reason or self.whyAnonymous()
        ui.reportButton.enabled = not missing
        ui.reportButton.toolTip = missing or _(
            "Write a page to sign (HTML, PDF) and a DICOM Structured Report; participants and reference range are "
            "those chosen under Study"
        )
        isMeasured = state is not None and session.measurementOf(self._parameterNode.selectedRegion) is not None
        canChart = isMeasured and bool(state.values)
        ui.chartButton.enabled = canChart
        ui.chartButton.toolTip = (
            _("Value per slice of the region in hand; those that are kept are marked")
            if canChart
            else reason or _("Click on the row of a region that has a value first")
        )
        if self._chart is not None and canChart and not self._isDrawing:
            self._drawAgain()

    def whatIsMissing(self) -> str:
        """Why the results cannot be had now; "" if they can."""
        hasValues = any(measurement.chosen for measurement in self._session.measurements)
        return "" if hasValues else _("Press Prepare, and place or paint a region first")

    def whyAnonymous(self) -> str:
        """What a report and a study need beside numbers: whose they are."""
        node = self._parameterNode
        return "" if node and node.subject.strip() else _("Enter the subject first")

    def examName(self) -> str:
        """Subject and exam as a name of a folder."""
        node = self._parameterNode
        return " ".join(f"{node.subject} {node.exam}".split())

    def exportTables(self, folder) -> None:
        """
        Write tables and provenance, for a study.

        :raises ValueError: if the folder cannot be written.
        """
        from .panelExport import exportExam

        exportExam(folder, self._session.caseNodes, self._session.measurements, withFigures=False)

    def jumpToSlice(self, slice: int) -> None:
        state = self._session.chosenState(self._parameterNode)
        if state is not None and state.valueIn(slice) is not None:
            self._jumpTo(state, slice)

    def showTable(self, which: int) -> None:
        """Show the paper's or the tidy table in the table view."""
        if self._session.tables:
            panelViews.showTable(self._session.tables[which])

    def _drawAgain(self) -> None:
        self._isDrawing = True  # a new chart's nodes update the panel
        try:
            chart = self._session.chart(self._parameterNode.selectedRegion)
        finally:
            self._isDrawing = False
        if chart is not None and chart is not self._chart:  # the one before went when its values did
            self._chart = chart
            panelViews.showChart(chart)

    def showChart(self) -> None:
        """Show the values per slice of the region in hand in the plot view."""
        with slicer.util.tryWithErrorDisplay(_("The chart could not be shown.")):
            chart = self._session.chart(self._parameterNode.selectedRegion)
            if chart is not None:
                self._chart = chart
                panelViews.showChart(chart, mayChangeLayout=True)

    def exportTo(self, folder: str) -> None:
        """
        Write everything into a folder.

        :raises ValueError: if that is not possible; the text says why.
        """
        from .panelExport import exportExam  # takes a moment to load

        files = exportExam(folder, self._session.caseNodes, self._session.measurements)
        self._session.chart(self._parameterNode.selectedRegion)  # the pictures were of all regions
        text = _("{count} files written to {folder}").format(count=len(files), folder=folder)
        setLabel(self._ui.resultsLabel, text)

    def reportTo(self, folder: str) -> None:
        """
        Write the report into a folder of its own below this one.

        :raises ValueError: if that is not possible; the text says why.
        """
        from .panelExport import reportExam

        text = reportExam(folder, self._session.caseNodes, self._session.measurements, self.reportSources())
        setLabel(self._ui.resultsLabel, text)

    def _report(self, _checked=False) -> None:
        title = _("Write the report into a folder below")
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if folder:
            with slicer.util.tryWithErrorDisplay(_("The report could not be written."), waitCursor=True):
                self.reportTo(folder)

    def _export(self, _checked=False) -> None:
        title = _("Folder for tables, pictures and provenance")
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if folder:
            with slicer.util.tryWithErrorDisplay(_("The results could not be exported."), waitCursor=True):
                self.exportTo(folder)

    def _slicesText(self, state) -> str:
        if state is None or not state.values:
            return _("Slices of the region in hand are listed here; a click jumps there.")
        name = regionText(state.region.structure.slug, state.region.side)
        wanted = state.region.structure.nSlices
        text = _("{region}: {kept} of {wanted} slices kept, of {all} painted.")
        return text.format(region=name, kept=len(state.chosen), wanted=wanted, all=len(state.values))
