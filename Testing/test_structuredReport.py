"""The DICOM structured report: every number, unit, side, status and interval comes back as it went in."""

import shutil
import subprocess
import tempfile
import unittest
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from ALSStudyLib import structuredCodes as sc
from ALSStudyLib.errors import InputError
from ALSStudyLib.structuredReport import CAPTURE_NAME, REPORT_NAME, writeStructuredReport
from PIL import Image

HAS_HIGHDICOM = find_spec("highdicom") is not None
DCIODVFY = shutil.which("dciodvfy")

SIDES = {"left": "7771000", "right": "24028007"}
PROFILE_UNITS = {"sh_thk_per_mm": "/mm", "sh": "1", "thickness_mm": "mm", "area_mm": "mm", "r_squared": "1"}
PROFILE_UNITS |= {"n_normals": "{normals}", "splenium_mean": "[arb'U]", "splenium_area_mm2": "mm2", "tilt_deg": "deg"}
PHASE_UNITS = {"phase_rad": "rad", "sd_rad": "rad", "phase_hz": "Hz", "phase_ppb": "[ppb]", "n_pixels": "{pixels}"}


def profileRows():
    """As they are read from a table: texts, eight digits, n/a for what is missing."""
    measured = {"subject": "P012", "exam": "2", "target": "hand_knob_left", "side": "left", "status": "ok"}
    measured |= {
        "sh": "0.25390629",
        "thickness_mm": "1.8512694",
        "sh_thk_per_mm": "0.13715253",
        "area_mm": "0.38757804",
    }
    measured |= {"sh_ci_low": "0.24709426", "sh_ci_high": "0.26116116"}
    measured |= {"thickness_mm_ci_low": "1.8083047", "thickness_mm_ci_high": "1.9077158"}
    measured |= {"sh_thk_per_mm_ci_low": "0.13277073", "sh_thk_per_mm_ci_high": "0.14125179"}
    measured |= {"area_mm_ci_low": "0.37672049", "area_mm_ci_high": "0.39874366"}
    measured |= {"n_normals": "182", "n_excluded": "0", "r_squared": "0.99925352", "splenium_mean": "520.26344"}
    measured |= {"splenium_area_mm2": "28.2906", "white_matter_mean": "500.14833", "white_matter_area_mm2": "30.42"}
    measured |= {"slices": "4,5,6", "tilt_deg": "0.5303437", "flags": "tilt_unknown;shift_at_limit"}
    right = {**measured, "target": "paracentral_right", "side": "right", "sh_thk_per_mm": 0.11868311}  # a number, too
    blank = {name: "n/a" for name in measured if name not in ("subject", "exam", "target", "side", "status")}
    flat = {**measured, **blank, "target": "paracentral_left", "status": "no_band", "r_squared": "0.64312759"}
    edge = {**flat, "target": "my_own_place", "side": "n/a", "status": "at_edge"}
    return [measured, right, flat, edge]


def phaseRows():
    row = {"subject": "P012", "exam": "1", "region": "precentral_gyrus", "side": "right", "rank": "1", "slice": "12"}
    row |= {"phase_rad": "-0.19121001", "sd_rad": "0.020535348", "phase_hz": "-1.6016852", "phase_ppb": "-12.539377"}
    row |= {"retention": "0.85193034", "n_pixels": "21", "area_mm2": "6.033216", "rule": "ranked", "flags": "n/a"}
    other = {**row, "region": "globus_pallidus", "side": "left", "phase_rad": "-0.33"}
    blank = {name: "n/a" for name in row if name not in ("subject", "exam", "region", "side", "rule")}
    return [row, other, {**row, **blank, "region": "putamen", "flags": "empty_region"}]


@unittest.skipUnless(HAS_HIGHDICOM, "needs highdicom")
class StructuredReportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def picture(self):
        path = self.folder / "fit.png"
        pixels = np.zeros((30, 40, 4), np.uint8)
        pixels[:10] = (255, 0, 0, 255)  # the rest is transparent: white
        Image.fromarray(pixels, "RGBA").save(path)
        return path

    def source(self, name="a.dcm", study="1.2.3", patient="ID7", **more):
        """An MR image file, small and complete."""
        from pydicom.dataset import Dataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, "1.2.3.4", "1.2.3.5"
        dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = patient, "Müller^Jürgen", "19600102"
        dataset.PatientSex, dataset.PatientAge, dataset.Modality, dataset.AccessionNumber = "M", "061Y", "MR", "A9"
        dataset.StudyID, dataset.StudyDate, dataset.StudyTime = "1", "20240301", "101010"
        dataset.ReferringPhysicianName, dataset.SeriesNumber, dataset.InstanceNumber = "", 1, 1
        dataset.Rows = dataset.Columns = 2
        dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.5], 1.0
        dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 0]
        for key, value in more.items():
            if value is None:
                del dataset[key]
            else:
                setattr(dataset, key, value)
        path = self.folder / name
        dataset.save_as(path, enforce_file_format=True)
        return path

    def write(self, kind="profile", subject="P012", exam="2", rows=None, **more):
        rows = rows if rows is not None else profileRows() if kind == "profile" else phaseRows()
        if "picture" not in more and "sourceDicom" not in more:
            more["picture"] = self.picture()
        return writeStructuredReport(self.folder / "out", kind, subject, exam, rows, **more)

    def read(self, **more):
        from highdicom.sr import srread

        path = self.write(**more)[0]
        self.assertEqual(path.name, REPORT_NAME)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return srread(path)

    def assertComesBack(self, kind, rows, units):
        groups = self.read(kind=kind, rows=rows).content.get_image_measurement_groups()
        self.assertEqual(len(groups), len(rows))
        for row, group in zip(rows, groups, strict=True):
            site = group.finding_sites[0]
            expected = SIDES.get(row["side"])
            self.assertEqual(site.laterality.value if site.laterality else None, expected)
            found = {(m.name.value, m.derivation.value if m.derivation else ""): m for m in group.get_measurements()}
            there = [q for q in sc.QUANTITIES[kind] if row.get(q.column, "n/a") != "n/a"]
            self.assertEqual(len(found), len(there))
            for quantity in there:
                with self.subTest(column=quantity.column):
                    measurement = found[quantity.concept[0], quantity.derivation[0] if quantity.derivation else ""]
                    self.assertEqual(measurement.value, float(row[quantity.column]))
                    self.assertEqual(measurement.unit.value, units.get(quantity.column, quantity.unit[0]))
                    self.assertEqual(measurement.unit.scheme_designator, "UCUM")
                    self.assertInterval(measurement, row, quantity)

    def assertInterval(self, measurement, row, quantity):
        below = {item.ConceptNameCodeSequence[0].CodeValue: item for item in measurement[0].get("ContentSequence", [])}
        if f"{quantity.column}_ci_low" not in row:
            self.assertFalse({sc.CI_LOW[0], sc.UPPER_RANGE[0]} & set(below))
            return
        value, low, high = (float(row[quantity.column + end]) for end in ("", "_ci_low", "_ci_high"))
        for concept, expected in (
            (sc.CI_LOW, low),
            (sc.CI_HIGH, high),
            (sc.LOWER_RANGE, value - low),
            (sc.UPPER_RANGE, high - value),
        ):
            item = below[concept[0]].MeasuredValueSequence[0]
            self.assertAlmostEqual(float(item.NumericValue), expected, delta=1e-9)
            self.assertEqual(item.MeasurementUnitsCodeSequence[0].CodeValue, quantity.unit[0])

    def testProfileComesBack(self):
        self.assertComesBack("profile", profileRows(), PROFILE_UNITS)

    def testPhaseComesBack(self):
        self.assertComesBack("phase", phaseRows(), PHASE_UNITS)

    def testStatusIsCodedAndAMissingNumberHasAReason(self):
        groups = self.read().content.get_image_measurement_groups()
        reasons = {"no_band": "114011", "at_edge": "114006"}
        for row, group in zip(profileRows(), groups, strict=True):
            codes = {e.name.value: e.value for e in group.get_qualitative_evaluations()}
            self.assertEqual(codes["STATUS"].value, row["status"])
            self.assertEqual(codes["STATUS"].scheme_designator, sc.OWN)
            if row["status"] == "ok":
                self.assertEqual(list(codes), ["STATUS"])
            else:
                self.assertEqual(codes["SHTHK"].value, reasons[row["status"]])
        blank = self.read(kind="phase").content.get_image_measurement_groups()[2]
        codes = {e.name.value: e.value.value for e in blank.get_qualitative_evaluations()}
        self.assertEqual(codes, {"STATUS": "not_measured", "PHASE": "114006"})

    def testSitesAlgorithmAndRemarks(self):
        provenance = {"version": "9.9", "settings": {"resamples": 1000}, "filter": "homodyne", "polarity": "unknown"}
        provenance["inputs"] = [{"path": "/a/b/image.nii.gz", "sha256": "ab" * 32}]
        report = self.read(provenance=provenance)
        groups = report.content.get_image_measurement_groups()
        sites = [(g.finding_sites[0].value.value, g.finding_sites[0].value.scheme_designator) for g in groups]
        uberon = [("0002703", "UBERON"), ("0035933", "UBERON"), ("0035933", "UBERON"), ("12738006", "SCT")]
        self.assertEqual(sites, uberon)
        self.assertEqual(groups[0].finding_sites[0].topographical_modifier.value, "HANDKNOB")
        self.assertEqual(groups[3].finding_sites[0].topographical_modifier.meaning, "my own place")
        self.assertEqual(groups[0].tracking_identifier, "P012 exam 2 hand_knob left")
        self.assertEqual(len({group.tracking_uid for group in groups}), 4)
        texts = [str(item.TextValue) for item in groups[0][0].ContentSequence if item.ValueType == "TEXT"]
        for wanted in (
            "9.9",
            "resamples=1000",
            "filter=homodyne",
            "polarity=unknown",
            "image.nii.gz sha256=" + "ab" * 32,
        ):
            self.assertTrue(any(wanted in text for text in texts), wanted)
        remark = next(text for text in texts if "tilt_unknown" in text)
        self.assertIn("Supportive, not diagnostic", remark)
        self.assertEqual(report.VerificationFlag, "UNVERIFIED")

    def testCaptureShowsThePictureOfThePatient(self):
        from pydicom import dcmread

        report, capture = map(dcmread, self.write(participant={"sex": "f", "age_years": "61"}))
        np.testing.assert_array_equal(capture.pixel_array[0, 0], [255, 0, 0])
        np.testing.assert_array_equal(capture.pixel_array[20, 0], [255, 255, 255])
        for dataset in (report, capture):
            self.assertEqual((dataset.PatientID, dataset.PatientSex, dataset.PatientAge), ("P012", "F", "061Y"))
            self.assertEqual(dataset.StudyInstanceUID, capture.StudyInstanceUID)
        evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
        self.assertEqual([item.ReferencedSOPInstanceUID for item in evidence], [capture.SOPInstanceUID])
        self.assertEqual(capture.BurnedInAnnotation, "YES")

    def testSourceSeriesIsTheEvidenceAndGivesThePatient(self):
        sources = [self.source("a.dcm"), self.source("b.dcm")]
        report = self.read(sourceDicom=sources, subject="研究 Ω")
        self.assertEqual((report.PatientID, str(report.PatientName)), ("ID7", "Müller^Jürgen"))
        self.assertEqual((report.StudyInstanceUID, report.AccessionNumber, report.PatientAge), ("1.2.3", "A9", "061Y"))
        self.assertEqual(len(report.get_evidence()), 2)
        self.assertFalse((self.folder / "out" / CAPTURE_NAME).exists())
        self.assertIn("研究 Ω", report.content.get_image_measurement_groups()[0].tracking_identifier)

    def testPictureBesideTheSourceBelongsToItsStudy(self):
        from pydicom import dcmread

        report, capture = map(dcmread, self.write(sourceDicom=[self.source()], picture=self.picture()))
        self.assertEqual({report.StudyInstanceUID, capture.StudyInstanceUID}, {"1.2.3"})
        self.assertEqual(str(capture.PatientName), "Müller^Jürgen")
        self.assertEqual(capture.PatientID, report.PatientID)

    def testStrippedSourceImagesWork(self):
        names = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID")
        more = dict.fromkeys((*names, "AccessionNumber", "PatientAge", "SpecificCharacterSet", "PixelSpacing"))
        report = self.read(sourceDicom=[self.source(**more)], picture=self.picture())
        self.assertEqual(len(report.get_evidence()), 2)

    def testSubjectsOutsideAsciiComeBack(self):
        from pydicom import dcmread

        for subject in ("Żuk-Ω 王芳", "a^b=c"):
            report = dcmread(self.write(subject=subject)[0])
            self.assertEqual(report.PatientID, subject)

    def testWhatDicomCannotHoldIsRefused(self):
        text = self.folder / "text.dcm"
        text.write_text("no image", encoding="utf-8")
        two = [self.source("a.dcm"), self.source("b.dcm", study="1.2.9")]
        for more, words in (
            ({"picture": None}, "no image to refer to"),
            ({"subject": ""}, "subject is ''"),
            ({"subject": "a\\b"}, "backslash"),
            ({"subject": "x" * 65}, "64 characters"),
            ({"exam": "e" * 17}, "16 characters"),
            ({"rows": []}, "no measurements"),
            ({"kind": "spectrum", "rows": [{}]}, "kind"),
            ({"picture": self.folder / "none.png"}, "missing"),
            ({"sourceDicom": [text]}, "no DICOM image"),
            ({"sourceDicom": [self.folder / "none.dcm"]}, "no DICOM image"),
            ({"sourceDicom": two}, "2 studies or patients"),
        ):
            with self.subTest(words=words), self.assertRaisesRegex(InputError, words):
                self.write(**more)
        self.assertFalse((self.folder / "out").exists())

    @unittest.skipUnless(DCIODVFY, "needs dciodvfy of dicom3tools")
    def testValidatorFindsNoErrors(self):
        written = [*self.write(participant={"sex": "M"}, provenance={"settings": {"seed": 1}})]
        self.assertNoErrors(written)
        self.assertNoErrors(self.write(kind="phase", subject="Żuk 王芳"))
        self.assertNoErrors(self.write(sourceDicom=[self.source()], picture=self.picture()))

    def assertNoErrors(self, paths):
        for path in paths:
            found = subprocess.run([DCIODVFY, str(path)], capture_output=True, check=False)
            lines = (found.stdout + found.stderr).decode(errors="replace").splitlines()
            self.assertTrue(any(line.strip() in ("ComprehensiveSR", "SCImage") for line in lines))
            self.assertEqual([line for line in lines if line.startswith(("Error", "Abort"))], [])


class CodesTest(unittest.TestCase):
    def testCodesFitIntoDicomAndAreUnique(self):
        codes = [*sc.SITES.values(), *sc.MODIFIERS.values(), *sc.STATUSES.values(), *sc.REASONS.values()]
        for quantities in sc.QUANTITIES.values():
            codes += [code for q in quantities for code in (q.concept, q.unit, q.derivation) if code]
            told = [(q.concept[0], q.derivation) for q in quantities]
            self.assertEqual(len(told), len(set(told)))
        meanings = {}
        for value, scheme, meaning in codes:
            self.assertLessEqual(len(value), 16)
            self.assertLessEqual(len(meaning), 64)
            if scheme == sc.OWN:
                self.assertEqual(meanings.setdefault(value, meaning), meaning)


if __name__ == "__main__":
    unittest.main()
