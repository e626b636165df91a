"""What the page of a study says: who was studied, and the main measure's numbers, each with its interval.

Only what is in the rows of study_statistics.tsv and study_supplement.tsv; the files hold the rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .patientReport import DASH, PHASE, PROFILE
from .provenance import VERSION
from .report import ReportPage, ReportTable, Section
from .reportWords import counted, minus, named, realMinus, shortLimits, statusWords, unbroken
from .studySettings import CUTOFFS

if TYPE_CHECKING:
    from .study import StudyResult

TITLES = {PROFILE: "Study of the cortex profile", PHASE: "Study of the phase shift"}
LABELS = {
    "sh_thk_per_mm": "SH/Thk, 1/mm",
    "sh": "SH",
    "thickness_mm": "thickness, mm",
    "phase_rad": "phase shift, rad",
    "phase_hz": "phase shift, Hz",
    "phase_ppb": "phase shift, ppb",
}
GROUPS = {"als": "ALS", "control": "controls", "mimic": "mimics", "all": "all"}
_ONE = {"control": "control", "mimic": "mimic"}
# The parts that the disease is looked for in, before others.
_MOTOR = ("all", "hand_knob", "paracentral", "precentral_gyrus")
_LEFT_OUT = re.compile(r"(\d+) subjects? without any value")  # in the note of an AUC
PAPER, SYMMETRIC = "paper", "symmetric"
STATISTICS, SUPPLEMENT = "study_statistics.tsv", "study_supplement.tsv"
# Two pictures side by side fill the width, so that their words can be read on paper.
MOST_PICTURES, PICTURE_HEIGHT, MOST_CORRELATIONS = 2, 63.0, 4
# Analysis, its name, digits.
_AGREEMENT = (
    ("icc_a1", "ICC(A,1)", 2),
    ("icc_c1", "ICC(C,1)", 2),
    ("bland_altman", "Bland-Altman", 4),
    ("repeatability", "Repeatability", 4),
    ("kappa", "Cohen's kappa", 2),
)
_SCALE = ("poor", "fair", "moderate", "good", "very good")  # Altman's words for kappa
# Figures of the papers themselves, to hold a study's own beside; in full on the page Methods.
_BESIDE = (
    ("Visual score, motor cortex low intensity", "AUC 0.973 (36 ALS, 19 controls)"),
    ("Motor band sign, Zejlon 2024", "sensitivity 59.6 % (114 ALS), specificity 91.1 % against mimics (79)"),
    ("QSM of the motor cortex, Schweitzer 2015", "AUC 0.88 (12 ALS and 4 PLS, 23 controls)"),
)
ANCHORS = {
    PROFILE: (
        ("SH/Thk, Donatelli 2018", "3T (27 ALS, 13 controls) AUC 0.89, 7T (19, 18) AUC 0.94, both by the paper's rule"),
        *_BESIDE,
    ),
    PHASE: (
        (
            "Precentral gyrus, Liu 2021",
            "\u22120.176 \u00b1 0.050 rad in 20 ALS, \u22120.119 \u00b1 0.016 in 19 controls",
        ),
        *_BESIDE,
    ),
}
RULES_NOTE = (
    "Paper: greatest value of each patient against all values of the others, which favors patients by construction; "
    "symmetric: the same summary of every subject. Without disease: AUC of shuffled groups, central 95 %. Sensitivity "
    "and specificity: corrected for optimism."
)
MIMICS_NOTE = "Mimics: specificity at the cut-off against controls."

Find = Callable[..., list[dict]]


def studyPage(result: StudyResult, pictures: Sequence[tuple[Path, str]] = ()) -> ReportPage:
    """The page of one study.

    :param pictures: of its charts, named after them; those that say most are shown.
    """
    kind, main = result.kind, result.main
    rows = [*result.rows, *result.supplement]

    def find(analysis: str, **where) -> list[dict]:
        return [row for row in rows if row["analysis"] == analysis and all(row[k] == v for k, v in where.items())]

    regions = _regions(find, main)
    chosen = _chosen(pictures, main, regions)
    sections = (
        Section(facts=_who(result)),
        Section(_rocHeading(main, regions), table=_rocTable(find, main, regions[:1])),
        Section("Groups, one value per subject", table=_groupTable(find, main, regions, result.counts)),
        Section("Figures" if chosen else "", pictures=chosen),
        Section("With clinical scores, patients", table=_correlationTable(find, main)),
        Section("Agreement and repeatability", table=_agreementTable(find, main)),
        Section("Blind visual reading", table=_visualTable(find)),
        Section("Published, to hold it beside", facts=ANCHORS[kind]),
        Section("Slips in the input, and what was left out", paragraphs=(*_rangeless(find, main), *_problems(result))),
    )
    groups = ", ".join(
        counted(count, _ONE.get(name, GROUPS.get(name, name)), GROUPS.get(name, name))
        for name, count in result.counts["by_group"].items()
    )
    filled = tuple(s for s in sections if s.facts or s.table or s.pictures or s.paragraphs)
    return ReportPage(TITLES[kind], groups, filled, f"ALSMotorCortex {VERSION}", PICTURE_HEIGHT)


def _rocHeading(measure: str, regions: Sequence[str]) -> str:
    return f"Telling groups apart: {LABELS[measure]}" + (f", {_region(regions[0]).lower()}" if regions else "")


def _who(result: StudyResult) -> tuple[tuple[str, str], ...]:
    counts, settings = result.counts, result.settings
    failed = ", ".join(
        f"{count} {statusWords(status)}" for status, count in counts.get("by_status", {}).items() if status != "ok"
    )
    facts = [
        ("Subjects", str(counts["subjects"])),
        ("Exams", str(counts["exams"])),
        ("Regions", str(counts["regions"])),
        ("Not measured", str(counts["not_measured"]) + (f" ({failed})" if failed else "")),
        ("Exam that counts", settings.examRule),
        ("Cut-off", CUTOFFS[settings.cutoff].format(**settings.toDict())),
        ("Symmetric rule", f"{settings.summary} value of a subject"),
        ("Prevalence for PPV, NPV", f"{settings.prevalence:g}"),
        ("Limb of a hemisphere", f"{settings.sideRule} side"),
        ("Resamples", str(settings.resamples)),
        ("Seed", str(settings.seed)),
    ]
    if result.kind == PROFILE:
        facts.insert(5, ("A target without a band", "not measured" if settings.noBand == "blank" else "counts as 0"))
    return tuple(facts)


def _regions(find: Find, measure: str) -> list[str]:
    """Regions with a ROC, all together first, then those of the motor cortex; else those described."""
    found = [row["region"] for name in ("auc_delong", "describe") for row in find(name, measure=measure)]
    return sorted(dict.fromkeys(found), key=_rank)


def _rank(region: str) -> int:
    return _MOTOR.index(region) if region in _MOTOR else len(_MOTOR)


def _chosen(pictures, measure: str, regions: Sequence[str]) -> tuple[tuple[Path, str], ...]:
    """ROC and groups; without one of them, the correlation or the reference range. Their titles are in them."""
    first, wanted = regions[0] if regions else "", []
    single = next((region for region in regions if region != "all"), "")
    starts = (
        f"roc_{measure}_{first}_control",
        f"groups_{measure}_{single}",
        f"umn_{measure}",
        f"range_{measure}_{single}",
    )
    for start in starts:
        wanted += [(path, "") for path, _caption in pictures if Path(path).stem.startswith(start)][:1]
    return tuple(wanted or list(pictures))[:MOST_PICTURES]


# Numbers in words


def _value(row: Mapping | None, digits: int = 2) -> str:
    """Estimate and interval; a dash for no row, the reason for no number."""
    if row is None:
        return DASH
    value, low, high = (float(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    if not math.isfinite(value):
        return "not computed"
    return unbroken(minus(value, digits) + shortLimits(low, high, digits))


def _p(row: Mapping | None) -> str:
    """Corrected by Holm, else as it is."""
    if row is None:
        return DASH
    p = next((float(row[name]) for name in ("p_holm", "p") if math.isfinite(float(row.get(name, math.nan)))), math.nan)
    return DASH if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _isNumber(value) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _first(rows: Sequence[dict]) -> dict | None:
    return rows[0] if rows else None


def _region(name: str) -> str:
    return "All regions" if name == "all" else named(name)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!")) else ".")


# Tables


def _rocTable(find: Find, measure: str, regions: Sequence[str]) -> ReportTable | None:
    """Both rules side by side, with the AUC that each gives without any disease."""
    rows, left = [], {}
    for region in regions:
        for other in ("control", "mimic"):
            for rule in (PAPER, SYMMETRIC):
                pair = {"measure": measure, "region": region, "rule": rule, "group_a": "als", "group_b": other}
                area = _first(find("auc_delong", **pair))
                if area is not None:
                    rows.append(_rocRow(find, pair, area))
                    left |= _leftOut(area, other)
    if not rows:
        return None
    header = [
        "ALS against",
        "n",
        "AUC (95 % CI)",
        "Without disease",
        "Cut-off",
        "Sensitivity",
        "Specificity",
        "Mimics",
        "PPV; NPV",
    ]
    at = header.index("Mimics")
    if all(row[at] == DASH for row in rows):
        del header[at]
        rows = [row[:at] + row[at + 1 :] for row in rows]
    note = " ".join([*left, RULES_NOTE, *([MIMICS_NOTE] if "Mimics" in header else [])])
    return ReportTable(tuple(header), tuple(rows), note, STATISTICS, (2,), isEssential=True)


def _leftOut(area: Mapping, other: str) -> dict[str, None]:
    """How many subjects did not enter, in words; the same for both rules."""
    found = _LEFT_OUT.search(str(area["note"]))
    if not found or not int(found[1]):
        return {}
    count = counted(int(found[1]), "subject without any value is", "subjects without any value are")
    return {f"ALS against {GROUPS[other]}: {count} left out.": None}


def _against(area: Mapping) -> str:
    """How many patients against how many others entered."""
    if not (_isNumber(area["n_a"]) and _isNumber(area["n_b"])):
        return DASH
    return unbroken(f"{area['n_a']:.0f} v {area['n_b']:.0f}")


def _rocRow(find: Find, pair: Mapping, area: Mapping) -> tuple[str, ...]:
    mimics = None
    if pair["group_b"] == "control":
        mimics = _first(find("specificity", **{**pair, "group_a": "mimic", "group_b": ""}))
    values = [_first(find(name, **pair)) for name in ("ppv", "npv")]
    predictive = [minus(float(row["estimate"]), 2) for row in values if row and math.isfinite(float(row["estimate"]))]
    return (
        f"{GROUPS[pair['group_b']]}, {pair['rule']}",
        _against(area),
        _value(area),
        _value(_first(find("permutation_null", **pair))),
        _value(_first(find("cutoff", **pair)), 3),
        _value(_first(find("sensitivity", **pair))),
        _value(_first(find("specificity", **pair))),
        _value(mimics),
        unbroken("; ".join(predictive)) or DASH,
    )


def _groupTable(find: Find, measure: str, regions: Sequence[str], counts: Mapping) -> ReportTable | None:
    """Mean and SD of each group, and ALS against controls by region."""
    names = [name for name in counts["by_group"] if find("describe", measure=measure, group_a=name)]
    header = ["Region", *[f"{GROUPS.get(name, name)} \u00b1 SD (n)" for name in names]]
    isCompared = {"als", "control"} <= set(names)
    if isCompared:
        header += ["ALS minus controls (95 % CI)", "Cliff's delta (95 % CI)", "p (Holm)"]
    rows = []
    for region in [region for region in regions if region != "all"]:
        place = {"measure": measure, "region": region, "side": "both"}
        cells = [_described(_bySubject(find("describe", group_a=name, **place))) for name in names]
        if isCompared:
            pair = {**place, "group_a": "als", "group_b": "control"}
            welch, whitney = _first(find("welch_t", **pair)), _first(find("mann_whitney", **pair))
            cells += [_value(welch, 3), _value(whitney), _p(whitney)]
        rows.append((_region(region), *cells))
    if not rows:
        return None
    note = (
        f"p: Mann-Whitney, corrected by Holm over regions; {STATISTICS} has Welch's t and ANOVA." if isCompared else ""
    )
    strong = (len(names) + 1,) if isCompared else ()
    return ReportTable(tuple(header), tuple(rows), note, STATISTICS, strong)


def _bySubject(rows: Sequence[dict]) -> dict | None:
    return _first([row for row in rows if row["rule"] == SYMMETRIC] or list(rows))


def _described(row: Mapping | None) -> str:
    if row is None or not math.isfinite(float(row["estimate"])):
        return DASH
    spread = float(row["statistic"])
    sd = f" \u00b1 {spread:.3f}" if math.isfinite(spread) else ""
    return unbroken(f"{minus(float(row['estimate']), 3)}{sd} ({float(row['n_a']):.0f})")


def _correlationTable(find: Find, measure: str) -> ReportTable | None:
    """Of all regions together first; the file has each region and side."""
    found = [row for row in find("spearman", measure=measure) if row["group_a"] == "als"]
    found.sort(key=lambda row: (_rank(row["region"]), row["side"] != "both"))
    rows = tuple(
        (
            _region(row["region"]) + (f", {row['side']}" if row["side"] in ("left", "right") else ""),
            str(row["group_b"]).replace("_", " ").replace("umn", "UMN") + f" ({row['rule']})",
            _value(row),
            _p(row),
            _pairs(row),
        )
        for row in found
    )
    note = f"{len(rows) - MOST_CORRELATIONS} more in {STATISTICS}" if len(rows) > MOST_CORRELATIONS else ""
    header = ("Region", "With", "Spearman's rho (95 % CI)", "p (Holm)", "n")
    return ReportTable(header, rows[:MOST_CORRELATIONS], note, STATISTICS, (2,)) if rows else None


def _pairs(row: Mapping) -> str:
    """Values, and the patients they are of, where a patient has several."""
    values, patients = row["n_a"], row["n_b"]
    if not _isNumber(values):
        return DASH
    if str(row["group_b"]) != "umn_limb" or not _isNumber(patients) or patients == values:
        return f"{values:.0f}"
    return f"{counted(int(values), 'value')}, {counted(int(patients), 'patient')}"


def _agreementTable(find: Find, measure: str) -> ReportTable | None:
    rows = []
    for analysis, label, digits in _AGREEMENT:
        for row in find(analysis, measure="reading" if analysis == "kappa" else measure):
            who = " / ".join(filter(None, (str(row["group_a"] or ""), str(row["group_b"] or ""))))
            words = str(row["note"]).split("; ")
            scale = [word for word in words[1:] if word in _SCALE]
            n = f"{row['n_a']:.0f}" if _isNumber(row["n_a"]) else DASH
            place = f"{_region(row['region'])}: " if row["region"] else ""
            rows.append((label, place + who, _value(row, digits), n, "; ".join([words[0], *scale])))
    header = ("Statistic", "Of", "Estimate (95 % CI)", "n", "In words")
    return ReportTable(header, tuple(rows), "", STATISTICS, (2,)) if rows else None


def _visualTable(find: Find) -> ReportTable | None:
    """Each reader's counts, as the number's own sensitivity and specificity stand above."""
    readers: dict[str, dict[str, str]] = {}
    for name in ("visual_sensitivity", "visual_specificity", "visual_accuracy"):
        for row in find(name):
            reader = str(row["note"]).split(";")[0]
            readers.setdefault(reader, {}).setdefault(f"{name} {row['group_b']}", _value(row))
    columns = [
        ("visual_sensitivity control", "Sensitivity"),
        ("visual_specificity control", "Specificity, controls"),
        ("visual_specificity mimic", "Specificity, mimics"),
        ("visual_accuracy control", "Accuracy"),
    ]
    columns = [(key, label) for key, label in columns if any(key in found for found in readers.values())]
    if not columns:
        return None
    rows = tuple((reader, *[found.get(key, DASH) for key, _label in columns]) for reader, found in readers.items())
    return ReportTable(("Reader", *[label for _key, label in columns]), rows, "", SUPPLEMENT)


def _rangeless(find: Find, measure: str) -> tuple[str, ...]:
    """Why there is no reference range, and where; places with the same reason together."""
    reasons: dict[str, list[str]] = {}
    refused = find("reference_range", measure=measure)
    whole = {row["region"] for row in refused if row["side"] == "both"}
    for row in refused:
        if row["side"] != "both" and row["region"] in whole:
            continue  # the mean of the sides has as many controls as they have, or more
        where = named(row["region"]) + (f", {row['side']}" if row["side"] in ("left", "right") else "")
        reasons.setdefault(str(row["note"]), []).append(where)
    return tuple(
        _sentence(realMinus(f"no reference range ({'; '.join(places)}): {reason}"))
        for reason, places in reasons.items()
    )


def _problems(result: StudyResult) -> tuple[str, ...]:
    """What was left out first: it says how complete the page is."""
    problems = [_sentence(f"{problem.kind}: {problem.text}") for problem in result.problems]
    left = [_sentence(f"left out: {'; '.join(dict.fromkeys(result.notes))}")] if result.notes else []
    words = [*left, *problems]
    return tuple(dict.fromkeys(map(realMinus, words)))
