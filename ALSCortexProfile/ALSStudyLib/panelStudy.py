"""The section Study of both panels: tables of many exams in; statistics, charts and a report out.

Its fields are kept with the user's settings, not in the scene: a study spans many scenes, and a case that is handed on
must not name the files of other patients.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from . import panelViews
from .panelPackages import STUDY_PACKAGES, missingPackages
from .panelReport import ReportSources
from .panelStudyRun import (
    MEASUREMENTS,
    PARTICIPANTS,
    READINGS,
    StudyCancelled,
    StudyFiles,
    StudyOutcome,
    kindOfTable,
    runStudyOf,
    tablesBelow,
)
from .studySettings import StudySettings

UI_FILE = Path(__file__).resolve().parent.parent / "Resources" / "UI" / "ALSStudy.ui"
FIELDS_KEY = "ALSMotorCortex/Study"
EXAMS_NAME = "exams"
OPPOSITE, SAME = "opposite", "same"
CHOICES = {
    "exams": (
        ("first", _("First exam of a subject")),
        ("mean", _("Mean of a subject's exams")),
        ("mixed", _("First, and mixed model")),
    ),
    "summary": (("greatest", _("Most abnormal of the regions")), ("mean", _("Mean of the regions"))),
    "side": ((OPPOSITE, _("Opposite side's (tracts cross)")), (SAME, _("Same side's"))),
    "noBand": (("blank", _("Not measured, counted")), ("zero", _("Counts as SH = 0"))),
    "cutoff": (
        ("youden", _("Youden index")),
        ("sensitivity", _("Sensitivity of at least")),
        ("cost", _("Cost of a miss")),
    ),
}
KIND_WORDS = {MEASUREMENTS: _("measurements"), READINGS: _("readings"), "": _("not recognized")}


@dataclass(frozen=True)
class ExamOfScene:
    """The exam that the panel shows, for "Add this exam".

    :param command: name of the module. missing: why its tables cannot be had now, "" if they can.
    :param name: subject and exam. write: writes tables, readings and provenance into a folder.
    """

    command: str
    missing: Callable[[], str]
    name: Callable[[], str]
    write: Callable[[Path], None]


class StudySection:
    """:param section: the panel's empty `ctkCollapsibleButton`. exam: the exam of the scene."""

    _isRunning = False  # of both panels: one study at a time

    def __init__(self, section, exam: ExamOfScene):
        self._exam = exam
        self._isFilling = self._isCancelled = False
        self.tables: list[Path] = []
        self.outcome: StudyOutcome | None = None
        widget = slicer.util.loadUI(str(UI_FILE))
        section.layout().addWidget(widget)
        self.ui = ui = slicer.util.childWidgetVariables(widget)
        self._combos = {name: getattr(ui, f"{name}ComboBox") for name in CHOICES}
        self._spinBoxes = {
            name: getattr(ui, f"{name}SpinBox") for name in ("sensitivity", "cost", "prevalence", "controls")
        }
        self._paths = {name: getattr(ui, f"{name}PathLineEdit") for name in ("participants", "studyFolder", "ranges")}
        for name, choices in CHOICES.items():
            for value, words in choices:
                self._combos[name].addItem(words, value)
        for combo in self._combos.values():
            combo.connect("currentIndexChanged(int)", self._onField)
        for name, spinBox in self._spinBoxes.items():
            spinBox.connect("valueChanged(int)" if name == "controls" else "valueChanged(double)", self._onField)
        ui.pagesCheckBox.connect("toggled(bool)", self._onField)
        for edit in self._paths.values():
            edit.connect("currentPathChanged(QString)", self._onField)
        ui.tablesListWidget.connect("itemSelectionChanged()", self.update)
        # An opened section shows what was hidden in it meanwhile.
        ui.studySettingsCollapsibleButton.connect("contentsCollapsed(bool)", lambda _closed: self.update())
        section.connect("contentsCollapsed(bool)", lambda _closed: self.update())
        for button, slot in (
            (ui.addFilesButton, self._onAddFiles),
            (ui.addFolderButton, self._onAddFolder),
            (ui.addExamButton, self.addExam),
            (ui.removeTablesButton, self._onRemove),
            (ui.runStudyButton, self.run),
            (ui.cancelStudyButton, self._onCancel),
            (ui.showStatisticsButton, self._onShowStatistics),
            (ui.showStudyChartButton, self._onShow),
            (ui.openReportButton, self._onOpenReport),
            (ui.openFolderButton, self._onOpenFolder),
        ):
            button.connect("clicked(bool)", lambda _checked=False, slot=slot: slot())
        self.restore()

    # Fields ----------------------------------------------------------------------------------------------------

    def settings(self) -> StudySettings:
        """What the fields ask for."""
        choice = {name: combo.itemData(combo.currentIndex) for name, combo in self._combos.items()}
        number = {name: spinBox.value for name, spinBox in self._spinBoxes.items()}
        return StudySettings(
            sideRule=choice["side"],
            examRule=choice["exams"],
            summary=choice["summary"],
            noBand=choice["noBand"],
            cutoff=choice["cutoff"],
            minimumSensitivity=number["sensitivity"] / 100.0,
            costRatio=number["cost"],
            prevalence=number["prevalence"] / 100.0,
            minimumControls=number["controls"],
        )

    def path(self, name: str) -> Path | None:
        """Of the field "participants", "studyFolder" or "ranges"; None if it is empty."""
        text = self._paths[name].currentPath.strip()
        return Path(text) if text else None

    def files(self) -> StudyFiles:
        """The tables, told apart; what is not recognized is refused by the study with its reason."""
        kinds = [(path, kindOfTable(path)) for path in self.tables]
        return StudyFiles(
            tuple(path for path, kind in kinds if kind != READINGS),
            self.path("participants"),
            tuple(path for path, kind in kinds if kind == READINGS),
        )

    def reportSources(self) -> ReportSources:
        """What the report of the exam in the scene is held beside."""
        return ReportSources(self.path("participants"), self.path("ranges"), self.settings().sideRule)

    def restore(self) -> None:
        """Show the fields as they were left, here or in the other module."""
        try:
            stored = json.loads(slicer.app.userSettings().value(FIELDS_KEY, "{}"))
        except (TypeError, ValueError):
            stored = {}
        self._isFilling = True
        try:
            self.tables = [Path(name) for name in stored.get("tables", []) if Path(name).is_file()]
            for name, edit in self._paths.items():
                edit.currentPath = stored.get(name, "")
            for name, combo in self._combos.items():
                combo.currentIndex = max(0, combo.findData(stored.get(name, "")))
            for name, spinBox in self._spinBoxes.items():
                if name in stored:
                    spinBox.value = stored[name]
            self.ui.pagesCheckBox.checked = bool(stored.get("pages", False))
        finally:
            self._isFilling = False
        self._showTables()

    @contextmanager
    def emptyFields(self) -> Iterator[None]:
        """For tests: fields as at the first start; afterwards they are as the user had them."""
        stored = slicer.app.userSettings()
        before = stored.value(FIELDS_KEY, "{}")
        stored.setValue(FIELDS_KEY, "{}")
        self.restore()
        try:
            yield
        finally:
            stored.setValue(FIELDS_KEY, before)
            self.restore()

    def _store(self) -> None:
        fields = {"tables": [str(path) for path in self.tables]}
        fields |= {name: edit.currentPath for name, edit in self._paths.items()}
        fields |= {name: combo.itemData(combo.currentIndex) for name, combo in self._combos.items()}
        fields |= {name: spinBox.value for name, spinBox in self._spinBoxes.items()}
        fields["pages"] = self.ui.pagesCheckBox.checked
        slicer.app.userSettings().setValue(FIELDS_KEY, json.dumps(fields))

    def _onField(self, _value=None) -> None:
        if not self._isFilling:
            self._store()
            self.update()

    # Tables ----------------------------------------------------------------------------------------------------

    def addTables(self, paths) -> None:
        """Add tables that are not in the list; the first of participants goes into its own field."""
        for path in map(Path, paths):
            if kindOfTable(path) == PARTICIPANTS:
                if self.path("participants") is None:
                    self._paths["participants"].currentPath = str(path)
            elif path not in self.tables:
                self.tables.append(path)
        self._store()
        self._showTables()

    def addExam(self) -> None:
        """Write the tables of the exam in the scene into the study's folder, and add them."""
        name = re.sub(r"[^\w.-]+", "_", self._exam.name()).strip("._")
        folder = self.path("studyFolder") / EXAMS_NAME / name
        with slicer.util.tryWithErrorDisplay(_("The exam could not be added."), waitCursor=True):
            self._exam.write(folder)
            self.addTables(tablesBelow(folder))
            self._say(_("Added {exam}.").format(exam=self._exam.name()))

    def _onAddFiles(self) -> None:
        names = qt.QFileDialog.getOpenFileNames(
            slicer.util.mainWindow(),
            _("Tables of measurements and readings"),
            "",
            _("Tab-separated tables (*.tsv *.txt);;All files (*)"),
        )
        if names:
            self.addTables(names)

    def _onAddFolder(self) -> None:
        title = _("Folder with the tables of exams")
        name = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, "")
        if name:
            found = tablesBelow(Path(name))
            self.addTables(found)
            self._say(_("{count} tables found in {folder}.").format(count=len(found), folder=name))

    def _onRemove(self) -> None:
        chosen = set(self._selected())
        self.tables = [path for index, path in enumerate(self.tables) if index not in chosen]
        self._store()
        self._showTables()

    def _selected(self) -> list[int]:
        widget = self.ui.tablesListWidget
        return [index for index in range(widget.count) if widget.item(index).isSelected()]

    def _showTables(self) -> None:
        widget = self.ui.tablesListWidget
        widget.clear()
        for path in self.tables:
            words = KIND_WORDS.get(kindOfTable(path), KIND_WORDS[""])
            widget.addItem(_("{kind}: {folder}/{file}").format(kind=words, folder=path.parent.name, file=path.name))
            widget.item(widget.count - 1).setToolTip(str(path))
        self.update()

    # Running ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the study; packages that Slicer does not ship are asked for here."""
        missing = missingPackages(STUDY_PACKAGES)
        if missing:
            self._say(
                _("{missing}. A study needs them: press Run study again to install them.").format(missing=missing)
            )
            return
        StudySection._isRunning, self._isCancelled = True, False
        self._forget()
        said = _("The study could not be run; the tables and fields are as before.")
        try:
            with slicer.util.tryWithErrorDisplay(_("The study could not be run."), waitCursor=True):
                said = self._runAndSay()
        finally:
            StudySection._isRunning = False
            self._say(said)
            self._showOutcome()

    def _runAndSay(self) -> str:
        folder = self.path("studyFolder")
        try:
            self.outcome = runStudyOf(
                self.files(), self.settings(), folder, self._command, self._onProgress, self.ui.pagesCheckBox.checked
            )
        except StudyCancelled:
            return _("The study was cancelled; nothing was written.")
        if self.path("ranges") is None and self.outcome.ranges is not None:
            self._paths["ranges"].currentPath = str(self.outcome.ranges)
        return _("Written to {folder}.").format(folder=folder) + "\n" + self.outcome.summary

    @property
    def _command(self) -> str:
        return f"{self._exam.command}, Study"

    def _onProgress(self, words: str, share: float) -> None:
        self._say(_("{words} ({percent:.0f} %)").format(words=words, percent=100 * min(share, 1.0)))
        self.update()
        slicer.app.processEvents()
        if self._isCancelled:
            raise StudyCancelled

    def _onCancel(self) -> None:
        self._isCancelled = True

    # Looking ---------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self.outcome = None
        self.ui.auditLabel.text = ""
        self._showOutcome()

    def _showOutcome(self) -> None:
        combo = self.ui.studyChartsComboBox
        combo.clear()
        for title, _node in self._shown():
            combo.addItem(title)
        if self.outcome is not None:
            self.ui.auditLabel.text = self.outcome.audit
        self.ui.auditLabel.setVisible(bool(self.ui.auditLabel.text))
        self.update()

    def _shown(self) -> list[tuple[str, object]]:
        """What can be looked at in the scene: charts, then tables."""
        if self.outcome is None:
            return []
        found = [*self.outcome.charts, *((node.GetName(), node) for node in self.outcome.tables)]
        return [(title, node) for title, node in found if node.GetScene() is not None]

    def _onShow(self) -> None:
        shown = self._shown()
        index = self.ui.studyChartsComboBox.currentIndex
        if 0 <= index < len(shown):
            self._show(shown[index][1])

    def _show(self, node) -> None:
        if node.IsA("vtkMRMLPlotChartNode"):
            manager = slicer.app.layoutManager()
            if manager is not None:  # in a small view the legend would cover a study's curves
                manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpPlotView)
            panelViews.showChart(node)
        else:
            panelViews.showTable(node)

    def _onShowStatistics(self) -> None:
        self._show(self.outcome.tables[0])

    def _onOpenReport(self) -> None:
        for path in self.outcome.reports:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))

    def _onOpenFolder(self) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self.path("studyFolder"))))

    # Scene and state -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """The user opens the module: the other one may have changed the fields."""
        if not StudySection._isRunning:
            self.restore()

    def letGo(self) -> None:
        """The scene closes, and the study's charts and tables with it; what was written stays."""
        if not StudySection._isRunning:
            self._showOutcome()

    def cleanup(self) -> None:
        """Before the panel goes."""
        self._isCancelled = True

    def _say(self, text: str) -> None:
        self.ui.studyStatusLabel.text = text
        self.ui.studyStatusLabel.setVisible(bool(text))

    def whyNotRun(self) -> str:
        """What is missing before the study can run; "" if nothing."""
        if StudySection._isRunning:
            return _("A study is running")
        if not any(kindOfTable(path) == MEASUREMENTS for path in self.tables):
            return _("Add a table of measurements first")
        if self.path("studyFolder") is None:
            return _("Choose the study's folder first")
        return ""

    def update(self) -> None:
        """Enable what can be done now; a disabled button says why."""
        ui, isRunning = self.ui, StudySection._isRunning
        busy = _("A study is running") if isRunning else ""
        for name, box in (("sensitivity", ui.sensitivitySpinBox), ("cost", ui.costSpinBox)):
            box.setVisible(self._combos["cutoff"].itemData(self._combos["cutoff"].currentIndex) == name)
        for widget in (*self._combos.values(), *self._spinBoxes.values(), *self._paths.values(), ui.pagesCheckBox):
            widget.enabled = not isRunning
        noFolder = "" if self.path("studyFolder") else _("Choose the study's folder first: the tables go there")
        noOutcome = "" if self.outcome is not None else _("Run a study first")
        shown = self._shown()
        noNodes = noOutcome or ("" if shown else _("The scene was closed: run the study again, or open the report"))
        noReport = noOutcome or ("" if self.outcome.reports else _("No report was written"))
        for button, missing, toolTip in (
            (ui.addFilesButton, busy, _("Choose tables of measurements and of visual readings")),
            (
                ui.addFolderButton,
                busy,
                _("Add every table of measurements and of readings below a folder, and its participants.tsv"),
            ),
            (
                ui.addExamButton,
                busy or self._exam.missing() or noFolder,
                _("Write the tables of the exam in this scene into the study's folder, and add them"),
            ),
            (
                ui.removeTablesButton,
                busy or ("" if self._selected() else _("Select tables in the list first")),
                _("Take the selected tables out of the list; the files stay"),
            ),
            (
                ui.runStudyButton,
                self.whyNotRun(),
                _(
                    "Compare groups; cut-offs, correlations, agreement, reference ranges; files of an earlier run are "
                    "replaced"
                ),
            ),
            (
                ui.cancelStudyButton,
                "" if isRunning else _("No study is running"),
                _("Stop at the next step; nothing is written"),
            ),
            (ui.showStatisticsButton, busy or noNodes, _("Every number of the study, in the table view")),
            (
                ui.showStudyChartButton,
                busy or noNodes,
                _("Show the chart in a large plot view, or the table below the views"),
            ),
            (ui.openReportButton, busy or noReport, _("Open the study's report in the browser")),
            (ui.openFolderButton, busy or noOutcome, _("Open the folder with all that the study wrote")),
        ):
            button.enabled = not missing
            button.toolTip = missing or toolTip
        ui.studyChartsComboBox.enabled = not (busy or noNodes)
