"""The study's statistics: coverage of every 95 % interval in simulated studies, and false positives without disease."""

from __future__ import annotations

import coverageAgreement
import coverageComparison
import coverageRoc
from benchmarkTools import Goal, Runner, Topic

LOW, HIGH = 0.92, 0.98
OTHER_SEED = 1
SOURCES = (
    ("comparison and correlation", coverageComparison),
    ("ROC", coverageRoc),
    ("agreement and reference range", coverageAgreement),
)


def coverage(runner: Runner) -> Topic:
    """Coverage of every interval of the study."""
    runs = runner.count(500)
    topic = Topic(
        "Coverage of the study's intervals",
        f"{runs} simulated studies of 27 v 13 and 19 v 18 subjects (agreement and reference range: 13 to 40), with "
        "known truth; see coverageComparison.py, coverageRoc.py and coverageAgreement.py. Chance alone moves a "
        "coverage of 0.95 by 0.010 (1 SE) in 500 runs: of some 200 rows, a few exact intervals fall outside. Such "
        "a row is repeated with other draws, four times as many, and judged by those; both are printed.",
    )
    for name, module in SOURCES:
        found = module.coverages(runs)
        outside = {what: share for what, share in found.items() if not LOW <= share <= HIGH}
        text = f"{min(found.values()):.3f} to {max(found.values()):.3f}, "
        text += f"{len(found) - len(outside)} of {len(found)} inside"
        if outside:
            # Chance or not: other draws, four times as many.
            again = module.coverages(4 * runs, OTHER_SEED)
            text += f"; outside, and in {4 * runs} other runs: "
            text += ", ".join(f"{what} {share:.3f}, {again[what]:.3f}" for what, share in outside.items())
            outside = {what: again[what] for what in outside if not LOW <= again[what] <= HIGH}
        topic.add(Goal(f"coverage of the intervals of {name}", text, f"{LOW} to {HIGH}", not outside, statistical=True))
        rows = [(what, f"{share:.3f}") for what, share in sorted(found.items())]
        topic.tables.append((name[0].upper() + name[1:], ("interval", "coverage"), rows))
    return topic


def falsePositives(runner: Runner) -> Topic:
    """How often p < 0.05 without disease: the symmetric rule, the paper's, and each with its permutation null."""
    runs = runner.count(500)
    topic = Topic(
        "False positives of the ROC rules",
        f"{runs} simulated studies without disease, 2 to 4 correlated regions per subject. The paper's rule (greatest "
        "value of each patient against all values of controls) finds a disease that is not there in most studies if "
        "its AUC is tested against 0.5; against its own permutation null it does not.",
    )
    for name, share in coverageRoc.falsePositiveRates(runs).items():
        isInflated = "paper" in name and "DeLong" in name
        goal = "0.05, inflated by construction" if isInflated else "0.03 to 0.07"
        met = None if isInflated else 0.03 <= share <= 0.07
        topic.add(Goal(f"false positives at 5 %, {name}", f"{share:.3f}", goal, met, statistical=True))
    share = coverageComparison.clusteredFalsePositives(runs)
    topic.add(
        Goal(
            "false positives at 5 %, rho of 4 values per patient",
            f"{share:.3f}",
            "0.03 to 0.08",
            0.03 <= share <= 0.08,
            statistical=True,
        )
    )
    return topic
