"""The demo: phantom cases saved as Slicer scenes and measured from the saved files, and a made cohort studied; found
beside true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ALSCortexProfileLib import mrml as profileMrml
from PhaseShiftROILib import mrml as phaseMrml

from . import caseIO, examOutput, phantom, phasePhantom
from .examReport import ReportContext
from .cohort import CohortTruth, makeCohort, writeCohort
from .mrmlFiles import HeadlessScene, saveScene
from .study import rowsOf, runStudies
from .studyFigures import writeFigures
from .studyOutput import writeStudies
from .studySettings import StudySettings
from .studyTables import readStudy
from .tables import Column, writeTable

PAGES = ("ALS01", "ALS02")  # of the made cohort: two exams each
PROFILE_TRUTH_COLUMNS = (
    Column("subject", "Phantom", isText=True),
    Column("target", "Place in the phantom's cortex", isText=True),
    Column("status", "Outcome of the measurement", isText=True),
    Column("sh", "Measured signal hypointensity"),
    Column("sh_true", "True signal hypointensity"),
    Column("thickness_mm", "Measured thickness", "mm"),
    Column("thickness_true_mm", "True thickness", "mm"),
    Column("sh_thk_per_mm", "Measured SH/Thk", "1/mm"),
    Column("sh_thk_true_per_mm", "True SH/Thk", "1/mm"),
    Column("error_percent", "Error of SH/Thk", "%"),
)
PHASE_TRUTH_COLUMNS = (
    Column("subject", "Phantom", isText=True),
    Column("region", "Structure", isText=True),
    Column("side", "left or right", isText=True),
    Column("rank", "1 is the most extreme slice"),
    Column("slice", "Slice that was kept"),
    Column("phase_rad", "Measured phase shift", "rad"),
    Column("phase_true_rad", "True local shift in that slice", "rad"),
    Column("retention", "Predicted share that the filter leaves"),
    Column("expected_rad", "True shift times retention", "rad"),
    Column("difference_rad", "Measured minus expected", "rad"),
)


def runDemo(folder: Path, progress: Callable[[str, float], None] | None = None) -> tuple[list[dict], list[dict]]:
    """Make, save, measure and compare all cases; returns the rows of both tables of measured beside true."""
    rows = []
    for case in (phantom.alsLikeCase(), phantom.controlLikeCase()):
        made = HeadlessScene()
        profileMrml.storeCase(made.scene, phantom.addCaseToScene(made.scene, case))
        exam = _measureSaved(folder / case.subject, made, progress)
        rows += [_comparedProfile(case, measurement) for measurement in exam.measurements]
    writeTable(folder / "measured_vs_true.tsv", PROFILE_TRUTH_COLUMNS, rows)
    phaseRows = []
    for case in (phasePhantom.alsLikePhase(), phasePhantom.controlLikePhase()):
        made, rendered = HeadlessScene(), phasePhantom.renderPhase(case)
        phaseMrml.storePhaseCase(made.scene, phasePhantom.addPhaseCaseToScene(made.scene, rendered))
        exam = _measureSaved(folder / case.subject, made, progress)
        for measurement in exam.measurements:
            phaseRows += _comparedPhase(rendered, measurement)
    writeTable(folder / "phase_measured_vs_true.tsv", PHASE_TRUTH_COLUMNS, phaseRows)
    return rows, phaseRows


def runDemoStudy(folder: Path, progress: Callable[[str, float], None] | None = None) -> str:
    """Make a cohort of known truth, study it as the command `study` does; returns found beside true as text."""
    tables = writeCohort(folder / "cohort", makeCohort())
    inputs = [tables[name] for name in ("profile_measurements", "profile_measurements_second_reader")]
    data = readStudy([*inputs, tables["phase_measurements"]], tables["participants"], [tables["readings"]])
    results = runStudies(data, StudySettings(), progress)
    (folder / "study").mkdir()
    writeStudies(folder / "study", results, list(tables.values()), "demo", writeFigures, PAGES, progress)
    truth, main = CohortTruth(), {"measure": "sh_thk_per_mm", "region": "all", "rule": "symmetric"}
    lines = [f"{'made cohort: 27 ALS, 13 controls, 10 mimics':<52} {'found (95 % CI)':>22} {'true':>6}"]
    for name, analysis, where, true in (
        ("AUC of SH/Thk against controls, symmetric rule", "auc_delong", {"group_b": "control"}, truth.auc("control")),
        ("AUC of SH/Thk against mimics, symmetric rule", "auc_delong", {"group_b": "mimic"}, truth.auc("mimic")),
        ("rho of SH/Thk with the limb's UMN score", "spearman", {"group_b": "umn_limb"}, truth.spearman),
    ):
        row = rowsOf(results[0], analysis, **main, **where)[0]
        found = f"{row['estimate']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
        lines.append(f"{name:<52} {found:>22} {true:>6.2f}")
    return "\n".join(lines)


def _measureSaved(folder: Path, made: HeadlessScene, progress) -> caseIO.Exam:
    """Save a scene, measure it from the saved file as a user's scene would be, and write its results beside it."""
    folder.mkdir()
    path = folder / examOutput.SCENE_NAME
    saveScene(made.scene, path)
    opened = HeadlessScene()
    exams = caseIO.measureScene(
        opened.scene, path, lambda share: progress(folder.name, share) if progress is not None else None
    )
    examOutput.logExams(exams)
    examOutput.writeExams(folder, opened.scene, exams, "demo", [], report=ReportContext())
    return exams[0]


def _comparedProfile(case: phantom.PhantomCase, measurement) -> dict:
    slug = measurement.input.target.slug
    band = next(target.band for target in case.targets if target.slug == slug)
    row = {"subject": case.subject, "target": slug, "status": measurement.status}
    if band is not None:
        row |= {"sh_true": band.sh, "thickness_true_mm": band.thicknessMm, "sh_thk_true_per_mm": band.shThkPerMm}
    if measurement.status == "ok":
        found = measurement.selected
        row |= {"sh": found.sh, "thickness_mm": found.thicknessMm, "sh_thk_per_mm": found.shThkPerMm}
        if band is not None:
            row["error_percent"] = 100.0 * (found.shThkPerMm / band.shThkPerMm - 1.0)
    return row


def _comparedPhase(rendered: phasePhantom.RenderedPhase, measurement) -> list[dict]:
    region, rows = measurement.region, []
    for rank, value in enumerate(measurement.chosen, start=1):
        true = rendered.truthRad[region.slug][value.slice]
        row = {"subject": rendered.case.subject, "region": region.structure.slug, "side": region.side, "rank": rank}
        row |= {"slice": value.slice, "phase_rad": value.phaseRad, "phase_true_rad": true, "retention": value.retention}
        expected = true * value.retention
        rows.append({**row, "expected_rad": expected, "difference_rad": value.phaseRad - expected})
    return rows


def comparisonText(rows: Sequence[dict], phaseRows: Sequence[dict]) -> str:
    """Both comparisons as tables for a terminal."""
    return _profileText(rows) + "\n\n" + _phaseText(phaseRows)


def _profileText(rows):
    def number(row, name, digits):
        return f"{row[name]:.{digits}f}" if name in row else "-"

    layout = "{:<16} {:<18} {:<8} {:>15} {:>15} {:>16} {:>7}"
    lines = [layout.format("case", "target", "status", "SH (true)", "Thk mm (true)", "SH/Thk (true)", "error")]
    for row in rows:
        error = f"{row['error_percent']:+.1f}%" if "error_percent" in row else "-"
        pairs = [
            f"{number(row, a, digits)} ({number(row, b, digits)})"
            for a, b, digits in (
                ("sh", "sh_true", 3),
                ("thickness_mm", "thickness_true_mm", 2),
                ("sh_thk_per_mm", "sh_thk_true_per_mm", 3),
            )
        ]
        lines.append(layout.format(row["subject"], row["target"], row["status"], *pairs, error))
    return "\n".join(lines)


def _phaseText(rows):
    layout = "{:<22} {:<17} {:<6} {:>4} {:>6} {:>9} {:>9} {:>10} {:>9}"
    lines = [
        layout.format("case", "region", "side", "rank", "slice", "rad", "true", "retention", "expected"),
        *(
            layout.format(
                row["subject"],
                row["region"],
                row["side"],
                row["rank"],
                row["slice"],
                f"{row['phase_rad']:+.3f}",
                f"{row['phase_true_rad']:+.3f}",
                f"{row['retention']:.2f}",
                f"{row['expected_rad']:+.3f}",
            )
            for row in rows
        ),
    ]
    return "\n".join(lines)
