"""What the tests of BIDS datasets share: trees of files, empty where only names matter, or of the phantoms."""

import json
import os
import shutil
import tempfile
import unittest
from functools import cache
from pathlib import Path

import numpy as np
from ALSCortexProfileLib import mrml as profileMrml
from alsTestCases import renderedArc
from ALSStudyLib.bidsCases import readDataset
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.mrmlNodes import addVolumeNode
from ALSStudyLib.mrmlSegments import addSegmentationNode
from commandTestCases import writeImage, writeNode
from phaseTestCases import rendered
from PhaseShiftROILib import mrml as phaseMrml

RAW = {"Name": "Two exams", "BIDSVersion": "1.10.0", "DatasetDOI": "doi:10.5281/zenodo.1"}
DERIVATIVE = {**RAW, "DatasetType": "derivative", "GeneratedBy": [{"Name": "3D Slicer"}]}
MANUAL = "derivatives/manual"


class Tree:
    """A dataset in the making."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.json("dataset_description.json", RAW)
        self.json(f"{MANUAL}/dataset_description.json", DERIVATIVE)

    def path(self, relative):
        path = self.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def json(self, relative, content):
        self.path(relative).write_text(content if isinstance(content, str) else json.dumps(content))

    def add(self, name, sidecar=None, source=None, below="", datatype="anat"):
        """A file `sub-..._...` where it belongs, empty without a source; its sidecar beside."""
        folder = self.of(name, datatype)
        path = self.path(f"{below}/{folder}/{name}" if below else f"{folder}/{name}")
        if source is None:
            path.touch()
        else:
            os.link(source, path)
        if sidecar is not None:
            path.with_name(name.split(".")[0] + ".json").write_text(json.dumps(sidecar))
        return path

    @staticmethod
    def of(name, datatype="anat"):
        """The folder of a file."""
        entities = dict(part.partition("-")[::2] for part in name.split("_"))
        return f"sub-{entities['sub']}/" + (f"ses-{entities['ses']}/" if "ses" in entities else "") + datatype

    def megre(self, who, timesMs=(5, 20), part="", **sidecar):
        for echo, time in enumerate(timesMs, start=1):
            name = f"{who}_echo-{echo}{f'_part-{part}' if part else ''}_MEGRE.nii.gz"
            self.add(name, {"EchoTime": time / 1e3, **sidecar})

    def drawn(self, *names, below=MANUAL):
        """Drawings, by the beginnings of their names."""
        for name in names:
            ending = "dseg.seg.nrrd" if "desc-re" in name else "contour.mrk.json"
            self.add(f"{name}_{ending}", below=below)

    def contoured(self, who):
        self.drawn(f"{who}_hemi-L_label-handKnob", f"{who}_desc-references")


@cache
def phantomFiles():
    """Images and drawings of both phantoms, by name; made once."""
    folder = Path(tempfile.mkdtemp())
    unittest.addModuleCleanup(shutil.rmtree, folder)
    unittest.addModuleCleanup(phantomFiles.cache_clear)
    arc, head, headless = renderedArc(snr=60.0, nSlices=2), rendered(), HeadlessScene()
    for echo, share in ((1, 1.1), (2, 0.9)):
        writeImage(folder / f"echo{echo}.nii.gz", np.float32(share) * arc.array_KJI, arc.ijkToRAS)
    image = addVolumeNode(headless.scene, arc.array_KJI, arc.ijkToRAS, "image")
    for number, (_, _, points) in enumerate(arc.contours):
        node = profileMrml.addCurveNode(headless.scene, points, f"line{number}", "hand_knob_left")
        writeNode(headless.scene, node, folder / f"line{number}.mrk.json")
    references = addSegmentationNode(headless.scene, arc.referenceMasks, image, "References")
    writeNode(headless.scene, references, folder / "references.seg.nrrd")
    writeImage(folder / "phase.nii.gz", head.phaseRad_KJI, head.case.ijkToRAS)
    writeImage(folder / "magnitude.nii.gz", head.magnitude_KJI, head.case.ijkToRAS)
    grid = addVolumeNode(headless.scene, head.phaseRad_KJI, head.case.ijkToRAS, "grid")
    regions = phaseMrml.addRegionsNode(headless.scene, head.masks_KJI, grid)
    writeNode(headless.scene, regions, folder / "regions.seg.nrrd")
    return folder


def phantomDataset(folder):
    """Two subjects: 01 with two sessions of echoes, 02 with phase as well. Echo times of echo 1, field strength and
    the phase's unit are inherited. Images are links into an annex, as DataLad has them.
    """
    made, tree = phantomFiles(), Tree(folder)
    tree.json("MEGRE.json", {"MagneticFieldStrength": 3})
    for subject in ("sub-01", "sub-02"):
        tree.json(f"{subject}/{subject}_echo-1_part-mag_MEGRE.json", {"EchoTime": 0.013})
    tree.json("sub-02/sub-02_echo-1_part-phase_MEGRE.json", {"Units": "rad", "EchoTime": 0.019})
    annex = tree.path(".git/annex/objects/x")
    annex.mkdir()
    for name in ("echo1", "echo2", "phase", "magnitude"):
        shutil.copy(made / f"{name}.nii.gz", annex)

    def image(name, source, sidecar=None):
        path = tree.add(name, sidecar)
        path.unlink()
        path.symlink_to(os.path.relpath(annex / source, path.parent))

    for who in ("sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"):
        image(f"{who}_echo-1_part-mag_MEGRE.nii.gz", "echo1.nii.gz")
        image(f"{who}_echo-2_part-mag_MEGRE.nii.gz", "echo2.nii.gz", {"EchoTime": 0.0186})
        for number in (0, 1):
            name = f"{who}_hemi-L_label-handKnob_desc-slice{number}_contour.mrk.json"
            tree.add(name, source=made / f"line{number}.mrk.json", below=MANUAL)
        tree.add(f"{who}_desc-references_dseg.seg.nrrd", source=made / "references.seg.nrrd", below=MANUAL)
    image("sub-02_ses-1_acq-qsm_echo-1_part-phase_MEGRE.nii.gz", "phase.nii.gz")
    image("sub-02_ses-1_acq-qsm_echo-1_part-mag_MEGRE.nii.gz", "magnitude.nii.gz")
    tree.add("sub-02_ses-1_acq-qsm_desc-regions_dseg.seg.nrrd", source=made / "regions.seg.nrrd", below=MANUAL)
    for path in sorted((tree.folder / MANUAL).rglob("sub-02_ses-1_[hd]*")):  # beside two acquisitions: say which
        path.rename(path.with_name(path.name.replace("ses-1_", "ses-1_acq-t2s_")))
    for path in sorted((tree.folder / "sub-02").rglob("sub-02_ses-1_echo*")):
        path.rename(path.with_name(path.name.replace("ses-1_", "ses-1_acq-t2s_")))
    return tree.folder


class BidsCase(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.tree = Tree(self.folder / "my study")

    def cases(self, *arguments, **options):
        with self.assertLogs("als-motor-cortex") as self.log:
            return readDataset(self.tree.folder, *arguments, **options)

    def theCase(self, **options):
        (case,) = self.cases(**options)
        return case

    def names(self, case, column):
        return [path.name for path in case.paths(column)]

    def assertProblems(self, expected, columns):
        """One dataset, with a subject for every way to be wrong.

        :param expected: function that makes it, words of its problem. columns: of which the case has one.
        """
        for make, _ in expected:
            make(self.tree, f"sub-{make.__name__}_ses-1")
        cases = {case.subject: case for case in self.cases()}
        self.assertEqual(len(cases), len(expected))
        for make, words in expected:
            with self.subTest(make.__name__):
                case = cases[make.__name__]
                self.assertRegex(case.problem, words)
                self.assertEqual(case.exam, "1")
                self.assertTrue(columns & set(case.values))
