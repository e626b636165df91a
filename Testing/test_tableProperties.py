"""Tables of any text and any number, and tables of a study as people and programs leave them."""

import math
import random
import tempfile
import unittest
from functools import cache
from pathlib import Path

from testPackages import needs

needs("hypothesis", "pandas")

import numpy as np
import pandas as pd
from ALSStudyLib.cohort import makeCohort, writeCohort
from ALSStudyLib.errors import InputError
from ALSStudyLib.study import runStudy
from ALSStudyLib.studyFiles import _BLANK, naturally, readText
from ALSStudyLib.studySettings import StudySettings
from ALSStudyLib.studyTables import readStudy
from ALSStudyLib.tables import Column, readTable, writeTable
from hypothesis import example, given
from hypothesis import strategies as st
from propertyTestCases import examples
from studyTestCases import StudyCase

COLUMNS = (Column("name", "Text", isText=True), Column("value", "Number", "mm"), Column("note", "Text", isText=True))
TABLES = ("profile_measurements", "profile_measurements_second_reader", "participants", "readings")
anyText = st.text(max_size=20) | st.text(alphabet="=+-@'\"\t\n\r ,;\\a1\u2028", max_size=6)
anyNumber = st.floats() | st.integers(-(10**18), 10**18) | st.none() | st.floats(width=32).map(np.float32)


def meaning(text: str) -> str:
    """What of a text the tables of a study keep: its words, or nothing."""
    words = " ".join(text.split())
    return "" if words.casefold() in _BLANK else words


class RoundTripTest(StudyCase):
    @examples(100)
    @given(rows=st.lists(st.tuples(anyText, anyNumber, anyText), min_size=1, max_size=4))
    @example(rows=[("=1+1", 0.5, "'=1"), ("-", -0.0, "-x"), ('"', 1e15, '"a"'), ("@a", math.nan, "+1")])
    @example(rows=[("a\x00b", 5e-324, "'"), ("x" * 200000, -1.7e308, "\ufeff"), ("'''=x", 1e14, "\\")])
    def testAnyTextAndAnyNumber(self, rows):
        path = self.folder / "table.tsv"
        writeTable(path, COLUMNS, [dict(zip(("name", "value", "note"), row, strict=True)) for row in rows])
        read = readText(path)
        self.assertEqual(list(read), ["name", "value", "note"])
        self.assertEqual(list(read["name"]), [meaning(name) for name, _, _ in rows])
        self.assertEqual(list(read["note"]), [meaning(note) for _, _, note in rows])
        for text, (_, value, _) in zip(read["value"], rows, strict=True):
            if value is None or not math.isfinite(value):
                self.assertEqual(text, "")
            elif float(value).is_integer() and abs(value) < 1e15:
                self.assertEqual(text, str(int(value)))
            else:
                self.assertLessEqual(abs(float(text) - value), 5.1e-8 * abs(value))
        self.assertEqual(len(path.read_bytes().split(b"\n")), len(rows) + 2)
        if all(len(name) < 1000 for name, _, _ in rows):
            self.assertEqual(len(readTable(path)), len(rows))

    @examples(50)
    @given(names=st.lists(st.text(max_size=8) | st.from_regex(r"\A[A-c]0?[0-9]{1,3}\Z"), max_size=8, unique=True))
    @example(names=["\u00b2", "1\u00b2", "01", "1", "9" * 5000, "a", "A"])
    def testOneOrderOfNames(self, names):
        """No two names are alike, so that no number hangs on the order in which a set gives them."""
        ordered = sorted(names, key=naturally)
        self.assertEqual(sorted(set(names), key=naturally), ordered)
        self.assertEqual(sorted(["P10", "P9", "P09", "p9"], key=naturally), ["P09", "P9", "p9", "P10"])


# A study --------------------------------------------------------------------------------------------------------


@cache
def cohortTables() -> dict[str, str]:
    """A small made cohort: its tables as text."""
    with tempfile.TemporaryDirectory() as folder:
        paths = writeCohort(Path(folder), makeCohort(sizes={"als": 6, "control": 5, "mimic": 2}))
        return {name: paths[name].read_text(encoding="utf-8") for name in TABLES}


def cells(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def asText(rows) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


class StudyTest(StudyCase):
    asTheyAre = None  # read once

    def read(self, contents: dict[str, bytes | list[bytes]], stem=""):
        """`readStudy` of tables by name; several files for one in a list."""
        paths = {name: [] for name in TABLES}
        for name, content in contents.items():
            for index, part in enumerate(content if isinstance(content, list) else [content]):
                paths[name].append(self.folder / f"{name}{stem}{index}.tsv")
                paths[name][-1].write_bytes(part)
        return readStudy([*paths[TABLES[0]], *paths[TABLES[1]]], paths["participants"][0], paths["readings"])

    @staticmethod
    def sortedValues(data):
        """Values and readings without where they come from."""
        frame = data.values.drop(columns=["line", "source", "given_subject"])
        frame["reader"] = ["second" if "second" in source else "" for source in data.values["source"]]
        frame["exam"] = frame["exam"].str.lstrip("0")
        readings = data.readings.assign(exam=data.readings["exam"].str.lstrip("0"))
        found = []
        for table in (frame, readings, data.participants.reset_index()):
            table = table[sorted(table.columns)]
            found.append(table.sort_values(list(table.columns), key=lambda c: c.astype(str)).reset_index(drop=True))
        return found

    def assertSame(self, data):
        self.assertEqual([problem.text for problem in data.problems], [])
        if self.asTheyAre is None:
            StudyTest.asTheyAre = self.read({name: text.encode() for name, text in cohortTables().items()}, "_plain")
        for one, other in zip(self.sortedValues(data), self.sortedValues(self.asTheyAre), strict=True):
            pd.testing.assert_frame_equal(one, other)

    @examples(15)
    @given(data=st.data())
    def testTheSameTableInAnotherForm(self, data):
        """Rows and columns in another order, more columns, blank lines, quotes, Excel's encodings, exam 01 for 1."""
        contents = {}
        for name, text in cohortTables().items():
            header, *rows = cells(text)
            rng = random.Random(data.draw(st.integers(0, 999), label=f"{name}: order"))
            rng.shuffle(rows)
            order = rng.sample(range(len(header)), len(header))
            table = [[row[at] for at in order] for row in (header, *rows)]
            if data.draw(st.booleans(), label="more columns"):
                table = [[*row, "comment" if row is table[0] else 'a "word"; =1'] for row in table]
            if "exam" in table[0] and data.draw(st.booleans(), label="exam 01"):
                at = table[0].index("exam")
                table[1:] = [[*row[:at], f"0{row[at]}", *row[at + 1 :]] for row in table[1:]]
            if data.draw(st.booleans(), label="quotes"):
                table = [[f'"{cell.replace(chr(34), 2 * chr(34))}"' for cell in row] for row in table]
            if data.draw(st.booleans(), label="blanks"):
                table = [[f" {cell}  " for cell in row] for row in table]
            lines = ["\t".join(row) for row in table]
            for at in data.draw(st.lists(st.integers(1, len(lines)), max_size=3), label="blank lines"):
                lines.insert(at, data.draw(st.sampled_from(("", "\t\t", "  "))))
            end = data.draw(st.sampled_from(("\n", "\r\n", "\r")), label="line ends")
            encoding = data.draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16")), label="encoding")
            contents[name] = (end.join(lines) + data.draw(st.sampled_from(("", end)))).encode(encoding)
        self.assertSame(self.read(contents))

    @examples(8)
    @given(parts=st.integers(1, 6), seed=st.integers(0, 999), stem=st.sampled_from(("", " (1)", "_\u00fc")))
    def testFilesSplitByExamAndRenamed(self, parts, seed, stem):
        contents = {name: text.encode() for name, text in cohortTables().items()}
        rng = random.Random(seed)
        for name in TABLES[:2]:
            header, *rows = cells(cohortTables()[name])
            fileOf = {}
            files = [[header] for _ in range(parts)]
            for row in rows:
                files[fileOf.setdefault(tuple(row[:2]), rng.randrange(parts))].append(row)
            contents[name] = [asText(file).encode() for file in files if len(file) > 1]
        self.assertSame(self.read(contents, stem))

    def testSameStatistics(self):
        """Of shuffled tables, exams written otherwise: every number to its last digit, whatever the order."""
        contents = {}
        for name, text in cohortTables().items():
            header, *rows = cells(text)
            random.Random(3).shuffle(rows)
            if name == "readings":
                rows = [[row[0], f"0{row[1]}", *row[2:]] for row in rows]
            contents[name] = asText([header, *rows]).encode()
        settings = StudySettings(resamples=100, permutations=100)
        data = [self.read(contents), self.read({name: text.encode() for name, text in cohortTables().items()})]
        results = [runStudy(one, settings, kind="profile") for one in data]
        for one, other in zip(*([*result.rows, *result.supplement] for result in results), strict=True):
            self.assertEqual(str(one), str(other))

    @examples(30)
    @given(data=st.data())
    def testDamagedTextIsRefusedOrRead(self, data):
        """A sentence, or problems that are sentences; nothing else is raised."""
        contents = {name: bytearray(text.encode()) for name, text in cohortTables().items()}
        name = data.draw(st.sampled_from(TABLES))
        for _ in range(data.draw(st.integers(1, 4))):
            content = contents[name]
            at = data.draw(st.integers(0, len(content)))
            length = data.draw(st.sampled_from((0, 1, 3, 40, len(content))))
            what = data.draw(
                st.binary(max_size=4)
                | anyText.map(str.encode)
                | st.sampled_from((b"\t", b"\n", b"\x00", b"nan", b"1e999", b'"', b"-1", b"subject\t", b"\xff\xfe"))
                | st.sampled_from(TABLES).map(lambda other: cohortTables()[other].encode())
            )
            content[at : at + length] = what
        try:
            found = self.read({name: bytes(content) for name, content in contents.items()})
        except InputError as error:
            self.assertSentence(str(error))
            return
        for problem in found.problems:
            self.assertNotIn("\n", problem.text)
            self.assertIn("expected", problem.text)


if __name__ == "__main__":
    unittest.main()
