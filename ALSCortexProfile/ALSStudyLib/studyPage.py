"""What the page of a study says: who was studied, and the main measure's numbers, each with its interval.

Only what is in the rows of study_statistics.tsv and study_supplement.tsv; the files hold the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .patientReport import DASH, PHASE, PROFILE
from .provenance import VERSION
from .report import ReportPage, ReportTable, Section
from .reportWords import minus, named, shortLimits, statusWords, unbroken

if TYPE_CHECKING:
    from .study import StudyResult

TITLES = {PROFILE: "Study of the cortex profile", PHASE: "Study of the phase shift"}
MAIN = {PROFILE: "sh_thk_per_mm", PHASE: "phase_rad"}
LABELS = {PROFILE: "SH/Thk, 1/mm", PHASE: "phase shift, rad"}
GROUPS = {"als": "ALS", "control": "controls", "mimic": "mimics", "all": "all"}
PAPER, SYMMETRIC = "paper", "symmetric"
STATISTICS, SUPPLEMENT = "study_statistics.tsv", "study_supplement.tsv"
MOST_PICTURES, MOST_CORRELATIONS = 3, 4
# Analysis, its name, digits.
_AGREEMENT = (
    ("icc_a1", "ICC(A,1)", 2),
    ("icc_c1", "ICC(C,1)", 2),
    ("bland_altman", "Bland-Altman", 4),
    ("repeatability", "Repeatability", 4),
    ("kappa", "Cohen's kappa", 2),
)
_SCALE = ("poor", "fair", "moderate", "good", "very good")  # Altman's words for kappa
# Figures of the papers themselves, to hold a study's own beside (METHODS.md, section 3).
ANCHORS = {
    PROFILE: (
        ("SH/Thk, Donatelli 2018", "3T (27 ALS, 13 controls) AUC 0.89, 7T (19, 18) AUC 0.94, both by the paper's rule"),
        ("visual MCLI score", "AUC 0.973"),
        ("motor band sign", "sensitivity 59.6 %, specificity 91.1 % against mimics"),
        ("QSM of the motor cortex", "AUC 0.88"),
    ),
    PHASE: (
        (
            "Precentral gyrus, Liu 2021",
            "\u22120.176 \u00b1 0.050 rad in 20 ALS, \u22120.119 \u00b1 0.016 in 19 controls",
        ),
        ("QSM of the motor cortex", "AUC 0.88"),
        ("visual MCLI score", "AUC 0.973"),
        ("motor band sign", "sensitivity 59.6 %, specificity 91.1 % against mimics"),
    ),
}
RULES_NOTE = (
    "Paper: greatest value of each patient against all values of the others, which favors patients by construction; "
    "symmetric: the same summary of every subject. Without disease: AUC of shuffled groups, central 95 %. Sensitivity "
    "and specificity: corrected for optimism; mimics: at the cut-off against controls."
)

Find = Callable[..., list[dict]]


def studyPage(result: StudyResult, pictures: Sequence[tuple[Path, str]] = ()) -> ReportPage:
    """The page of one study.

    :param pictures: of its charts, named after them; those that say most are shown.
    """
    kind = result.kind
    rows = [*result.rows, *result.supplement]

    def find(analysis: str, **where) -> list[dict]:
        return [row for row in rows if row["analysis"] == analysis and all(row[k] == v for k, v in where.items())]

    regions = _regions(find, MAIN[kind])
    chosen = _chosen(pictures, MAIN[kind], regions)
    sections = (
        Section(facts=_who(result)),
        Section(_rocHeading(kind, regions), table=_rocTable(find, kind, regions[:1])),
        Section("Groups, one value per subject", table=_groupTable(find, kind, regions, result.counts)),
        Section("Figures" if chosen else "", pictures=chosen),
        Section("With clinical scores, patients", table=_correlationTable(find, kind)),
        Section("Agreement and repeatability", table=_agreementTable(find, kind)),
        Section("Blind visual reading", table=_visualTable(find)),
        Section("Published, to hold it beside", facts=ANCHORS[kind]),
        Section("Slips in the input, and what was left out", paragraphs=_problems(result)),
    )
    groups = ", ".join(f"{count} {GROUPS.get(name, name)}" for name, count in result.counts["by_group"].items())
    filled = tuple(s for s in sections if s.facts or s.table or s.pictures or s.paragraphs)
    return ReportPage(TITLES[kind], groups, filled, f"ALSMotorCortex {VERSION}")


def _rocHeading(kind: str, regions: Sequence[str]) -> str:
    return f"Telling groups apart: {LABELS[kind]}" + (f", {_region(regions[0]).lower()}" if regions else "")


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
        ("Prevalence for PPV, NPV", f"{settings.prevalence:g}"),
        ("Limb of a hemisphere", f"{settings.sideRule} side"),
        ("Resamples", str(settings.resamples)),
        ("Seed", str(settings.seed)),
    ]
    if result.kind == PROFILE:
        facts.insert(5, ("A target without a band", "not measured" if settings.noBand == "blank" else "counts as 0"))
    return tuple(facts)


def _regions(find: Find, measure: str) -> list[str]:
    """Regions with a ROC, all together first; else those described."""
    found = [row["region"] for name in ("auc_delong", "describe") for row in find(name, measure=measure)]
    return sorted(dict.fromkeys(found), key=lambda name: name != "all")


def _chosen(pictures, measure: str, regions: Sequence[str]) -> tuple[tuple[Path, str], ...]:
    """ROC, groups, correlation, reference range: the first of each, as far as there is room."""
    first, wanted = regions[0] if regions else "", []
    single = next((region for region in regions if region != "all"), "")
    starts = (
        f"roc_{measure}_{first}_control",
        f"groups_{measure}_{single}",
        f"umn_{measure}",
        f"range_{measure}_{single}",
    )
    for start in starts:
        wanted += [(path, caption) for path, caption in pictures if Path(path).stem.startswith(start)][:1]
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


def _rocTable(find: Find, kind: str, regions: Sequence[str]) -> ReportTable | None:
    """Both rules side by side, with the AUC that each gives without any disease."""
    rows = []
    for region in regions:
        for other in ("control", "mimic"):
            for rule in (PAPER, SYMMETRIC):
                pair = {"measure": MAIN[kind], "region": region, "rule": rule, "group_a": "als", "group_b": other}
                area = _first(find("auc_delong", **pair))
                if area is not None:
                    rows.append(_rocRow(find, pair, area))
    if not rows:
        return None
    header = (
        "ALS against",
        "AUC (95 % CI)",
        "Without disease",
        "Cut-off",
        "Sensitivity",
        "Specificity",
        "Mimics",
        "PPV; NPV",
    )
    return ReportTable(header, tuple(rows), RULES_NOTE, STATISTICS, (1,), isEssential=True)


def _rocRow(find: Find, pair: Mapping, area: Mapping) -> tuple[str, ...]:
    mimics = None
    if pair["group_b"] == "control":
        mimics = _first(find("specificity", **{**pair, "group_a": "mimic", "group_b": ""}))
    values = [_first(find(name, **pair)) for name in ("ppv", "npv")]
    predictive = [minus(float(row["estimate"]), 2) for row in values if row and math.isfinite(float(row["estimate"]))]
    return (
        f"{GROUPS[pair['group_b']]}, {pair['rule']}",
        _value(area),
        _value(_first(find("permutation_null", **pair))),
        _value(_first(find("cutoff", **pair)), 3),
        _value(_first(find("sensitivity", **pair))),
        _value(_first(find("specificity", **pair))),
        _value(mimics),
        unbroken("; ".join(predictive)) or DASH,
    )


def _groupTable(find: Find, kind: str, regions: Sequence[str], counts: Mapping) -> ReportTable | None:
    """Mean and SD of each group, and ALS against controls by region."""
    names = [name for name in counts["by_group"] if find("describe", measure=MAIN[kind], group_a=name)]
    header = ["Region", *[f"{GROUPS.get(name, name)} \u00b1 SD (n)" for name in names]]
    isCompared = {"als", "control"} <= set(names)
    if isCompared:
        header += ["ALS minus controls (95 % CI)", "Cliff's delta (95 % CI)", "p (Holm)"]
    rows = []
    for region in [region for region in regions if region != "all"]:
        place = {"measure": MAIN[kind], "region": region, "side": "both"}
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


def _correlationTable(find: Find, kind: str) -> ReportTable | None:
    """Of all regions together first; the file has each region and side."""
    found = [row for row in find("spearman", measure=MAIN[kind]) if row["group_a"] == "als"]
    found.sort(key=lambda row: (row["region"] != "all", row["side"] != "both"))
    rows = tuple(
        (
            _region(row["region"]) + (f", {row['side']}" if row["side"] in ("left", "right") else ""),
            str(row["group_b"]).replace("_", " ").replace("umn", "UMN") + f" ({row['rule']})",
            _value(row),
            _p(row),
            f"{row['n_a']:.0f}" if _isNumber(row["n_a"]) else DASH,
        )
        for row in found
    )
    note = f"{len(rows) - MOST_CORRELATIONS} more in {STATISTICS}" if len(rows) > MOST_CORRELATIONS else ""
    header = ("Region", "With", "Spearman's rho (95 % CI)", "p (Holm)", "n")
    return ReportTable(header, rows[:MOST_CORRELATIONS], note, STATISTICS, (2,)) if rows else None


def _agreementTable(find: Find, kind: str) -> ReportTable | None:
    rows = []
    for analysis, label, digits in _AGREEMENT:
        for row in find(analysis, measure="reading" if analysis == "kappa" else MAIN[kind]):
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


def _problems(result: StudyResult) -> tuple[str, ...]:
    """What was left out first: it says how complete the page is."""
    problems = [_sentence(f"{problem.kind}: {problem.text}") for problem in result.problems]
    return tuple(dict.fromkeys([*(_sentence(f"left out: {note}") for note in result.notes), *problems]))
