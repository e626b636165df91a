"""Docs/FileFormats.md says what the code reads and writes, and the modules' pages say which options there are."""

import argparse
import ast
import json
import re
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from testPackages import needs

needs("pandas", "statsmodels", "matplotlib")

from ALSCortexProfileLib import profileTables
from ALSStudyLib import batch, bidsOutput, cohort, demo, examOutput, mrmlStudy, phaseExam, profileExam, provenance
from ALSStudyLib import reading, recordFile, structuredReport, studyOutput, studyRows
from ALSStudyLib.caseArguments import settingNames
from ALSStudyLib.caseList import FILES
from ALSStudyLib.commandLine import _parser
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.phantom import addCaseToScene
from ALSStudyLib.phasePhantom import addPhaseCaseToScene
from ALSStudyLib.referenceRange import ReferenceRange
from ALSStudyLib.tables import Column
from alsTestCases import QUICK, renderedArc
from phaseTestCases import SMALL, rendered
from PhaseShiftROILib import phaseTables

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "Docs"
MODULES = ("ALSCortexProfile", "PhaseShiftROI")
PAGE = "FileFormats.md"
# By heading of the page, where the columns of its table are defined.
TABLES = {
    "participants.tsv": (cohort, "PARTICIPANT_COLUMNS"),
    "profile_measurements.tsv": (profileTables, "MEASUREMENT_COLUMNS"),
    "profiles.tsv": (profileTables, "PROFILE_COLUMNS"),
    "profile_variants.tsv": (profileTables, "VARIANT_COLUMNS"),
    "phase_measurements.tsv": (phaseTables, "MEASUREMENT_COLUMNS"),
    "phase_slices.tsv": (phaseTables, "SLICE_COLUMNS"),
    "phase_regions.tsv": (phaseTables, "REGION_COLUMNS"),
    "phase_wide.tsv": (phaseTables, "WIDE_COLUMNS"),
    "readings.tsv": (reading, "READING_COLUMNS"),
    "cases.tsv": (batch, "CASE_COLUMNS"),
    "study_statistics.tsv": (studyRows, "STATISTICS_COLUMNS"),
    "measured_vs_true.tsv": (demo, "PROFILE_TRUTH_COLUMNS"),
    "phase_measured_vs_true.tsv": (demo, "PHASE_TRUTH_COLUMNS"),
    "Table of problems": (mrmlStudy, "PROBLEM_COLUMNS"),
}


def tablesOf(page: str) -> dict[tuple[str, int], list[list[str]]]:
    """By heading and number of columns, the rows of the tables below it as cells, without their header lines."""
    found, heading, isHeader = {}, "", True
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.strip("# ").replace("`", "").removeprefix("Participants: ")
        if not line.startswith("|"):
            isHeader = True
        elif set(line) <= set("| -"):
            isHeader = False
        elif not isHeader:
            cells = [cell.strip() for cell in line[1:-1].split(" | ")]
            found.setdefault((heading, len(cells)), []).append(cells)
    return found


def codeIn(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


def rowOf(column: Column) -> str:
    return f"| `{column.name}` | {column.unit or '-'} | {column.description} |"


def sourceFiles() -> list[Path]:
    return [path for name in MODULES for path in (ROOT / name).rglob("*.py")]


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = _parser()._actions
    return next(action.choices for action in actions if isinstance(action, argparse._SubParsersAction))


@unittest.skipUnless((DOCS / PAGE).is_file(), "the documents are not beside this test")
class PageCase(unittest.TestCase):
    def rows(self, heading: str, nColumns: int, page: str = PAGE) -> list[list[str]]:
        tables = tablesOf(page)
        self.assertIn((heading, nColumns), tables, f"{page} has no such table")
        return tables[heading, nColumns]

    def names(self, heading: str, nColumns: int, page: str = PAGE) -> list[str]:
        """What stands as code in the first cells of a table."""
        return [name for cells in self.rows(heading, nColumns, page) for name in codeIn(cells[0])]

    def assertSame(self, written, wanted, what: str) -> None:
        missing, tooMany = sorted(set(wanted) - set(written)), sorted(set(written) - set(wanted))
        if missing or tooMany:
            self.fail(f"{what}: add {missing}, remove {tooMany}")
        self.assertEqual(len(written), len(set(written)), f"{what}: a name twice")


class ColumnsTest(PageCase):
    def assertTable(self, heading: str, columns) -> None:
        written = [f"| {' | '.join(cells)} |" for cells in self.rows(heading, 3)]
        wanted = [rowOf(column) for column in columns]
        missing = [row for row in wanted if row not in written]
        tooMany = [row for row in written if row not in wanted]
        if missing or tooMany:
            self.fail("\n".join([f"{PAGE}, {heading}: write", *missing, "in place of", *(tooMany or ["nothing"])]))
        self.assertEqual(written, wanted, f"{PAGE}, {heading}: the rows have another order")

    def testColumnsAreThoseOfTheCode(self):
        shared = phaseTables.MEASUREMENT_COLUMNS
        self.assertEqual(phaseTables.SLICE_COLUMNS[: len(shared)], shared)
        for heading, (module, name) in TABLES.items():
            columns = getattr(module, name)
            with self.subTest(heading):  # of the slices, what they have beside the columns of the measurements
                self.assertTable(heading, columns[len(shared) :] if heading == "phase_slices.tsv" else columns)

    def testDescriptionsOfADerivative(self):
        with tempfile.TemporaryDirectory() as folder:
            bidsOutput._writeDescriptions(Path(folder))
            said = json.loads((Path(folder) / "descriptions.json").read_text(encoding="utf-8"))
        self.assertTable("descriptions.tsv", [Column(name, of["Description"]) for name, of in said.items()])

    def testNoTableOfTheCodeIsLeftOut(self):
        known = {(module.__name__.rpartition(".")[2], name) for module, name in TABLES.values()}
        found = set()
        for path in sourceFiles():
            text = path.read_text(encoding="utf-8")
            for node in ast.parse(text).body if "Column(" in text else ():
                name = ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""
                if re.fullmatch("[A-Z][A-Z_]*COLUMNS", name) and "Column(" in ast.unparse(node.value):
                    found.add((path.stem, name))
        self.assertLessEqual(found, known)
        self.assertGreater(len(found), 10)

    def testAnalyses(self):
        self.assertSame(self.names("study_statistics.tsv", 2), studyRows.CONTRACT_ANALYSES, "analyses")


class CaseListTest(PageCase):
    def testColumnsAndTheirValues(self):
        rows = self.rows("Case list: CASES.csv", 3)
        values = {codeIn(name)[0]: codeIn(cell) for name, cell, _ in rows}
        wanted = {"subject", "exam", "problem", *FILES, *settingNames()}
        self.assertSame([codeIn(cells[0])[0] for cells in rows], wanted, "columns of a case list")
        for action in commands()["batch"]._actions:
            if action.dest in settingNames():
                choices = ("yes", "no") if isinstance(action.default, bool) else action.choices
                with self.subTest(action.dest):
                    self.assertEqual(values[action.dest], list(choices or values[action.dest]))


class FilesTest(PageCase):
    @classmethod
    def setUpClass(cls):
        headless, made = HeadlessScene(), renderedArc(snr=60.0)
        profile = replace(addCaseToScene(headless.scene, made.case, made), settings=QUICK)
        phase = replace(addPhaseCaseToScene(headless.scene, rendered()), settings=SMALL)
        exams = [profileExam.ProfileExam(profile), phaseExam.PhaseExam(phase)]
        with tempfile.TemporaryDirectory() as folder:
            examOutput.writeExams(Path(folder), headless.scene, exams, "rerun", [], withScene=False, withFigures=False)
            cls.written = [path.name for path in Path(folder).iterdir()]
            cls.record = provenance.readRecord(Path(folder))

    def testFilesOfAnExam(self):
        wanted = [name for name in self.written if name.endswith(".tsv")]
        dictionaries = [name.replace(".tsv", ".json") for name in wanted]
        self.assertEqual({*wanted, *dictionaries, provenance.PROVENANCE_NAME}, set(self.written))
        wanted += [provenance.PROVENANCE_NAME, examOutput.SCENE_NAME, f"{examOutput.FIGURES_NAME}/", "readings.tsv"]
        wanted += ["report.html", "report.pdf", structuredReport.REPORT_NAME, structuredReport.CAPTURE_NAME]
        self.assertSame(self.names("What profile, phase and rerun write", 3), wanted, "files of an exam")

    def testFilesOfABatchAndOfAStudy(self):
        wanted = [f"{name}.tsv" for name in {**profileExam.COLUMNS, **phaseExam.COLUMNS}]
        wanted += [batch.CASES_NAME, recordFile.RECORDS_NAME, provenance.PROVENANCE_NAME, f"{batch.EXAMS_NAME}/"]
        self.assertSame(self.names("What batch writes", 2), wanted, "files of a batch")
        wanted = [studyOutput.STATISTICS_NAME, studyOutput.SUPPLEMENT_NAME, studyOutput.RANGES_NAME]
        wanted += [f"{studyOutput.FIGURES_NAME}/", f"{studyOutput.PATIENTS_NAME}/", provenance.PROVENANCE_NAME]
        wanted += ["study_report.html", "study_report.pdf"]
        self.assertSame(self.names("What study writes", 2), wanted, "files of a study")

    def testKeysOfTheProvenance(self):
        rows = self.rows("provenance.json", 3)
        keys = [
            codeIn(cells[0])[0] for cells in rows if set(cells[1].split(", ")) & {"all", "exam", "profile", "phase"}
        ]
        self.assertSame(keys, list(self.record), "keys of an exam's provenance")

    def testKeysOfAReferenceRange(self):
        values = [float(value) for value in range(1, 11)]
        keys = ReferenceRange.fromControls(values).toDict()
        self.assertSame(self.names("reference_ranges.json", 2), [*keys, "ranges"], "keys of a reference range")

    def testKeysOfARecord(self):
        source = ast.parse((ROOT / "ALSCortexProfile/ALSStudyLib/examRecord.py").read_text(encoding="utf-8"))
        made = next(node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == "_record")
        keys = next(node.value.keys for node in ast.walk(made) if isinstance(node, ast.Return))
        self.assertSame(self.names("records.jsonl", 2), [*(key.value for key in keys), "seconds"], "keys of a record")

    def testAttributesOfNodes(self):
        pattern = r'"((?:ALSMotorCortex|ALSCortexProfile)\.[A-Z]\w+)"'
        found = {name for path in sourceFiles() for name in re.findall(pattern, path.read_text(encoding="utf-8"))}
        self.assertSame([codeIn(cells[0])[0] for cells in self.rows("What a scene holds", 3)], found, "attributes")


class OptionsTest(PageCase):
    """Each page of a module has the options of its command, with their choices and defaults."""

    def testOptionsAndDefaults(self):
        for command, page in (("profile", MODULES[0]), ("rerun", MODULES[0]), ("phase", MODULES[1])):
            rows = self.rows(f"Options of {command}", 3, f"{page}.md")
            actions = [action for action in commands()[command]._actions if action.dest != "help"]
            named = {(action.option_strings or [action.metavar])[0]: action for action in actions}
            self.assertSame([codeIn(cells[0])[0] for cells in rows], named, f"options of {command}")
            for name, default, text in rows:
                with self.subTest(command=command, option=name):
                    action = named[codeIn(name)[0]]
                    self.assertLessEqual(set(action.choices or ()), set(codeIn(text)))
                    expected = self.defaultOf(action)
                    if expected:
                        self.assertEqual(default.strip("`"), expected)
                    else:
                        self.assertNotIn(default, ("on", "off", "needed"))

    @staticmethod
    def defaultOf(action) -> str:
        """As the page has it; "" where the option has none, which the page says in words."""
        if action.required:
            return "needed"
        if isinstance(action.default, bool):  # --no-figures is off where figures are drawn
            isTurnedOn = action.default and not isinstance(action, argparse._StoreFalseAction)
            return "on" if isTurnedOn else "off"
        return f"{action.default:g}" if isinstance(action.default, (int, float)) else action.default or ""


if __name__ == "__main__":
    unittest.main()
