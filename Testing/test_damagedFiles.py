"""Files that are damaged, by chance or by design: measured or refused in one sentence, never a crash."""

import io
import json
import shutil
import struct
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy as np
import pydicom
from ALSCortexProfileLib.alignment import alignProfiles
from ALSCortexProfileLib.settings import ProfileSettings
from damageTestCases import GOOD, INSIDE, KINDS, REFUSED, Change, Job, damagePool, makeOriginals
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHANGES = st.lists(
    st.builds(
        Change,
        st.sampled_from([*KINDS, *(INSIDE + kind for kind in KINDS)]),
        st.floats(0, 1, width=32),
        st.integers(0, 1 << 20),
    ),
    min_size=1,
    max_size=3,
)


class DamageCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="alsOriginals"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.originals = {original.damaged.removeprefix("dicom/"): original for original in makeOriginals(cls.folder)}
        pool = damagePool()
        cls.outcomes = staticmethod(pool.__enter__())
        cls.addClassCleanup(pool.__exit__, None, None, None)

    def content(self, name):
        return (self.folder / self.originals[name].damaged).read_bytes()

    def job(self, name, content):
        return Job(str(self.folder), self.originals[name], content=content)


class AnyDamageTest(DamageCase):
    def testOriginalsAreMeasured(self):
        found = self.outcomes([Job(str(self.folder), original) for original in self.originals.values()])
        self.assertEqual(set(found), {("measured", "")}, list(zip(self.originals, found, strict=True)))

    def testAnyDamage(self):
        # Several at once, so that both children have work.
        among = st.lists(st.tuples(st.sampled_from(sorted(self.originals)), CHANGES), min_size=4, max_size=4)

        @settings(
            max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(among)
        def check(cases):
            found = self.outcomes([Job(str(self.folder), self.originals[name], tuple(each)) for name, each in cases])
            for (name, changes), (outcome, said) in zip(cases, found, strict=True):
                self.assertIn(outcome, GOOD, f"{name} {changes}: {said}")

        check()

    def testTruncatedAnywhere(self):
        jobs = []
        for name in self.originals:
            whole = self.content(name)
            jobs += [self.job(name, whole[: int(share * len(whole))]) for share in (0, 0.02, 0.5, 0.999)]
        for job, (outcome, said) in zip(jobs, self.outcomes(jobs), strict=True):
            self.assertIn(outcome, GOOD, f"{job.original.format} {len(job.content)} {said}")
            if job.original.format in ("nii", "nii.gz", "nrrd", "mha", "seg.nrrd", "mrk.json", "mrb", "DICOM"):
                self.assertEqual(outcome, REFUSED, f"{job.original.format} of {len(job.content)} bytes")


class NoiseTest(unittest.TestCase):
    def testAlignmentOfNoise(self):
        """Nothing to align by: after a wild shift there are depths that no normal reaches."""
        depthMm = np.round(np.arange(-1, 5.01, 0.1), 3)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for seed in (4, 5, 8, 12):
                rng = np.random.default_rng(seed)
                n = int(rng.integers(2, 6))
                noise = rng.normal(size=(n, len(depthMm))) * 10
                found = alignProfiles(depthMm, noise, np.zeros(n, int), 0.05 * np.arange(n), [0.5], ProfileSettings())
                self.assertTrue(np.isfinite([found.shiftMm, found.cosine]).all())


class HeaderTest(DamageCase):
    """What crashed ITK, or would have taken the memory, and others of the kind."""

    def refused(self, cases):
        """:param cases: (name, content, pattern)."""
        found = self.outcomes([self.job(name, content) for name, content, _ in cases])
        for (name, _, pattern), (outcome, said) in zip(cases, found, strict=True):
            with self.subTest(name=name, pattern=pattern):
                self.assertEqual(outcome, REFUSED, said)
                self.assertRegex(said, pattern)

    def edited(self, name, *pairs):
        content = self.content(name)
        for old, new in pairs:
            self.assertIn(old, content)
            content = content.replace(old, new, 1)
        return content

    def testNrrd(self):
        nrrd, long = "image.nrrd", b"9" * 5000
        sizes, directions = b"sizes: 48 48 4", b"space directions: (-0.49324989988495227"
        cases = (
            ((directions, b"space directions: (nan"), "voxels measure"),
            ((directions, b"space directions: (1e308"), "voxels measure"),
            ((b"kinds: domain", b"kinds: " + long), "its kinds has 5"),
            ((b"kinds: domain", long + b": domain"), "its header has the line"),
            ((sizes, b"sizes: 100000 100000 100000"), r"broken off: voxels of 2e?\d*0+ bytes"),
            ((sizes, b"sizes: 48 48 -4"), "its size is 48 x 48 x -4"),
            ((sizes, b"sizes: 48 48 99999999999999999999"), "broken off"),
            ((sizes, b"sizes: 48 48 4\nsizes: 1 1 1"), "gives sizes twice"),
            ((b"type: short", b"type: block"), "cannot be read as an image;"),
            ((b"encoding: ", b"data file: ../../etc/passwd\nencoding: "), "no file beside it"),
            ((b"encoding: ", b"byte skip: 77\nencoding: "), "do not begin where the header ends"),
        )
        self.refused([(nrrd, self.edited(nrrd, pair), pattern) for pair, pattern in cases])
        references = "references.seg.nrrd"
        whole = self.content(references)
        data = whole.index(b"\n\n") + 2
        damaged = whole[:-8] + b"12345678"  # checksum and length, which ITK does not read
        self.refused([(references, damaged, "damaged|cannot be read"), (references, whole[: data + 9], "broken off")])
        cases = (
            ((b"Segmentation_ConversionParameters", b"\0"), "its header is no text"),
            ((b"Names:=Binary labelmap", b"Names:=Binary label map"), "its Segmentation_Contained"),
            ((b"MasterRepresentation:=Binary", b"MasterRepresentation:=B"), "its Segmentation_Master"),
            ((b"Segment0_Extent:=", b"Segment0_Extent:=0 2147483647 "), "its Segment0_Extent is"),
            (
                (b"Segment1_Extent:=18 29 15 29 0 2", b"Segment1_Extent:=18 29 15 29 0 21474836"),
                "its Segment1_Extent is",
            ),
            ((b"ExtentOffset:=0 0 0", b"ExtentOffset:=0 0 999999999"), "ExtentOffset is"),
            ((b"Segment0_Tags:=", b"Segment0_Tags-="), "its header has the line"),
            ((sizes, b"sizes: 40000 40000 40000"), "broken off"),
        )
        self.refused([(references, self.edited(references, pair), pattern) for pair, pattern in cases])

    def testMetaImage(self):
        name, size = "image.mha", b"DimSize = 48 48 4"
        cases = (
            ((size, b"DimSize = 60000 60000 60000"), "broken off: voxels of"),
            ((size, b"DimSize = 48 48"), "3 dimensions and 2 sizes"),
            ((b"TransformMatrix = ", b"TransformMatrix = nan "), "TransformMatrix is not 9 numbers"),
            ((b"ElementDataFile = LOCAL", b"ElementDataFile = /etc/passwd"), "no file beside it"),
            ((b"ElementDataFile = LOCAL", b"ElementDataFile = LIST"), "no file beside it"),
        )
        self.refused([(name, self.edited(name, pair), pattern) for pair, pattern in cases])

    def testNifti(self):
        whole = self.content("image.nii")

        def with_(offset, format, *values):
            return whole[:offset] + struct.pack(format, *values) + whole[offset + struct.calcsize(format) :]

        cases = (
            (with_(108, "<f", float("inf")), "begin at byte inf"),
            (with_(108, "<f", float("nan")), "begin at byte nan"),
            (with_(72, "<h", 8), "of type 4 in 8 bits"),
            (with_(42, "<3h", 32767, 32767, 32767), "broken off"),
            (with_(42, "<h", -1), "its size is -1"),
            (with_(40, "<h", 12), "12 dimensions"),
            (with_(80, "<f", 7.5), "but 0.5 x 0.5 x 1 mm in its sform"),
            (with_(80, "<f", float("nan")), "voxels measure nan"),
            (with_(280, "<f", float("nan")), "voxels measure"),
            (with_(344, "<4s", b"\0\0\0\0"), "none of the kinds"),
        )
        self.refused([("image.nii", content, pattern) for content, pattern in cases])

    def testJson(self):
        line = json.loads(self.content("line.mrk.json"))
        points = line["markups"][0]["controlPoints"]
        cases = [("line.mrk.json", b"[" * 100000, "not a markups file"), ("phase.json", b"[" * 100000, "not JSON")]
        cases += [("ranges.json", b"[" * 100000, "no reference ranges")]
        for wrong in ([1, 2], [1, 2, float("nan")], [1, 2, 1e300], ["1", 2, 3], None, [1, 2, 3, 4]):
            points[2]["position"] = wrong
            cases.append(("line.mrk.json", json.dumps(line).encode(), "points without a place|not a markups file"))
        line["markups"][0]["type"] = ["Curve"]
        points[2]["position"] = [1, 2, 3]
        cases.append(("line.mrk.json", json.dumps(line).encode(), "holds .'Curve'."))
        ranges = json.loads(self.content("ranges.json"))
        ranges["ranges"][0]["ages_years"][3] = 1e308
        cases.append(("ranges.json", json.dumps(ranges).encode(), "ages_years beyond 150"))
        self.refused(cases)

    def testDicom(self):
        whole = self.content("1.dcm")
        for value in (b"nan ", b"inf ", b"1e99", b"0   "):
            content = whole.replace(b"DS\x02\x002 ", b"DS\x04\x00" + value)
            self.assertNotEqual(content, whole)
            self.refused([("1.dcm", content, "no valid rescale|damaged")])
        bomb = pydicom.dcmread(io.BytesIO(whole))
        bomb.Rows = bomb.Columns = 65535
        bomb.PixelData = pydicom.encaps.encapsulate([b"packed"])
        bomb.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLosslessSV1
        file = io.BytesIO()
        pydicom.dcmwrite(file, bomb, enforce_file_format=True)
        self.refused([("1.dcm", file.getvalue(), "claims 8589672450 bytes")])
        rows = whole.replace(b"\x28\x00\x10\x00US\x02\x00\x18\x00", b"\x28\x00\x10\x00US\x02\x00\xff\xff")
        self.assertNotEqual(rows, whole)
        self.refused([("1.dcm", rows, "damaged|broken off")])

    def testTableOfNobody(self):
        header, row = self.content("measured.tsv").splitlines()[:2]
        self.refused([("measured.tsv", header + b"\n" + row[:10] + b"\n", "no row with a subject and a target")])

    def testPackedDicom(self):
        """The decoder gives wrong pixels, and only prints that they are."""
        whole = self.content("packed/1.dcm")
        at = int(0.8 * len(whole))
        self.refused([("packed/1.dcm", whole[:at] + bytes(20) + whole[at + 20 :], "is compressed .* or is damaged")])


if __name__ == "__main__":
    unittest.main()
