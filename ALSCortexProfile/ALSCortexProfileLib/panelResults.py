"""The sections Profile and Results: chart, table, export."""

from __future__ import annotations

import slicer
from ALSStudyLib import panelViews
from slicer.i18n import tr as _

from .panelTexts import targetText


class ResultsSection:
    """Buttons that show and write what was measured.

    :param exam: `ExamPanel`, whose measurements are shown.
    """

    def __init__(self, ui, logic, exam):
        self._ui, self._logic, self._exam = ui, logic, exam
        self._parameterNode = None
        ui.showChartButton.connect("clicked(bool)", self._onShowChart)
        ui.showTableButton.connect("clicked(bool)", self._onShowTable)
        ui.exportButton.connect("clicked(bool)", self._onExport)
        ui.reportButton.connect("clicked(bool)", self._onReport)

    def update(self, parameterNode) -> None:
        """Enable what can be shown now; a disabled button says why."""
        self._parameterNode = parameterNode
        missing = self.whatIsMissing()
        noChart = "" if self._chart() is not None else _("Select a target that is measured and may be seen")
        for button, waits, toolTip in (
            (self._ui.showTableButton, missing, _("Show the table of results below the views")),
            (self._ui.exportButton, missing, _("Write tables, figures and provenance into a folder")),
            (
                self._ui.reportButton,
                missing or self.whyAnonymous(),
                _(
                    "Write a page to sign (HTML, PDF) and a DICOM Structured Report; participants and reference range "
                    "are those chosen under Study"
                ),
            ),
            (
                self._ui.showChartButton,
                noChart,
                _("Show the profile, the fit and its window; the layout gets a plot view if it has none"),
            ),
        ):
            button.enabled = not waits
            button.toolTip = waits or toolTip

    def whatIsMissing(self) -> str:
        """Why the results cannot be had now; "" if they can."""
        hidden = self._exam.measured.hiddenTargets()
        if hidden:
            return _("Reading mode: score {target} first").format(target=targetText(hidden[0]))
        return "" if self._exam.measurements else _("Measure a target first")

    def whyAnonymous(self) -> str:
        """What a report and a study need beside numbers: whose they are."""
        node = self._parameterNode
        return "" if node and node.subject.strip() else _("Enter the subject under Exam first")

    def examName(self) -> str:
        """Subject and exam as a name of a folder."""
        node = self._parameterNode
        return " ".join(f"{node.subject} {node.exam}".split())

    def exportTables(self, folder) -> None:
        """
        Write tables and provenance of what may be seen, for a study.

        :raises ValueError: if the folder cannot be written.
        """
        from .panelExport import exportExam

        self._exam.live.finish()
        caseNodes, visible = self._logic.caseNodes(self._parameterNode), self._exam.measured.visible()
        exportExam(folder, caseNodes, visible, withFigures=False)

    def report(self, folder: str) -> None:
        """Write the report of what may be seen into a folder of its own below this one."""
        from .panelExport import reportExam

        with slicer.util.tryWithErrorDisplay(_("The report could not be written."), waitCursor=True):
            self._exam.live.finish()
            caseNodes, visible = self._logic.caseNodes(self._parameterNode), self._exam.measured.visible()
            self._ui.statusLabel.text = reportExam(folder, caseNodes, visible, self._exam.study.reportSources())

    def export(self, folder: str) -> None:
        """Write tables, figures and provenance of what may be seen into a folder."""
        from .panelExport import exportExam

        with slicer.util.tryWithErrorDisplay(_("The results could not be exported."), waitCursor=True):
            self._exam.live.finish()
            exportExam(folder, self._logic.caseNodes(self._parameterNode), self._exam.measured.visible())
            self._ui.statusLabel.text = _("Exported to {folder}.").format(folder=folder)

    def _chart(self):
        node = self._parameterNode
        return self._logic.chart(node, node.selectedTarget) if node else None

    def _onShowChart(self, _checked=False) -> None:
        panelViews.showChart(self._chart(), mayChangeLayout=True)

    def _onShowTable(self, _checked=False) -> None:
        self._exam.live.finish()
        panelViews.showTable(self._parameterNode.resultsTable)

    def _onExport(self, _checked=False) -> None:
        import qt

        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Export tables, figures and provenance to"), ""
        )
        if folder:
            self.export(folder)

    def _onReport(self, _checked=False) -> None:
        import qt

        title = _("Write the report into a folder below")
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, "")
        if folder:
            self.report(folder)
