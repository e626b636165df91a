"""What the report of one exam says: the numbers with their intervals first, then what they can be compared with.

Nothing is computed here except the mean of the slices that the slice rule kept: values, intervals, percentiles and
changes come in, and are put into words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError
from .estimate import Estimate
from .provenance import VERSION
from .report import ReportPage, ReportTable, Section
from .reportWords import (
    NOT_MEASURED,
    counted,
    interval,
    minus,
    named,
    number,
    percentage,
    realMinus,
    signed,
    statusWords,
    text,
    unbroken,
)

if TYPE_CHECKING:
    from .referenceRange import PatientComparison, ReferenceRange
    from .studyCharts import LimbRow

PROFILE, PHASE = "profile", "phase"
DASH = "\u2013"
TITLES = {PROFILE: "Cortex profile of the motor cortex", PHASE: "Phase shift of gray matter"}
SOURCES = {PROFILE: "profile_measurements.tsv", PHASE: "phase_measurements.tsv"}
PROFILE_MEANING = (
    "SH: signal hypointensity of the deep cortex below white matter, as a share of the splenium. Thk: thickness of "
    "the dark band at 25 % of its height."
)
SD_MEANING = "SD: of the region's pixels, no confidence interval."
RETENTION_MEANING = "Retention: share of a shift that the filter leaves."
# Unit and digits of each phase column, the main one first.
_PHASE_UNITS = {"phase_rad": ("rad", 3), "phase_hz": ("Hz", 2), "phase_ppb": ("ppb", 1)}
_NO_COEFFICIENT = "no repeatability coefficient to compare with"
_POLARITY = {
    "paramagnetic_negative": "iron is negative",
    "paramagnetic_positive": "iron is positive",
    "unknown": "unknown: values cannot be read as iron",
}


def patientPage(
    kind: str,
    subject: str,
    exam: str,
    measurements: Sequence[Mapping],
    participant: Mapping | None = None,
    comparisons: Sequence[tuple[str, PatientComparison, ReferenceRange]] = (),
    limbs: Sequence[LimbRow] = (),
    readings: Sequence[Mapping] = (),
    changes: Sequence[tuple[str, str, Estimate]] = (),
    pictures: Sequence[tuple[Path, str]] = (),
    provenance: Mapping | None = None,
    notes: Sequence[str] = (),
) -> ReportPage:
    """The page of one exam; sections without content are left out.

    :param kind: "profile" or "phase". measurements: rows of profile_measurements.tsv or phase_measurements.tsv.
    :param participant: sex, age_years, group ... as far as known.
    :param comparisons: (what, the value among the site's controls, their range). limbs: values beside UMN scores.
    :param readings: rows of READING_COLUMNS. changes: (what, since when, `referenceRange.change`).
    :param provenance: content of provenance.json. notes: sentences at the end.
    :raises InputError: no subject, no measurements, or another kind.
    """
    if kind not in TITLES:
        raise InputError(f"The report's kind is '{kind}'; expected {PROFILE} or {PHASE}; choose one.")
    if not (subject or "").strip():
        raise InputError("The report has no subject; expected an identifier, for it will be signed; enter it.")
    if not measurements:
        raise InputError(f"The report of '{subject}' has no measurements; expected at least one; measure first.")
    participant, provenance = participant or {}, provenance or {}
    numbers = _profileTable if kind == PROFILE else _phaseTable
    sections = (
        Section(facts=_who(participant, provenance)),
        Section("Measured", table=numbers(measurements, _ofExam(readings, subject, exam), limbs)),
        Section(
            "Among this site's own controls", table=_comparisonTable(comparisons, number(participant, "age_years"))
        ),
        Section("Change since an earlier exam", table=_changeTable(changes)),
        Section("Figures" if pictures else "", pictures=tuple(pictures)),
        Section("How it was measured", facts=_how(kind, provenance), paragraphs=_inputs(provenance)),
        Section("Remarks", paragraphs=tuple(map(realMinus, notes))),
    )
    subtitle = f"Subject {subject}" + (f", exam {exam}" if exam else "")
    filled = tuple(s for s in sections if s.facts or s.table or s.pictures or s.paragraphs)
    return ReportPage(TITLES[kind], subtitle, filled, f"ALSMotorCortex {provenance.get('version', VERSION)}")


def _who(participant: Mapping, provenance: Mapping) -> tuple[tuple[str, str], ...]:
    age, sex = number(participant, "age_years"), text(participant, "sex")
    words = {"f": "female", "m": "male", "female": "female", "male": "male"}
    facts = [("Sex", words.get(sex.lower(), sex)), ("Age", f"{age:g} years" if math.isfinite(age) else "")]
    for name, label in (("duration_months", "Duration (months)"), ("umn_total", "UMN score"), ("alsfrs", "ALSFRS")):
        value = number(participant, name)
        facts.append((label, f"{value:g}" if math.isfinite(value) else ""))
    facts.append(("Computed on", str(provenance.get("created") or "")[:10]))
    return tuple((label, value) for label, value in facts if value)


# The numbers


def _profileTable(rows: Sequence[Mapping], readings: Sequence[Mapping], limbs: Sequence[LimbRow]) -> ReportTable:
    header = ["Target", "SH/Thk, 1/mm (95 % CI)", "Status", "SH (95 % CI)", "Thk, mm (95 % CI)"]
    columns = [
        [named(text(row, "target")) for row in rows],
        [interval(row, "sh_thk_per_mm", 3) for row in rows],
        [statusWords(text(row, "status")) for row in rows],
        [interval(row, "sh", 3, DASH) for row in rows],
        [interval(row, "thickness_mm", 2, DASH) for row in rows],
    ]
    targets = [text(row, "target") for row in rows]
    _addOptional(header, columns, "Visual reading", [_reading(target, readings) for target in targets])
    _addOptional(header, columns, "UMN of limb", [_limb(target, limbs) for target in targets])
    _addOptional(header, columns, "Remarks", [_flags(row) for row in rows])
    return ReportTable(tuple(header), tuple(zip(*columns, strict=True)), PROFILE_MEANING, SOURCES[PROFILE], (1,), True)


def _phaseTable(rows: Sequence[Mapping], readings: Sequence[Mapping], limbs: Sequence[LimbRow]) -> ReportTable:
    """One row per region and side: the slices kept, their mean beside the most extreme, as METHODS.md asks.

    In radians; in the first other unit there is, for a table that has no radians.
    """
    groups: dict[str, list[Mapping]] = {}
    for row in rows:
        side = text(row, "side")
        slug = "_".join(filter(None, (text(row, "region"), "" if side == "both" else side)))
        groups.setdefault(slug, []).append(row)
    known = [name for name in _PHASE_UNITS if any(math.isfinite(number(row, name)) for row in rows)]
    main = known[0] if known else "phase_rad"
    unit = _PHASE_UNITS[main][0]
    hasSpread = main == "phase_rad" and any(math.isfinite(number(row, "sd_rad")) for row in rows)
    spread = " \u00b1 SD" if hasSpread else ""
    header = ["Region", f"Mean phase, {unit}", "Status", f"Most extreme{spread}", f"Slices kept: {unit}"]
    columns: list[list[str]] = [[] for _name in header]
    for slug, group in groups.items():
        group.sort(key=lambda row: number(row, "rank"))
        for column, cell in zip(columns, [named(slug), *_phaseCells(group, main)], strict=True):
            column.append(cell)
    for name, (other, digits) in _PHASE_UNITS.items():
        if name != main:
            cells = [signed(_mean(group, name), digits) for group in groups.values()]
            _addOptional(header, columns, f"Mean, {other}", cells, DASH)
    retention = [minus(_mean(group, "retention"), 2) for group in groups.values()]
    _addOptional(header, columns, "Retention", retention, DASH)
    _addOptional(header, columns, "Pixels", [_pixels(group) for group in groups.values()], DASH)
    _addOptional(header, columns, "Visual reading", [_reading(slug, readings) for slug in groups])
    _addOptional(header, columns, "UMN of limb", [_limb(slug, limbs) for slug in groups])
    _addOptional(header, columns, "Remarks", [_flags(*group) for group in groups.values()])
    meanings = (SD_MEANING if hasSpread else "", RETENTION_MEANING if any(retention) else "")
    note = " ".join(filter(None, meanings))
    return ReportTable(tuple(header), tuple(zip(*columns, strict=True)), note, SOURCES[PHASE], (1,), True)


def _phaseCells(group: Sequence[Mapping], main: str) -> list[str]:
    """Mean, status, most extreme, and each slice; a slice without number is not numbered."""
    digits, values = _PHASE_UNITS[main][1], [number(row, main) for row in group]
    if not all(map(math.isfinite, values)):
        return [NOT_MEASURED, "no value", DASH, DASH]
    extreme = max(range(len(values)), key=lambda i: abs(values[i]))
    sd = number(group[extreme], "sd_rad") if main == "phase_rad" else math.nan
    slices = []
    for row, value in zip(group, values, strict=True):
        slice = text(row, "slice")
        slices.append(unbroken((f"{slice}: " if slice else "") + signed(value, digits)))
    return [
        signed(_mean(group, main), digits),
        statusWords("ok"),
        unbroken(signed(values[extreme], digits) + (f" \u00b1 {sd:.3f}" if math.isfinite(sd) else "")),
        ", ".join(slices),
    ]


def _mean(group: Sequence[Mapping], name: str) -> float:
    return sum(number(row, name) for row in group) / len(group)


def _pixels(group: Sequence[Mapping]) -> str:
    """Fewest to most of the slices."""
    found = sorted(n for n in (number(row, "n_pixels") for row in group) if math.isfinite(n))
    return " to ".join(dict.fromkeys(f"{n:.0f}" for n in (found[0], found[-1]))) if found else ""


def _addOptional(header: list[str], columns: list[list[str]], name: str, cells: list[str], blank: str = "") -> None:
    """A column that has something to say. :param blank: for cells that have nothing."""
    if any(cells):
        header.append(name)
        columns.append([cell or blank for cell in cells])


def _flags(*rows: Mapping) -> str:
    flags = dict.fromkeys(flag for row in rows for flag in text(row, "flags").split(";") if flag)
    return "; ".join(flag.replace("_", " ") for flag in flags)


def _ofExam(readings: Sequence[Mapping], subject: str, exam: str) -> list[Mapping]:
    return [row for row in readings if text(row, "subject") == subject and text(row, "exam") == exam]


def _reading(target: str, readings: Sequence[Mapping]) -> str:
    """What the readers saw, each with the name; sessions in order."""
    found = sorted((row for row in readings if text(row, "target") == target), key=lambda row: text(row, "session"))
    words = []
    for row in found:
        who = text(row, "reader") + (f" {text(row, 'session')}" if len(found) > 1 else "")
        blind = ", not blind" if text(row, "blind") == "no" else ""
        words.append(f"{text(row, 'reading')} {text(row, 'score')}/2 ({who}{blind})")
    return "; ".join(words)


def _limb(slug: str, limbs: Sequence[LimbRow]) -> str:
    found = [row for row in limbs if slug in (row.region, f"{row.region}_{row.side}") and math.isfinite(row.umn)]
    words = [f"{_limbName(row.limb)}\u00a0{row.umn:g}/{row.highestUmn:g}" for row in found]
    return "; ".join(dict.fromkeys(words))


def _limbName(limb: str) -> str:
    """`arm_leg_left`, the sum of both limbs, is "left arm + leg"."""
    *places, side = limb.split("_")
    return f"{side} {(' +' + chr(0xA0)).join(places)}".strip()


# What they are compared with


def _comparisonTable(comparisons, ageYears: float) -> ReportTable | None:
    if not comparisons:
        return None
    header = ("Value", "Percentile (95 % CI)", "z", "Among the controls", "Controls' central 95 %")
    rows, remarks = [], {}
    for label, comparison, reference in comparisons:
        percentile = comparison.percentile
        if not math.isfinite(comparison.z):
            rows.append((label, "not compared", DASH, DASH, realMinus(comparison.note or percentile.note)))
            continue
        for remark in filter(None, (comparison.note, reference.note)):
            remarks.setdefault(remark, []).append(label.partition(", ")[2] or label)
        low, high = reference.limits(ageYears if comparison.usesAge else None)
        atAge = f" at {ageYears:g} years" if comparison.usesAge else ""
        isOutside = not 2.5 <= percentile.value <= 97.5
        ends = f"{percentage(percentile.ciLow)} to {percentage(percentile.ciHigh)}"
        limits = unbroken(f"{minus(low.value, 3)} to {minus(high.value, 3)}{atAge}")
        rows.append(
            (
                label,
                unbroken(f"{percentage(percentile.value)} ({ends})"),
                unbroken(signed(comparison.z, 2)),
                f"{comparison.beyond.split()[0]} than {comparison.nBeyond} of {counted(comparison.n, 'control')}",
                f"{limits}: outside" if isOutside else limits,
            )
        )
    measured = len([row for row in rows if row[1] != "not compared"])
    notes = [words if len(labels) == measured else f"{'; '.join(labels)}: {words}" for words, labels in remarks.items()]
    larger = {comparison.beyond.split()[0] == "greater" for _, comparison, _ in comparisons if comparison.beyond}
    if len(larger) == 1:
        notes.insert(0, f"the {'larger' if larger == {True} else 'smaller'} a value, the more abnormal")
    return ReportTable(header, tuple(rows), realMinus("; ".join(notes)), strong=(1,), isEssential=True)


def _changeTable(changes) -> ReportTable | None:
    if not changes:
        return None
    rows = tuple(
        (label, since, _estimate(estimate, 3), realMinus(estimate.note or _NO_COEFFICIENT))
        for label, since, estimate in changes
    )
    return ReportTable(("Value", "Since", "Change (95 % CI)", "In words"), rows, strong=(2,), isEssential=True)


def _estimate(estimate: Estimate, digits: int) -> str:
    if not math.isfinite(estimate.value):
        return "not measured"
    limits = ""
    if math.isfinite(estimate.ciLow) and math.isfinite(estimate.ciHigh):
        limits = f" ({signed(estimate.ciLow, digits)} to {signed(estimate.ciHigh, digits)})"
    return unbroken(signed(estimate.value, digits) + limits)


# How it came about


def _how(kind: str, provenance: Mapping) -> tuple[tuple[str, str], ...]:
    if not provenance:
        return ()
    settings = provenance.get("settings") or {}
    facts = [
        ("Software", f"ALSMotorCortex {provenance.get('version', '')}"),
        ("By", str(provenance.get("command", ""))),
    ]
    facts += (_howProfile if kind == PROFILE else _howPhase)(provenance, settings)
    return tuple((label, value) for label, value in facts if value)


def _howProfile(provenance: Mapping, settings: Mapping) -> list[tuple[str, str]]:
    echoes = provenance.get("echoes") or {}
    times = echoes.get("times_ms") or []
    combined = str(echoes.get("combination") or "one image as it is")
    beyond = [name for key, name in (("voxelAware", "voxel in the fit"), ("align", "alignment")) if settings.get(key)]
    return [
        ("Echoes", combined + (f" of {len(times)} ({times[0]:g} to {times[-1]:g} ms)" if times else "")),
        ("Sampling", str(settings.get("interpolation", ""))),
        ("Beyond the paper", ", ".join(beyond) or "nothing"),
        ("Fitted depths", str(settings.get("windowPolicy", "")).replace("_", " ")),
        ("Intervals", f"bootstrap, {settings['resamples']} resamples" if settings.get("resamples") else ""),
        ("Seed", str(provenance.get("seed") or "")),
    ]


def _howPhase(provenance: Mapping, settings: Mapping) -> list[tuple[str, str]]:
    phase = provenance.get("phase") or {}
    echo, field = phase.get("echo_time_ms"), phase.get("field_strength_t")
    return [
        ("Polarity", _POLARITY.get(str(provenance.get("polarity")), str(provenance.get("polarity") or ""))),
        ("Echo time", f"{echo:g} ms" if echo else ""),
        ("Field", f"{field:g} T" if field else ""),
        ("Slice rule", str(settings.get("sliceRule", ""))),
        ("Filter", str(provenance.get("filter") or "")),
        ("Stored as", str(phase.get("encoding", ""))),
    ]


def _inputs(provenance: Mapping) -> tuple[str, ...]:
    """Which bytes went in, shortly; the whole sums are in provenance.json."""
    files = [
        f"{Path(str(one.get('path', ''))).name} {str(one.get('sha256', ''))[:12]}"
        for one in provenance.get("inputs") or []
    ]
    return (f"Inputs (SHA-256, first 12 digits): {', '.join(files)}.",) if files else ()
