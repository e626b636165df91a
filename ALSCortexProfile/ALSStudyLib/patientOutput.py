"""The report of one exam into a folder: a page to sign (HTML, PDF) and a DICOM Structured Report.

Knows neither pandas nor the scene, so that Slicer writes reports without installing anything but reportlab.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .errors import InputError
from .jsonText import parsedJson
from .estimate import Estimate
from .patientReport import PHASE, PROFILE, patientPage
from .referenceRange import PatientComparison, ReferenceRange
from .report import writeHtml, writePdf
from .reportWords import named, number

RANGES_NAME = "reference_ranges.json"
MAIN_MEASURES = {PROFILE: "sh_thk_per_mm", PHASE: "phase_rad"}
_LABEL = {PROFILE: "SH/Thk", PHASE: "phase shift"}
MOST_PICTURES = 6
OLDEST_YEARS = 110
# Which pictures say most, first: the fit with its window, then where it was drawn.
_PICTURES = {
    PROFILE: ("*_fit.png", "*_profile.png", "*_contour.png", "references.png"),
    PHASE: ("phase_slices.png", "phase_precentral*.png", "phase_*.png"),
}


def readRanges(path: Path) -> list[ReferenceRange]:
    """Reference ranges that a study has written.

    :raises InputError: no such file, or not one of ranges.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"Reference ranges '{path}' were not found; expected {RANGES_NAME} of a study; choose another."
        )
    try:
        stored = list(parsedJson(path.read_text(encoding="utf-8"))["ranges"])
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InputError(
            f"File '{path.name}' holds no reference ranges; expected {RANGES_NAME} of a study; choose another."
        ) from error
    return [ReferenceRange.fromDict(each) for each in stored]


def picturesIn(folder: Path, kind: str) -> list[tuple[Path, str]]:
    """The pictures of an exam's folder that belong into its report, with captions."""
    found = [path for pattern in _PICTURES[kind] for path in sorted(Path(folder).glob(pattern))]
    chosen = list(dict.fromkeys(found))[:MOST_PICTURES]
    return [(path, named(path.stem)) for path in chosen]


def comparisons(
    kind: str,
    values: Mapping[tuple[str, str], float],
    ranges: Sequence[ReferenceRange],
    ageYears: float,
    how: Mapping,
    isLargerAbnormal: bool,
    measure: str,
) -> tuple[list[tuple[str, PatientComparison, ReferenceRange]], list[str]]:
    """An exam's values among the controls of the same place; and why a range does not apply.

    :param values: by region and side; both sides together only where a place has no sides.
    :param how: how the values came about (filter, echo_combination, echo_time_ms, field_strength_t, ...), as text.
    """
    found, notes = [], []
    for (region, side), value in values.items():
        if side == "both" and {(region, "left"), (region, "right")} & set(values):
            continue
        for each in ranges:
            about = each.about
            if (about.get("kind"), about.get("measure"), about.get("region")) != (kind, measure, region):
                continue
            if about.get("side", "both") != side:
                continue
            other = next(
                (name for name, text in how.items() if text and about.get(name) and not alikeText(text, about[name])),
                "",
            )
            if other:
                made = f"it was made with {other.replace('_', ' ')} {about[other]}, this exam with {how[other]}"
                notes.append(f"Not compared with the reference range: {made}.")
                continue
            label = f"{_LABEL[kind]}, {named(f'{region}_{side}' if side != 'both' else region)}"
            found.append((label, each.compare(value, ageYears, isLargerAbnormal), each))
    if ranges and not found and not notes:
        notes.append("No reference range of the chosen ones is of a place measured here.")
    return found, list(dict.fromkeys(notes))


def alikeText(first: str, second: str) -> bool:
    """Whether two ways of making values are one: numbers may differ by 5 %, a 3 T magnet is one of 2.89 T."""
    try:
        return abs(float(first) - float(second)) < 0.05 * abs(float(second))
    except ValueError:
        return first == second


def placeValues(kind: str, rows: Sequence[Mapping]) -> dict[tuple[str, str], float]:
    """One value by region and side: of phases, the mean of the slices kept."""
    gathered: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        place = str(row["target" if kind == PROFILE else "region"])
        side = str(row.get("side") or "")
        region = place.removesuffix(f"_{side}") if side in ("left", "right") else place
        value = row.get(MAIN_MEASURES[kind])
        if value is not None and math.isfinite(float(value)):
            gathered.setdefault((region, side if side in ("left", "right") else "both"), []).append(float(value))
    return {place: sum(values) / len(values) for place, values in gathered.items()}


def acquisitionOf(kind: str, provenance: Mapping) -> dict[str, str]:
    """How an exam's values came about, as text, from its provenance: what must be alike for values to compare."""
    settings = provenance.get("settings") if isinstance(provenance.get("settings"), Mapping) else {}
    settings = settings.get(kind, settings)
    phase, echoes = provenance.get("phase") or {}, provenance.get("echoes") or {}
    known = {
        "filter": provenance.get("filter"),
        "polarity": provenance.get("polarity"),
        "echo_combination": echoes.get("combination"),
        "echo_time_ms": phase.get("echo_time_ms"),
        "field_strength_t": phase.get("field_strength_t"),
        "interpolation": settings.get("interpolation"),
    }
    return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in known.items() if value}


def acquisitionsOf(kind: str, provenance: Mapping) -> dict[tuple[str, str], dict[str, str]]:
    """The same of each (subject, exam) of a batch; empty for the provenance of one exam."""
    batch = provenance.get("acquisitions")
    groups = batch.get(kind, []) if isinstance(batch, Mapping) else []
    return {(subject, exam or "1"): group["how"] for group in groups for subject, exam in group["exams"]}


def groupedAcquisitions(records: Iterable[Mapping]) -> dict[str, list[dict]]:
    """What `acquisitionsOf` reads, from the records of a batch: by kind, each way of acquisition with its exams."""
    grouped: dict[str, dict[tuple, list]] = {}
    for record in records:
        for kind, found in record.get("provenance", {}).items():
            how = acquisitionOf(kind, {"settings": record["settings"], **found})
            exams = grouped.setdefault(kind, {}).setdefault(tuple(sorted(how.items())), [])
            exams.append([record["subject"], record["exam"]])
    return {kind: [{"how": dict(how), "exams": exams} for how, exams in ways.items()] for kind, ways in grouped.items()}


def _known(value):
    """None for what is missing: NaN, as computed, and "", as read from a table."""
    return None if value == "" or (isinstance(value, float) and math.isnan(value)) else value


def writePatientReport(
    folder: Path,
    kind: str,
    subject: str,
    exam: str,
    rows: Sequence[Mapping],
    participant: Mapping | None = None,
    pictures: Sequence[tuple[Path, str]] = (),
    provenance: Mapping | None = None,
    ranges: Sequence[ReferenceRange] = (),
    readings: Sequence[Mapping] = (),
    sourceDicom: Sequence[Path] = (),
    withPdf: bool = True,
    withStructuredReport: bool = True,
    limbs: Sequence = (),
    changes: Sequence[tuple[str, str, Estimate]] = (),
    notes: Sequence[str] = (),
    stem: str = "report",
    values: Mapping[tuple[str, str], float] | None = None,
    isLargerAbnormal: bool | None = None,
    how: Mapping[str, str] | None = None,
    measure: str = "",
) -> list[Path]:
    """Write report.html, report.pdf and the DICOM Structured Report of one exam.

    :param rows: of profile_measurements.tsv or phase_measurements.tsv, numbers as numbers; None, NaN or "" is missing.
    :param ranges: of a site's controls (`readRanges`). sourceDicom: files of the image series, if it came as DICOM.
    :param stem: name of the files. values: of `measure` by region and side, else those of the rows.
    :param isLargerAbnormal: else as the provenance's polarity says. how: how the values came about, else as the
        provenance says.
    :raises InputError: no subject, no rows, or pictures that cannot be read.
    """
    rows = [{name: _known(value) for name, value in row.items()} for row in rows]
    folder, participant, provenance = Path(folder), dict(participant or {}), dict(provenance or {})
    age = number(participant, "age_years")
    if not 0.0 < age <= OLDEST_YEARS:
        age = participant["age_years"] = math.nan
    how = acquisitionOf(kind, provenance) if how is None else how
    if isLargerAbnormal is None:
        isLargerAbnormal = kind == PROFILE or how.get("polarity") == "paramagnetic_positive"
    values = placeValues(kind, rows) if values is None else values
    measure = measure or MAIN_MEASURES[kind]
    compared, remarks = comparisons(kind, values, ranges, age, how, isLargerAbnormal, measure)
    page = patientPage(
        kind,
        subject,
        exam,
        rows,
        participant,
        compared,
        limbs,
        readings,
        changes,
        pictures,
        provenance,
        [*remarks, *notes],
    )
    written = [writeHtml(page, folder / f"{stem}.html")]
    if withPdf:
        written.append(writePdf(page, folder / f"{stem}.pdf"))
    if withStructuredReport and (pictures or sourceDicom):
        from .structuredReport import writeStructuredReport

        picture = pictures[0][0] if pictures else None
        written += writeStructuredReport(
            folder, kind, subject, exam, rows, participant, picture, sourceDicom, provenance
        )
    return written
