"""The rows of study_statistics.tsv: the columns of the contract (DESIGN.md), one row per number."""

from __future__ import annotations

from collections.abc import Sequence

from .estimate import Estimate
from .groupComparison import holm
from .tables import Column

# What the contract names; every other analysis goes into study_supplement.tsv, with the same columns.
CONTRACT_ANALYSES = (
    "describe",
    "mann_whitney",
    "welch_t",
    "anova",
    "wilcoxon",
    "friedman",
    "spearman",
    "left_right_paired_t",
    "left_right_wilcoxon",
    "auc_delong",
    "auc_cluster_bootstrap",
    "cutoff",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "kappa",
    "icc_a1",
    "icc_c1",
    "bland_altman",
    "repeatability",
    "audit",
)
STATISTICS_COLUMNS = (
    Column("analysis", "Which statistic the row is", isText=True),
    Column("measure", "Column of the measurements it is about", isText=True),
    Column("region", "Place; all: the values of all places", isText=True),
    Column("side", "left, right, or both", isText=True),
    Column(
        "rule",
        "paper: as the papers pool values (exams, or values, as units; greatest of each patient against all values of "
        "controls); symmetric: the subject is the unit in every group; n/a where it does not matter",
        isText=True,
    ),
    Column("group_a", "First group, reader or exam", isText=True),
    Column("group_b", "Second group, reader or exam", isText=True),
    Column("n_a", "Units in the first group; pairs, where the row is about pairs"),
    Column("n_b", "Units in the second group"),
    Column("statistic", "Test statistic (U, t, F, W, chi squared, z, rho); of describe, the standard deviation"),
    Column("estimate", "What the interval is about: a mean, a difference, an effect size, rho, AUC, kappa, ICC, ..."),
    Column("ci_low", "Lower 95 % confidence limit of the estimate"),
    Column("ci_high", "Upper 95 % confidence limit of the estimate"),
    Column("p", "p-value, not corrected: two-sided, but one-sided for ICC, percentile and permutation null"),
    Column("p_holm", "p-value corrected by Holm over the regions and sides of the same analysis, measure and groups"),
    Column("note", "What the numbers mean and what they were made of", isText=True),
)
FAMILY = "_family"  # not a column: which rows Holm's correction takes together


def statisticsRow(
    analysis: str,
    estimate: Estimate,
    measure: str = "",
    region: str = "",
    side: str = "",
    rule: str = "",
    groups: Sequence[str] = (),
    n: Sequence[int] = (),
    note: str = "",
    family: str = "",
) -> dict:
    """One row.

    :param groups, n: of the first and the second group, or fewer. note: goes before the estimate's own.
    :param family: which tests Holm corrects together, beside analysis, measure and rule; else those of the groups.
    """
    groups, n = (*groups, "", "")[:2], (*n, None, None)[:2]
    return {
        "analysis": analysis,
        "measure": measure,
        "region": region,
        "side": side,
        "rule": rule,
        "group_a": groups[0],
        "group_b": groups[1],
        "n_a": n[0],
        "n_b": n[1],
        "statistic": estimate.statistic,
        "estimate": estimate.value,
        "ci_low": estimate.ciLow,
        "ci_high": estimate.ciHigh,
        "p": estimate.p,
        "note": "; ".join(filter(None, (note, estimate.note))),
        # One row for both sides repeats what left and right say: it is a family of its own.
        FAMILY: (analysis, measure, rule, family or groups, side == "both", region == "all"),
    }


def withHolm(rows: Sequence[dict]) -> list[dict]:
    """The rows with p_holm, each corrected within its family."""
    families: dict[tuple, list[int]] = {}
    for index, row in enumerate(rows):
        families.setdefault(row[FAMILY], []).append(index)
    result = [dict(row) for row in rows]
    for indices in families.values():
        for index, p in zip(indices, holm([rows[i]["p"] for i in indices]), strict=True):
            result[index]["p_holm"] = float(p)
    return result
