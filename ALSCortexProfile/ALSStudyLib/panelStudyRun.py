"""A study run from the panel: its tables told apart, results into a folder and into the scene. Knows no widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from . import panelViews
from .outputFolder import checkNotReplaced, checkWritable, outputFolder

MEASUREMENTS, READINGS, PARTICIPANTS = "measurements", "readings", "participants"
# Enough to tell the tables apart without pandas; reading them checks everything.
_VALUES = {"sh_thk_per_mm", "sh", "thickness_mm", "phase_rad", "phase_hz", "phase_ppb"}
FIRST_SENTENCES = 4
REPORT_PATTERN = "study_report*.html"
PAGES_NAME = "Pages of patients"


class StudyCancelled(Exception):
    """The user does not want to wait."""


@dataclass(frozen=True)
class StudyFiles:
    """:param participants: None for none."""

    measurements: tuple[Path, ...]
    participants: Path | None
    readings: tuple[Path, ...]

    @property
    def all(self) -> list[Path]:
        return [*self.measurements, *([self.participants] if self.participants else []), *self.readings]


@dataclass(frozen=True)
class StudyOutcome:
    """What a study left to look at.

    :param charts: (title, node) of each chart; a left-right table is a table node. summary: who was studied.
    :param problems: what was left out or looks like a slip, a sentence each.
    """

    folder: Path
    tables: tuple = ()
    charts: tuple = ()
    reports: tuple[Path, ...] = ()
    ranges: Path | None = None
    summary: str = ""
    problems: tuple[str, ...] = field(default=())

    @property
    def audit(self) -> str:
        """The first of the problems, and how many there are."""
        count = len(self.problems)
        if not count:
            return _("Audit: nothing looks like a slip.")
        lines = [_("Audit, findings to look at: {count}").format(count=count)]
        lines += [f"- {sentence}" for sentence in self.problems[:FIRST_SENTENCES]]
        if count > FIRST_SENTENCES:
            text = _("... and {count} more: see the table of problems, or audit in study_statistics.tsv.")
            lines.append(text.format(count=count - FIRST_SENTENCES))
        return "\n".join(lines)


def kindOfTable(path: Path) -> str:
    """What a table is by its header line: "measurements", "readings" or "participants"; "" for anything else."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            columns = {name.strip() for name in file.readline().split("\t")}
    except (OSError, UnicodeDecodeError):
        return ""
    if {"subject", "target", "reader", "reading"} <= columns:
        return READINGS
    if "subject" in columns and columns & {"target", "region"} and columns & _VALUES:
        return MEASUREMENTS
    return PARTICIPANTS if columns & {"subject", "participant_id"} and "group" in columns else ""


def tablesBelow(folder: Path) -> list[Path]:
    """Tables of measurements of either kind, of readings and of participants in a folder and those below it."""
    names = ("*profile_measurements*.tsv", "*phase_measurements*.tsv", "*readings*.tsv", "participants.tsv")
    found = {path for name in names for path in Path(folder).rglob(name)}
    return sorted(path for path in found if kindOfTable(path))


def runStudyOf(
    files: StudyFiles,
    settings,
    folder: Path,
    command: str,
    progress: Callable[[str, float], None],
    withPages: bool = False,
) -> StudyOutcome:
    """Read, compute, write; needs pandas and statsmodels. The folder never holds half of it.

    :param settings: `StudySettings`. command: of the provenance. progress: called with words and the share done.
    :param withPages: write a page for each exam of patients, too.
    :raises InputError: nothing that can be studied, or a folder that cannot be written.
    """
    from .mrmlStudy import writeStudyTables
    from .study import runStudies
    from .studyOutput import RANGES_NAME, writeStudies
    from .studyTables import readStudy

    folder = Path(folder)
    checkWritable(folder, holds="study")
    checkNotReplaced(folder, files.all)
    progress(_("reading tables"), 0.0)
    data = readStudy(files.measurements, files.participants, files.readings)
    results = runStudies(data, settings, progress)
    with outputFolder(folder, holds="study") as beside, ExitStack() as stack:
        pictures = stack.enter_context(panelViews.Pictures())
        charts = StudyCharts(results, pictures, progress)
        writeStudies(beside, results, files.all, command, charts.draw, withPages, progress)
    tables = []
    for result in results:
        name = studyName(result.kind, results)
        nodes = writeStudyTables(slicer.mrmlScene, result, name)
        gather(name, nodes)
        tables += nodes
    problems = dict.fromkeys(problem.text for result in results for problem in result.problems)
    ranges = folder / RANGES_NAME
    return StudyOutcome(
        folder,
        tuple(tables),
        tuple(charts.shown),
        tuple(sorted(folder.glob(REPORT_PATTERN))),
        ranges if any(result.ranges for result in results) else None,
        "\n".join(_summary(result) for result in results),
        tuple(problems),
    )


def studyName(kind: str, results: Sequence) -> str:
    """What a study's nodes are called in the scene."""
    if len(results) == 1:
        return _("Study")
    return _("Study of the profile") if kind == "profile" else _("Study of the phase")


class StudyCharts:
    """Charts of a study: into the scene, and as pictures of Slicer's plot view, for Slicer has no matplotlib.

    :param pictures: `panelViews.Pictures` in use. progress: called with words and the share done.
    """

    def __init__(self, results: Sequence, pictures, progress: Callable[[str, float], None]):
        self._results, self._pictures, self._progress = results, pictures, progress
        self.shown: list[tuple[str, object]] = []

    def draw(self, folder: Path, charts: Sequence) -> list[Path]:
        """What `writeStudies` asks for: a PNG of each chart, as far as there is a view to draw it.

        The study's own charts stay in the scene; those of a patient's page go again.
        """
        from .mrmlStudy import writeStudyCharts

        result = next((result for result in self._results if result.charts is charts), None)
        name = PAGES_NAME if result is None else studyName(result.kind, self._results)
        nodes = writeStudyCharts(slicer.mrmlScene, charts, name)
        drawn = []
        for number, (chart, node) in enumerate(zip(charts, nodes, strict=True)):
            if result is not None:
                self._progress(_("drawing {chart}").format(chart=chart.title), number / len(charts))
                self.shown.append((_title(chart), node))
            path = folder / f"{chart.name}.png"
            if node.IsA("vtkMRMLPlotChartNode"):
                self._pictures.chart(node, path)
            if path.is_file():
                drawn.append(path)
        if result is None:
            writeStudyCharts(slicer.mrmlScene, (), name)
        else:
            gather(name, nodes)
        return drawn


def _title(chart) -> str:
    """What the list of charts calls it: what it shows, then of what."""
    words = {
        "RocChart": _("ROC: {title}"),
        "BoxChart": _("Groups: {title}"),
        "ScatterChart": _("Correlation: {title}"),
        "RangeChart": _("Reference range: {title}"),
        "DifferenceChart": _("Agreement: {title}"),
        "LimbChart": _("Left and right: {title}"),
    }
    return words.get(type(chart).__name__, "{title}").format(title=chart.title)


def gather(folderName: str, nodes: Sequence) -> None:
    """Put nodes into a folder of the scene's tree, which keeps its place on the next run."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if hierarchy is None:
        return
    top = hierarchy.GetSceneItemID()
    parent = hierarchy.GetItemChildWithName(top, folderName) or hierarchy.CreateFolderItem(top, folderName)
    for node in nodes:
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.SetItemParent(item, parent)


def _summary(result) -> str:
    """Who was studied, in one line, and what was left out."""
    counts = result.counts
    words = {"als": _("ALS"), "control": _("controls"), "mimic": _("mimics")}
    groups = ", ".join(f"{count} {words.get(name, _('without group'))}" for name, count in counts["by_group"].items())
    text = _(
        "{kind}: {subjects} subjects ({groups}), {exams} exams, {failed} of {regions} values not measured."
    ).format(
        kind=_("Profile") if result.kind == "profile" else _("Phase"),
        subjects=counts["subjects"],
        groups=groups,
        exams=counts["exams"],
        failed=counts["not_measured"],
        regions=counts["regions"],
    )
    if result.notes:
        text += " " + _("Left out: {notes}.").format(notes="; ".join(result.notes))
    return text
