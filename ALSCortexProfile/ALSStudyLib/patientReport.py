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
from .reportWords import NOT_MEASURED, interval, minus, named, number, percentage, signed, statusWords, text, unbroken

if TYPE_CHECKING:
    from .referenceRange import PatientComparison, ReferenceRange
    from .studyCharts import LimbRow

PROFILE, PHASE = "profile", "phase"
DASH = "\u2013"
TITLES = {PROFILE: "Cortex profile of the motor cortex", PHASE: "Phase shift of gray matter"}
SOURCES = {PROFILE: "profile_measurements.tsv", PHASE: "phase_measurements.tsv"}
MEANINGS = {
    PROFILE: (
        "SH: signal hypointensity of the deep cortex below white matter, as a share of the splenium. Thk: thickness of "
        "the dark band at 25 % of its height."
    ),
    PHASE: "SD: of the region's pixels, no confidence interval. Retention: share of a shift that the filter leaves.",
}
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
        Section("Remarks", paragraphs=tuple(notes)),
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
    return ReportTable(
        tuple(header), tuple(zip(*columns, strict=True)), MEANINGS[PROFILE], SOURCES[PROFILE], (1,), True
    )


def _phaseTable(rows: Sequence[Mapping], readings: Sequence[Mapping], limbs: Sequence[LimbRow]) -> ReportTable:
    """One row per region and side: the slices kept, their mean beside the most extreme, as METHODS.md asks."""
    groups: dict[str, list[Mapping]] = {}
    for row in rows:
        groups.setdefault("_".join(filter(None, (text(row, "region"), text(row, "side")))), []).append(row)
    header = [
        "Region",
        "Mean phase, rad",
        "Status",
        "Most extreme \u00b1 SD",
        "Slices kept: rad",
        "Mean, Hz",
        "Mean, ppb",
        "Retention",
        "Pixels",
    ]
    columns: list[list[str]] = [[] for _name in header]
    for slug, group in groups.items():
        group = sorted(group, key=lambda row: number(row, "rank"))
        values = [number(row, "phase_rad") for row in group]
        isMeasured = bool(values) and all(map(math.isfinite, values))
        cells = [
            unbroken(named(slug)),
            *(_phaseCells(group, values) if isMeasured else (NOT_MEASURED, "no value", *[DASH] * 6)),
        ]
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    _addOptional(header, columns, "Visual reading", [_reading(slug, readings) for slug in groups])
    _addOptional(header, columns, "UMN of limb", [_limb(slug, limbs) for slug in groups])
    _addOptional(header, columns, "Remarks", [_flags(*group) for group in groups.values()])
    return ReportTable(tuple(header), tuple(zip(*columns, strict=True)), MEANINGS[PHASE], SOURCES[PHASE], (1,), True)


def _phaseCells(group: Sequence[Mapping], values: Sequence[float]) -> list[str]:
    def mean(name: str) -> float:
        found = [number(row, name) for row in group]
        return sum(found) / len(found)

    extreme = max(range(len(values)), key=lambda i: abs(values[i]))
    pixels = sorted({f"{number(row, 'n_pixels'):.0f}" for row in group})
    slices = [unbroken(f"{text(row, 'slice')}: {signed(v, 3)}") for row, v in zip(group, values, strict=True)]
    return [
        unbroken(signed(mean("phase_rad"), 3)),
        statusWords("ok"),
        unbroken(f"{signed(values[extreme], 3)} \u00b1 {number(group[extreme], 'sd_rad'):.3f}"),
        ", ".join(slices),
        signed(mean("phase_hz"), 2),
        signed(mean("phase_ppb"), 1),
        f"{mean('retention'):.2f}" if math.isfinite(mean("retention")) else "",
        " to ".join(dict.fromkeys((pixels[0], pixels[-1]))),
    ]


def _addOptional(header: list[str], columns: list[list[str]], name: str, cells: list[str]) -> None:
    """A column that has something to say."""
    if any(cells):
        header.append(name)
        columns.append(cells)


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
    return "; ".join(dict.fromkeys(unbroken(f"{_limbName(row.limb)} {row.umn:g}/8") for row in found))


def _limbName(limb: str) -> str:
    place, _underscore, side = limb.rpartition("_")
    return f"{side} {place}".strip()


# What they are compared with


def _comparisonTable(comparisons, ageYears: float) -> ReportTable | None:
    if not comparisons:
        return None
    header = ("Value", "Percentile (95 % CI)", "z", "Beyond", "Controls' central 95 %")
    rows, notes = [], {}
    for label, comparison, reference in comparisons:
        percentile = comparison.percentile
        if not math.isfinite(comparison.z):
            rows.append((label, "not compared", DASH, DASH, comparison.note or percentile.note))
            continue
        notes |= dict.fromkeys(filter(None, (comparison.note, reference.note)))
        low, high = reference.limits(ageYears if comparison.usesAge else None)
        atAge = f" at {ageYears:g} years" if comparison.usesAge else ""
        ends = f"{percentage(percentile.ciLow)} to {percentage(percentile.ciHigh)}"
        rows.append(
            (
                label,
                unbroken(f"{percentage(percentile.value)} ({ends})"),
                unbroken(signed(comparison.z, 2)),
                f"{comparison.nBeyond} of {comparison.n} controls",
                unbroken(f"{minus(low.value, 3)} to {minus(high.value, 3)}{atAge}"),
            )
        )
    return ReportTable(header, tuple(rows), "; ".join(notes), strong=(1,), isEssential=True)


def _changeTable(changes) -> ReportTable | None:
    if not changes:
        return None
    rows = tuple(
        (label, since, _estimate(estimate, 3), estimate.note or "no repeatability coefficient to compare with")
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
