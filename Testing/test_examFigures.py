"""The pictures of an exam: no word covers another or leaves the figure, whatever is measured; and scenes with noise."""

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
from ALSCortexProfileLib import figures
from ALSStudyLib import phantom, phasePhantom
from ALSStudyLib.mrmlFiles import HeadlessScene, loadScene, saveScene
from ALSStudyLib.mrmlNodes import addVolumeNode, volumeArray
from ALSStudyLib.sliceFigures import figureStyle, newAxes, newFigure, addScales, saveFigure
from ALSCortexProfileLib import mrml as profileMrml
from matplotlib.text import Text
from PhaseShiftROILib import mrml as phaseMrml
from PhaseShiftROILib import phaseFigures

LONG = "sub-a-name-of-a-subject-as-long-as-no-center-should-ever-have-given-one"


def problems(figure) -> list:
    """Words that leave the saved figure, and pairs of which one covers the other."""
    with tempfile.TemporaryDirectory() as folder:
        saveFigure(figure, Path(folder) / "figure.png")
    hidden = {text for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for text in axis.findobj(Text)}
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text not in hidden]
    boxes = np.array([text.get_window_extent().extents for text in texts])
    low, high = boxes[:, :2] + 1.0, boxes[:, 2:] - 1.0
    covers = np.triu(np.all((low[:, None] < high) & (low < high[:, None]), axis=2), 1)
    outside = np.any(low < 0, axis=1) | np.any(high > figure.bbox.extents[2:], axis=1)
    words = [text.get_text() for text in texts]
    return [(words[i], words[j]) for i, j in np.argwhere(covers)] + [words[i] for i in np.flatnonzero(outside)]


class ProfileFiguresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        headless = HeadlessScene()
        nodes = phantom.addCaseToScene(headless.scene, phantom.alsLikeCase())
        nodes = replace(nodes, settings=replace(nodes.settings, resamples=40))
        cls.one = profileMrml.measureCase(nodes)[0]

    def testNoWordCoversAnotherOrLeaves(self):
        one = self.one
        bright = replace(one.mean, meanIntensity=one.mean.meanIntensity * 60, sdIntensity=one.mean.sdIntensity * 60)
        cases = {
            "as measured": one,
            "long name": replace(one, input=replace(one.input, subject=LONG)),
            "bright": replace(one, mean=bright),
            "flags": replace(one, flags=("flag_of_a_name_that_is_wider_than_there_is_room_beside_it", "many")),
            "not aligned": replace(one, settings=replace(one.settings, align=False)),
        }
        with figureStyle():
            for name, measurement in cases.items():
                for draw in (figures.drawContour, figures.drawProfiles, figures.drawFit):
                    with self.subTest(case=name, figure=draw.__name__):
                        self.assertEqual(problems(draw(measurement)), [])
            self.assertEqual(problems(figures.drawReferences([one])), [])

    def testNumbersOfAScale(self):
        cases = {(0.0, 1.0): "0.0", (-0.05, 0.1): "\N{MINUS SIGN}0.04", (0.0, 5e7): "5e+07", (0.0, 900.0): "0"}
        with figureStyle():
            for limits, number in cases.items():
                ax = newAxes(newFigure(4.0, 4.0, "T"), 0.8, 0.6, 3.0, 3.0)
                ax.set(xlim=(0.0, 1.0), ylim=limits)
                addScales(ax, "x", "y")
                with self.subTest(limits=limits):
                    self.assertIn(number, [text.get_text() for text in ax.texts])
                    self.assertEqual(ax.get_ylim(), limits)


class PhaseFiguresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        headless = HeadlessScene()
        rendered = phasePhantom.renderPhase(phasePhantom.alsLikePhase())
        cls.all = phaseMrml.measurePhaseCase(phasePhantom.addPhaseCaseToScene(headless.scene, rendered))
        cls.headless = headless

    def testNoWordCoversAnotherOrLeaves(self):
        first = self.all[0].region.structure.slug
        ofOne = [measurement for measurement in self.all if measurement.region.structure.slug == first]
        with figureStyle():
            for chosen in (self.all, ofOne, ofOne[:1]):
                for draw in (phaseFigures.drawSlices, phaseFigures.drawRegions, phaseFigures.drawSteps):
                    if draw is phaseFigures.drawRegions and chosen is self.all:
                        continue
                    with self.subTest(count=len(chosen), figure=draw.__name__):
                        self.assertEqual(problems(draw(chosen)), [])


class SaveSceneTest(unittest.TestCase):
    def testOnlyWhatGetsSmallerIsCompressed(self):
        scene = HeadlessScene().scene
        noise = np.random.default_rng(1).normal(size=(8, 64, 64)).astype(np.float32)
        for name, array in (("noise", noise), ("air", np.zeros_like(noise))):
            addVolumeNode(scene, array, np.eye(4), name)
        scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            saveScene(scene, path)
            self.assertLess(path.stat().st_size, 1.2 * noise.nbytes)
            opened = HeadlessScene().scene
            loadScene(opened, path)
        for name, array, isCompressed in (("noise", noise, 0), ("air", np.zeros_like(noise), 1)):
            node = opened.GetFirstNodeByName(name)
            with self.subTest(volume=name):
                self.assertEqual(node.GetStorageNode().GetUseCompression(), isCompressed)
                np.testing.assert_array_equal(volumeArray(node), array)


if __name__ == "__main__":
    unittest.main()
