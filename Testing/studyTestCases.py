"""What the tests of the study share: the made cohort, tables of a few lines, and the published phase table."""

import tempfile
import unittest
from functools import cache
from pathlib import Path

from ALSStudyLib.cohort import makeCohort, writeCohort
from ALSStudyLib.study import runStudy
from ALSStudyLib.studySettings import StudySettings
from ALSStudyLib.studyTables import readStudy
from alsTestCases import TESTING

# Per-exam values of Liu et al. 2021, Tables 2 and 3, as printed, with both slips: facts of the paper.
PUBLISHED = TESTING / "Data" / "published_phase_shift_als.tsv"
QUICK = StudySettings(resamples=200, permutations=200)
_FOLDERS = []


@cache
def cohortPaths():
    """The made cohort's tables, written once per process."""
    folder = tempfile.TemporaryDirectory(prefix="alsCohort")
    _FOLDERS.append(folder)
    return writeCohort(Path(folder.name), makeCohort())


@cache
def cohortData():
    paths = cohortPaths()
    measurements = [
        paths["profile_measurements"],
        paths["profile_measurements_second_reader"],
        paths["phase_measurements"],
    ]
    return readStudy(measurements, paths["participants"], [paths["readings"]])


@cache
def cohortResult(kind="profile"):
    return runStudy(cohortData(), QUICK, kind=kind)


def rows(result, analysis, **where):
    """Rows of both tables of a result."""
    found = [*result.rows, *result.supplement]
    return [r for r in found if r["analysis"] == analysis and all(r[name] == value for name, value in where.items())]


class StudyCase(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="alsStudy")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def write(self, name, text):
        """A table; columns are separated by blanks in `text`, lines by line ends."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        lines = ["\t".join(line.split()) for line in text.strip().splitlines()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def one(self, result, analysis, **where):
        found = rows(result, analysis, **where)
        self.assertEqual(len(found), 1, [row["note"] for row in found])
        return found[0]

    def assertSentence(self, text, *words):
        """One sentence: found; expected; what to do."""
        for word in (*words, "expected"):
            self.assertIn(word, text)
        self.assertNotIn("\n", text.strip())
        self.assertGreaterEqual(text.count(";"), 2, text)
