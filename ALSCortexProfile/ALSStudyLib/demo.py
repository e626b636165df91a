"""The demo: phantom cases saved as Slicer scenes, measured from the saved files, measured beside true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ALSCortexProfileLib import mrml
from ALSCortexProfileLib.measurement import ProfileMeasurement

from . import caseIO, phantom
from .mrmlFiles import HeadlessScene, saveScene
from .tables import Column, writeTable

TRUTH_COLUMNS = (
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


def runDemo(folder: Path, progress: Callable[[str, float], None] | None = None) -> list[dict]:
    """Make, save, measure and compare both cases; returns the rows of `measured_vs_true.tsv`."""
    rows = []
    cases = (phantom.alsLikeCase(), phantom.controlLikeCase())
    for case in cases:
        made = HeadlessScene()
        nodes = phantom.addCaseToScene(made.scene, case)
        caseFolder = folder / case.subject
        caseFolder.mkdir()
        scenePath = caseFolder / caseIO.SCENE_NAME
        mrml.storeCase(made.scene, nodes)
        saveScene(made.scene, scenePath)
        # Measured from the saved file, as a user's scene would be.
        opened = HeadlessScene()
        nodes = caseIO.openProfileCase(opened.scene, scenePath)

        def step(index, count, share, case=case):
            if progress is not None:
                progress(case.subject, (index + share) / count)

        measurements = mrml.measureCase(nodes, step)
        caseIO.logCase(nodes, measurements)
        caseIO.writeCase(caseFolder, opened.scene, nodes, measurements, "demo", [])
        rows += [_compared(case, measurement) for measurement in measurements]
    writeTable(folder / "measured_vs_true.tsv", TRUTH_COLUMNS, rows)
    return rows


def _compared(case: phantom.PhantomCase, measurement: ProfileMeasurement) -> dict:
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


def comparisonText(rows: Sequence[dict]) -> str:
    """The comparison as a table for a terminal."""

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
