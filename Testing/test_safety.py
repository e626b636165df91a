"""Nothing from a network or from outside of a bundle, no formulas in tables, no patient where none was asked for."""

import io
import json
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import warnings
import zipfile
import zlib
from pathlib import Path

import pydicom
from ALSStudyLib.studyFiles import readText
from ALSStudyLib.studyTables import readStudy
from ALSStudyLib.tables import Column, fromCell, readTable, writeTable
from alsTestCases import pageText
from commandTestCases import call
from damageTestCases import makeOriginals, writeDicomExam

# Whoever opens, connects or looks up anything gets an error; "{}" is the folder of the originals.
OFFLINE = """
import json, sys
def refuse(event, arguments):
    if event.split(".")[0] in ("socket", "urllib", "http", "ftplib", "smtplib", "imaplib", "poplib", "webbrowser"):
        raise RuntimeError(f"network: {event}")
sys.addaudithook(refuse)
from ALSStudyLib.commandLine import main
for arguments in json.loads(sys.argv[1]):
    code = main(arguments)
    if code:
        sys.exit(f"{arguments[0]} ended with {code}")
"""
FILES = "--image {}/image.nrrd --contour hand_knob_left={}/line.mrk.json --references {}/references.seg.nrrd"
PHASE = "--filter none --polarity paramagnetic_negative --regions {}/Regions.seg.nrrd"
REPORT = "--report --reference-ranges {}/ranges.json"
STUDY = "--measurements {}/measured.tsv --participants {}/participants.tsv --readings {}/readings.tsv"
# Every command but `batch --scheduler`, whose purpose is the network.
OFFLINE_COMMANDS = (
    f"profile {FILES} --subject P1 --resamples 0 {REPORT} --output {{}}/out/profile",
    f"phase --phase {{}}/dicom --encoding dicom {PHASE} --subject P1 --report --output {{}}/out/phase",
    "rerun {}/scene.mrb --report --no-figures --output {}/out/rerun",
    f"study {STUDY} --resamples 100 --permutations 100 --output {{}}/out/study",
    "batch {}/CASES.csv --output {}/out/batch",
)


class OfflineTest(unittest.TestCase):
    def testCommandsNeedNoNetwork(self):
        with tempfile.TemporaryDirectory(prefix="alsOffline") as made:
            makeOriginals(Path(made))
            (Path(made) / "CASES.csv").write_text("subject,scene\nP1,scene.mrb\n")
            commands = [command.replace("{}", made).split() for command in OFFLINE_COMMANDS]
            command = [*_withoutNetwork(), sys.executable, "-c", OFFLINE, json.dumps(commands)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for folder in ("profile", "phase", "rerun", "study", "batch"):
                self.assertTrue((Path(made) / "out" / folder / "provenance.json").is_file())

    def testRefusalIsReal(self):
        code = OFFLINE.partition("from ALSStudyLib")[0] + "import socket; socket.create_connection(('127.0.0.1', 9))"
        done = subprocess.run([sys.executable, "-c", code, "[]"], capture_output=True, text=True, check=False)
        self.assertIn("RuntimeError: network: socket", done.stderr)


def _withoutNetwork() -> list[str]:
    """A name space without any interface, for sockets of C++ code too, where the machine allows it."""
    unshare = shutil.which("unshare")
    command = [unshare, "--map-root-user", "--net"] if unshare else []
    isAllowed = command and not subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    return command if isAllowed else []


class SceneCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp(prefix="alsBundle"))
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        makeOriginals(cls.shared)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="alsBundle"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.bundle = self.folder / "scene.mrb"

    def rerun(self, scene):
        return call("rerun", scene, "--no-figures", "--output", self.folder / "out")

    def assertRefused(self, pattern, scene=None):
        done = self.rerun(scene or self.bundle)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
        self.assertRegex(done.stderr, pattern)
        self.assertIn("expected", done.stderr)
        self.assertFalse((self.folder / "out").exists())


class BundleTest(SceneCase):
    def write(self, more=(), mrml=lambda text: text, size=None):
        """The good bundle, with more entries (name or ZipInfo), an edited scene, or an entry said to have a size."""
        with zipfile.ZipFile(self.shared / "scene.mrb") as source, zipfile.ZipFile(self.bundle, "w") as target:
            for entry in source.infolist():
                content = source.read(entry)
                isScene = entry.filename.endswith(".mrml")
                target.writestr(entry, mrml(content.decode()).encode() if isScene else content)
            for entry in more:
                target.writestr(entry, "../../../etc/passwd")
            if size:
                target.infolist()[0].file_size = size

    def testGoodBundle(self):
        self.write(more=["scene/Data/12:30 T2%2A.txt", "scene/./Data/../Data/notes.txt"])
        done = self.rerun(self.bundle)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def testEntriesThatLeadOut(self):
        link = zipfile.ZipInfo("scene/Data/link.nrrd")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        up, evil = "../../../../../../../../../..", self.folder / "evil"
        for entry in (
            f"{up}{evil}",
            str(evil),
            "C:\\evil",
            "C:evil",
            "scene/../../evil",
            "..\\evil",
            "\\\\a\\b\\evil",
            link,
        ):
            with self.subTest(entry=entry):
                self.write([entry])
                self.assertRefused("which leads out of it|expected a whole .mrb")
                self.assertFalse(evil.exists())

    def testMoreThanTheDiskHas(self):
        self.write(size=1 << 50)
        self.assertRefused("unpacks to .* files of 1.13e.06 GB; .* that are free")
        self.write([f"scene/{number}" for number in range(10_001)])
        self.assertRefused("unpacks to 100.. files")

    def testNodesThatLeadOut(self):
        secret = self.folder / "secret.nrrd"
        shutil.copy(self.shared / "image.nrrd", secret)
        up = "/".join([".."] * 12)
        relative = f"{up}{secret}"
        names = (str(secret), relative, relative.replace("../", "%2e%2e%2f"), relative.replace("..", "&#46;&#46;"))
        names += (
            relative.replace("..", "&amp;#46;&amp;#46;"),
            "..\\..\\secret.nrrd",
            "C:\\secret.nrrd",
            "file:///etc/passwd",
        )
        for name in names:
            with self.subTest(name=name):
                self.write(mrml=lambda text, name=name: text.replace("Data/image.nrrd", name))
                self.assertRefused("names the file '.*', which is not in it")

    def testWhatReadersPrintIsNotShown(self):
        """A format that nothing writes: ITK says so in twenty lines."""
        self.write(mrml=lambda text: text.replace('WriteFileExtension="nrrd"', 'WriteFileExtension="x1"'))
        self.assertRefused("could not be written")

    def testHeaderThatLeadsOut(self):
        """A detached header in the bundle names voxels elsewhere."""
        header = (self.shared / "raw.nrrd").read_bytes().split(b"\n\n")[0].decode()
        secret = self.folder / "secret.raw"
        secret.write_bytes(b"\1" * 100_000)
        with zipfile.ZipFile(self.shared / "scene.mrb") as source:
            source.extractall(self.folder / "made")
        (image,) = (self.folder / "made").rglob("image.nrrd")
        header = re.sub("encoding: .*", f"encoding: raw\ndata file: {secret}", header)
        image.write_text(header + "\n\n")
        shutil.make_archive(str(self.folder / "made"), "zip", self.folder / "made")
        self.assertRefused("no file beside it", shutil.move(self.folder / "made.zip", self.bundle))


class SceneTest(SceneCase):
    def scene(self, *pairs):
        (mrml,) = (self.shared / "unpacked").rglob("*.mrml")
        folder = self.folder / "unpacked"
        shutil.copytree(mrml.parent, folder, dirs_exist_ok=True)
        text = mrml.read_text(encoding="utf-8")
        for old, new in pairs:
            self.assertIn(old, text)
            text = text.replace(old, new, 1)
        (folder / mrml.name).write_text(text, encoding="utf-8")
        return folder / mrml.name

    def testASceneThatIsNoBundleMayReferElsewhere(self):
        shutil.copy(self.shared / "image.nrrd", self.folder / "else where.nrrd")
        done = self.rerun(self.scene(("Data/image.nrrd", f"{self.folder}/else%20where.nrrd")))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def testAddress(self):
        address = 'fileName="Data/image.nrrd" uri="http://127.0.0.1:9/image.nrrd"'
        self.assertRefused("names the address 'http", self.scene(('fileName="Data/image.nrrd"', address)))

    def testNoEnding(self):
        for ending in ("", "../x"):
            pair = ('WriteFileExtension="nrrd"', f'WriteFileExtension="{ending}"')
            self.assertRefused("names the file ending", self.scene(pair))

    def testUnknownEncoding(self):
        head = '<?xml version="1.0" encoding="UTl-8"?>'
        self.assertRefused("could not be read", self.scene(('<?xml version="1.0" encoding="UTF-8"?>', head)))

    def testEntities(self):
        laughs = '<!DOCTYPE MRML [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>\n<MRML'
        self.assertRefused("defines entities", self.scene(("<MRML", laughs)))


class CellTest(unittest.TestCase):
    TEXTS = ("=1+1", "+1", "-01", "@x", "=cmd|' /C calc'!A0", "'=1", "''=1", "\uff1d1", "'plain'", "P012", "1-2", "a=b")

    def testNoFormulas(self):
        columns = (Column("subject", "", isText=True), Column("value", ""))
        for text in (*self.TEXTS, "\t=1", "\r=1", " =1"):
            cell = columns[0].text({"subject": text})
            self.assertFalse(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")), cell)
            self.assertEqual(fromCell(cell), " ".join(text.split()))
        self.assertEqual(columns[0].text({"subject": "P012"}), "P012")
        self.assertEqual(columns[0].text({}), "n/a")
        self.assertEqual(columns[1].text({"value": -1.5}), "-1.5")

    def testReadBack(self):
        columns = (Column("subject", "", isText=True), Column("value", ""))
        with tempfile.TemporaryDirectory() as made:
            path = Path(made) / "table.tsv"
            writeTable(path, columns, [{"subject": text, "value": -1} for text in self.TEXTS])
            self.assertIn("'=1+1\t-1\n", path.read_text(encoding="utf-8"))
            self.assertEqual([row["subject"] for row in readTable(path)], list(self.TEXTS))
            self.assertEqual(list(readText(path)["subject"]), list(self.TEXTS))

    def testAStudyJoinsNamesWithAndWithoutApostrophe(self):
        lines = [
            "subject\ttarget\tside\tsh_thk_per_mm\tstatus",
            "'=A1\thand_knob\tleft\t0.1\tok",
            "-01\thand_knob\tleft\t0.2\tok",
        ]
        people = ["participant_id\tgroup", "=A1\tals", "'-01\tcontrol"]
        with tempfile.TemporaryDirectory() as made:
            tables = [Path(made) / "measured.tsv", Path(made) / "people.tsv"]
            for path, text in zip(tables, (lines, people), strict=True):
                path.write_text("\n".join(text) + "\n", encoding="utf-8")
            data = readStudy(tables[:1], tables[1])
        self.assertEqual(data.participants["group"].to_dict(), {"=A1": "als", "-01": "control"})
        self.assertEqual(set(data.values["subject"]), {"=A1", "-01"})


PATIENT = {
    "PatientName": "ZQNAME^ZQGIVEN",
    "PatientID": "ZQPATIENTID",
    "PatientBirthDate": "19340506",
    "OtherPatientNames": "ZQOTHER",
    "PatientComments": "ZQCOMMENT",
    "PatientAddress": "ZQADDRESS",
    "InstitutionName": "ZQINSTITUTION",
    "ReferringPhysicianName": "ZQREFERRING",
    "OperatorsName": "ZQOPERATOR",
    "SeriesDescription": "swi ZQSERIES",
    "StudyDescription": "head of ZQSTUDY",
    "ProtocolName": "ZQPROTOCOL",
    "AccessionNumber": "ZQACCESSION",
    "StudyInstanceUID": "1.2.840.99.1",
    "StudyID": "ZQID",
    "StudyDate": "20260102",
    "StudyTime": "101112",
    "SeriesNumber": "5",
}
TRACES = ("ZQNAME", "ZQGIVEN", "ZQPATIENTID", "ZQOTHER", "ZQCOMMENT", "ZQADDRESS", "ZQINSTITUTION", "ZQREFERRING")
TRACES += ("ZQOPERATOR", "ZQSERIES", "ZQSTUDY", "ZQPROTOCOL", "ZQACCESSION", "19340506", "1934-05-06")


class PrivacyTest(unittest.TestCase):
    """What a DICOM header says of a patient stays there."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp(prefix="alsPrivacy"))
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        writeDicomExam(cls.shared, **PATIENT)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="alsPrivacy"))
        self.addCleanup(shutil.rmtree, self.folder)

    def phase(self, *more, dicom=None):
        options = f"{PHASE} --encoding dicom --subject P1 --report".replace("{}", str(self.shared)).split()
        return call(
            "phase", "--phase", dicom or self.shared / "dicom", *options, "--output", self.folder / "out", *more
        )

    def tracesIn(self, folder):
        files = [path for path in folder.rglob("*") if path.is_file()]
        self.assertGreater(len(files), 10)
        return {path.name for path in files if _hasTrace(path.read_bytes(), path.name)}

    def testNothingWithoutBeingAsked(self):
        done = self.phase()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(_hasTrace(done.stdout.encode()))
        self.assertEqual(self.tracesIn(self.folder / "out"), set())
        names = {path.name for path in (self.folder / "out").iterdir()}
        self.assertLessEqual({"scene.mrb", "figures", "report.html", "report.pdf", "structured_report.dcm"}, names)
        self.assertNotIn("ZQ", pageText(self.folder / "out" / "report.html"))

    def testAskedForOnlyTheDicomReportNamesThePatient(self):
        done = self.phase("--source-dicom", self.shared / "dicom")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(_hasTrace(done.stdout.encode()))
        self.assertEqual(self.tracesIn(self.folder / "out"), {"structured_report.dcm", "secondary_capture.dcm"})
        report = pydicom.dcmread(self.folder / "out" / "structured_report.dcm")
        self.assertEqual(str(report.PatientName), PATIENT["PatientName"])

    def testTheSearchFindsTraces(self):
        for kind in ("utf-8", "utf-16-le", "utf-16-be"):
            text = "ZQNAME".encode(kind)
            self.assertTrue(_hasTrace(text))
            self.assertTrue(_hasTrace(b"stream\n" + zlib.compress(text) + b"\nendstream"))
        path = self.folder / "scene.mrb"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("scene/x.mrml", "x" * 1000 + "ZQNAME")
        self.assertTrue(_hasTrace(path.read_bytes(), path.name))

    def testErrorsDoNotQuoteTheHeader(self):
        """Values that pydicom complains of, with the value."""
        files = sorted((self.shared / "dicom").iterdir())
        whole = files[0].read_bytes()
        for number, (old, new) in enumerate(
            (
                (b"DS\x02\x0020", b"DS\x06\x00ZQNAME"),
                (b"DS\x02\x002 ", b"DS\x06\x00ZQNAME"),
                (b"1.2.840.99.1", b"ZQNAME.99.1\0"),
                (b"1.2.840.10008.1.2.1\0", b"ZQNAME.10008.1.2.11\0"),
                (b"MONOCHROME2 ", b"ZQNAME      "),
                (b"IS\x02\x005 ", b"IS\x06\x00ZQNAME"),
                (b"PN\x0e\x00", b"PN\x0e\xff"),
            )
        ):
            with self.subTest(old=old):
                self.assertIn(old, whole)
                folder = self.folder / str(number)
                folder.mkdir()
                (folder / "0.dcm").write_bytes(whole.replace(old, new, 1))
                for file in files[1:]:
                    shutil.copy(file, folder)
                for more in ((), ("--source-dicom", folder)):
                    with warnings.catch_warnings(record=True) as warned:  # which Python prints
                        warnings.simplefilter("always")
                        done = self.phase("--no-figures", *more, dicom=folder)
                    self.assertFalse(_hasTrace(" ".join(str(one.message) for one in warned).encode()))
                    self.assertFalse(_hasTrace((done.stdout + done.stderr).encode()), done.stderr)
                    self.assertLessEqual(len(done.stderr.splitlines()), 1, done.stderr)


def _hasTrace(content: bytes, name: str = "") -> bool:
    """Whether a file holds a trace of the patient, also within what it packs."""
    if name.endswith(".mrb"):
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            return any(_hasTrace(bundle.read(entry), entry.filename) for entry in bundle.infolist())
    parts = [content]
    for start in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]", content):
        try:
            parts.append(zlib.decompressobj(wbits=47).decompress(content[start.start() :]))
        except zlib.error:
            continue
    traces = [trace.encode(kind) for trace in TRACES for kind in ("utf-8", "utf-16-le", "utf-16-be")]
    return any(trace in part for trace in traces for part in parts)


if __name__ == "__main__":
    unittest.main()
