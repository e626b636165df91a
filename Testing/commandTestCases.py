"""What the tests of the command line share: a process of its own, and files by other writers than Slicer's."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from ALSCortexProfileLib import mrml
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.mrmlNodes import addVolumeNode
from ALSStudyLib.mrmlSegments import addSegmentationNode
from alsTestCases import renderedArc

LPS = np.diag([-1.0, -1.0, 1.0])


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "ALSStudyLib", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, cwd=cwd, check=False)


def call(*arguments):
    """As `run`, but in this process: much faster, for the many ways of being refused.

    What C++ code writes to the terminal is caught too.
    """
    from ALSStudyLib.commandLine import main

    texts = []
    with ExitStack() as stack:
        files = []
        for number, name in ((1, "stdout"), (2, "stderr")):
            getattr(sys, name).flush()
            file = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape"))
            kept = os.dup(number)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
            stack.enter_context((redirect_stdout if number == 1 else redirect_stderr)(file))
            files.append(file)
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            code = end.code
        for file in files:
            file.flush()
            file.seek(0)
            texts.append(file.read())
    return subprocess.CompletedProcess(arguments, code, *texts)


def writeImage(path, arrays_KJI, ijkToRAS):
    """A 3D, or 4D, file by SimpleITK: another writer than Slicer's."""
    arrays = [arrays_KJI] if isinstance(arrays_KJI, np.ndarray) else arrays_KJI
    spacing = np.linalg.norm(ijkToRAS[:3, :3], axis=0)
    volumes = []
    for array in arrays:
        volume = sitk.GetImageFromArray(array)
        volume.SetSpacing(spacing.tolist())
        volume.SetDirection((LPS @ (ijkToRAS[:3, :3] / spacing)).ravel().tolist())
        volume.SetOrigin((LPS @ ijkToRAS[:3, 3]).tolist())
        volumes.append(volume)
    sitk.WriteImage(volumes[0] if len(volumes) == 1 else sitk.JoinSeries(volumes), str(path))


def writeNode(scene, node, path):
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName(str(path))
    assert node.GetStorageNode().WriteData(node)


class CommandCase(unittest.TestCase):
    """Files of an arc phantom: image.nii.gz, line.mrk.json, references.seg.nrrd."""

    runner = staticmethod(run)

    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        rendered = renderedArc(snr=60.0, nSlices=2)
        cls.rendered = rendered
        writeImage(cls.shared / "image.nii.gz", rendered.array_KJI, rendered.ijkToRAS)
        headless = HeadlessScene()
        image = addVolumeNode(headless.scene, rendered.array_KJI, rendered.ijkToRAS, "image")
        for _, index, points in rendered.contours:
            node = mrml.addCurveNode(headless.scene, points, f"line{index}", "hand_knob_left")
            writeNode(headless.scene, node, cls.shared / f"line{index}.mrk.json")
        references = addSegmentationNode(headless.scene, rendered.referenceMasks, image, "References")
        writeNode(headless.scene, references, cls.shared / "references.seg.nrrd")

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.output = self.folder / "out"

    def profile(
        self, *more, image="image.nii.gz", contours=("hand_knob_left=line2.mrk.json",), references=None, figures=False
    ):
        arguments = ["--image", self.shared / image if isinstance(image, str) else image]
        for contour in contours:
            slug, _, path = contour.partition("=")
            arguments += ["--contour", f"{slug}={self.shared / path}"]
        arguments += ["--references", references or self.shared / "references.seg.nrrd", "--output", self.output]
        arguments += [] if figures else ["--no-figures"]
        return self.runner("profile", *arguments, "--resamples", "60", *more)
