"""A study's results into a folder: statistics, figures, reference ranges, reports, provenance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from .patientOutput import RANGES_NAME
from .provenance import PROVENANCE_NAME, provenance, writeJson
from .report import writeHtml, writePdf
from .study import StudyResult
from .studyCharts import Chart
from .studyPage import studyPage
from .studyPatients import writePatientPages
from .studyRows import STATISTICS_COLUMNS
from .tables import writeTable

FIGURES_NAME, PATIENTS_NAME = "figures", "patients"
STATISTICS_NAME, SUPPLEMENT_NAME = "study_statistics.tsv", "study_supplement.tsv"


def writeStudies(
    folder: Path,
    results: Sequence[StudyResult],
    inputs: Sequence[Path],
    command: str,
    drawCharts: Callable[[Path, Sequence[Chart]], list[Path]],
    withPatients: bool | Collection[str] = True,
    progress: Callable[[str, float], None] | None = None,
) -> None:
    """Everything of a study into a folder.

    :param drawCharts: draws charts as PNG into a folder and returns the files. inputs: files that went in.
    :param withPatients: a page for each patient, for none, or for these subjects.
    """
    rows = [row for result in results for row in _namedRows(result, result.rows, len(results) > 1)]
    more = [row for result in results for row in _namedRows(result, result.supplement, len(results) > 1)]
    writeTable(folder / STATISTICS_NAME, STATISTICS_COLUMNS, rows)
    writeTable(folder / SUPPLEMENT_NAME, STATISTICS_COLUMNS, more)
    ranges = [found.toDict() for result in results for found in result.ranges.values()]
    if ranges:
        writeJson(folder / RANGES_NAME, {"format": "ALSMotorCortex reference ranges", "ranges": ranges})
    figures = folder / FIGURES_NAME
    figures.mkdir(exist_ok=True)
    for result in results:
        pictures = drawCharts(figures, result.charts)
        page = studyPage(result, [(path, _caption(result, path)) for path in pictures])
        stem = "study_report" if len(results) == 1 else f"study_report_{result.kind}"
        writeHtml(page, folder / f"{stem}.html")
        writePdf(page, folder / f"{stem}.pdf")
    if withPatients:
        for result in results:
            only = None if withPatients is True else withPatients
            writePatientPages(folder / PATIENTS_NAME, result, drawCharts, progress, only)
    written = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    record = provenance(
        command,
        results[0].settings.toDict(),
        inputs,
        outputs=[*written, PROVENANCE_NAME],
        counts={result.kind: result.counts for result in results},
        notes={result.kind: result.notes for result in results},
        problems=[problem.text for problem in results[0].data.problems],
    )
    writeJson(folder / PROVENANCE_NAME, record)


def _namedRows(result: StudyResult, rows, isOneOfTwo: bool):
    """Rows that have no measure (audit, kappa) are the same in both kinds: given once."""
    if not isOneOfTwo or result.kind == "profile":
        return rows
    ofInput = {problem.text for problem in result.data.problems}
    return [
        row
        for row in rows
        if row["measure"] not in ("reading", "score") and row["note"].partition(": ")[2] not in ofInput
    ]


def _caption(result: StudyResult, path: Path) -> str:
    return next((chart.title for chart in result.charts if chart.name == path.stem), path.stem)
