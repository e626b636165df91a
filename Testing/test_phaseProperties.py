"""The same anatomy gives the same phase: however it is stored, wherever it lies, whatever its turns and its sign."""

import shutil
import tempfile
import unittest
from dataclasses import replace
from functools import cache
from itertools import permutations, product
from pathlib import Path

from testPackages import needs

needs("hypothesis")

import numpy as np
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.mrmlNodes import matrixFromArray
from ALSStudyLib.mrmlSegments import addSegment
from ALSStudyLib.phaseExam import PhaseFiles, loadPhaseCase
from ALSStudyLib.phasePhantom import addPhaseCaseToScene, storedPhase
from commandTestCases import writeImage, writeNode
from hypothesis import given
from hypothesis import strategies as st
from phaseTestCases import phaseInput, rendered
from PhaseShiftROILib import mrml
from PhaseShiftROILib.angle import wrapped
from PhaseShiftROILib.measurement import measurePhaseShift
from PhaseShiftROILib.polarity import NEGATIVE, POSITIVE
from PhaseShiftROILib.settings import PhaseSettings
from propertyTestCases import examples, storedOtherwise
from scipy.spatial.transform import Rotation

SETTINGS = PhaseSettings(kernelLines=16)
FILTERS, RULES = ("homodyne", "laplacian"), ("ranked", "consecutive")
CLOSE_RAD = 1e-4  # of shifts of 0.05 to 0.35 rad
OUT_OF_SLICES = "slices_not_along_the_thick_axis"
IN_PLANE = [(axes, flips) for axes in ((0, 1, 2), (1, 0, 2)) for flips in product((False, True), repeat=3)]


@cache
def made():
    return rendered(shape_IJK=(80, 72, 14))


@cache
def expected(filter: str, rule: str = "ranked"):
    return measurePhaseShift(phaseInput(made()), SETTINGS.with_(filter=filter, sliceRule=rule))


class PhaseCase(unittest.TestCase):
    def assertSame(self, found, wanted, factor=1.0, offset=0.0, chosen=True, without=()):
        """Values in the same places, a factor and an offset apart, with the same flags."""

        def known(flags):
            return {flag for flag in flags if not flag.startswith(tuple(without))}

        self.assertEqual([m.region.slug for m in found], [m.region.slug for m in wanted])
        for a, b in zip(found, wanted, strict=True):
            self.assertEqual(known(a.flags), known(b.flags), a.region.slug)
            pairs = [(a.candidates, b.candidates), (a.chosen, b.chosen)] if chosen else [(a.candidates, b.candidates)]
            for values, others in pairs:
                # Slices may be counted from the other end, and candidates come in their order.
                if values is a.candidates and values[0].slice != others[0].slice:
                    others = others[::-1]
                self.assertEqual(len(values), len(others))
                for x, y in zip(values, others, strict=True):
                    self.assertLess(abs(wrapped(x.phaseRad - factor * y.phaseRad - offset)), CLOSE_RAD, a.region.slug)
                    self.assertLess(abs(x.sdRad - y.sdRad), CLOSE_RAD)
                    self.assertEqual((x.nPixels, known(x.flags)), (y.nPixels, known(y.flags)))
                    self.assertLess(abs(x.areaMm2 / y.areaMm2 - 1), 1e-5)
                    if np.isfinite(y.retention):
                        self.assertLess(abs(x.retention - y.retention), 1e-4)


class StorageTest(PhaseCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.regions = cls.folder / "regions.seg.nrrd"
        scene = HeadlessScene().scene
        writeNode(scene, addPhaseCaseToScene(scene, made()).regions, cls.regions)
        cls.declared = mrml.Acquisition("siemens", 19.0, 3.0, NEGATIVE)
        cls.expected = cls().measured("base.nrrd", SETTINGS)

    def measured(self, name, settings, axes=(0, 1, 2), flips=(False,) * 3, dtype=np.uint16, regions=None):
        matrix = made().case.ijkToRAS
        paths = []
        for what, array in (("phase", storedPhase(made().phaseRad_KJI, "siemens")), ("size", made().magnitude_KJI)):
            stored, ijkToRAS = storedOtherwise(array, matrix, axes, flips)
            paths.append(self.folder / f"{what}_{name}")
            writeImage(paths[-1], stored.astype(dtype), ijkToRAS)
        files = PhaseFiles(regions or self.regions, phase=paths[0], magnitude=paths[1])
        case = loadPhaseCase(HeadlessScene().scene, files, self.declared, "P1", "1", settings)
        return mrml.measurePhaseCase(case)

    def assertSamePlaces(self, found, wanted):
        """The chosen slices lie in the same places."""
        for a, b in zip(found, wanted, strict=True):
            places = []
            for m in (a, b):
                image = m.prepared.corrected
                middle = 0.5 * (np.array(image.shape_IJK[:2]) - 1)
                places.append(image.ijkToWorld(np.array([[*middle, value.slice] for value in m.chosen])))
            np.testing.assert_allclose(*places, atol=1e-3)

    def testOrientationsOfTheSameSlicesInAllFormats(self):
        formats, types = (".nii.gz", ".nrrd", ".mha", ".nii", ".mhd"), (np.uint16, np.int16, np.float32)
        bases = self.expected, self.measured("base.nrrd", SETTINGS.with_(sliceRule="consecutive"))
        for index, (axes, flips) in enumerate(IN_PLANE):
            name, dtype = f"{index}{formats[index % 5]}", types[index % 3]
            with self.subTest(axes=axes, flips=flips, name=name):
                found = self.measured(name, SETTINGS.with_(sliceRule=RULES[index % 2]), axes, flips, dtype)
                self.assertSame(found, bases[index % 2])
                self.assertSamePlaces(found, bases[index % 2])
        turned = self.measured("turned.nii", SETTINGS.with_(filter="laplacian"), (1, 0, 2), (True, False, True))
        base = self.measured("base.nrrd", SETTINGS.with_(filter="laplacian"))
        self.assertSame(turned, base)
        self.assertSamePlaces(turned, base)

    def testSlicesAlongAnotherAxisAreSaid(self):
        """A filter works in the planes that the file has as slices."""
        for axes in permutations(range(3)):
            found = self.measured("other.nrrd", SETTINGS.with_(kernelLines=12), axes)
            self.assertEqual(OUT_OF_SLICES in found[0].flags, axes[2] != 2, axes)

    @examples(5)
    @given(axes=st.permutations(range(3)), flips=st.tuples(*[st.booleans()] * 3), pad=st.integers(0, 2))
    def testRegionsOfAnotherOrientationAndExtent(self, axes, flips, pad):
        scene = HeadlessScene().scene
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Regions")
        matrix = made().case.ijkToRAS.copy()
        matrix[:3, 3] -= matrix[:3, :3].sum(1) * pad
        masks = {**made().masks_KJI, "my region": made().masks_KJI["putamen_left"] | made().masks_KJI["vein"]}
        for name, mask in masks.items():
            stored, ijkToRAS = storedOtherwise(np.pad(mask, pad), matrix, axes, flips)
            addSegment(node, name, stored, matrixFromArray(ijkToRAS))
        path = self.folder / "other.seg.nrrd"
        writeNode(scene, node, path)
        found = self.measured("base.nrrd", SETTINGS, regions=path)
        self.assertEqual(found[-1].region.slug, "my_region")
        self.assertSame(found[:-1], self.expected)


class RigidTest(PhaseCase):
    """Moved as a whole. What is against B0 or to the left may change by right: the vein's say, and exchanged sides."""

    @classmethod
    def setUpClass(cls):
        cls.expected = cls().measured()

    @examples(6)
    @given(
        vector=st.tuples(*[st.floats(-0.45, 0.45)] * 3),
        shift=st.tuples(*[st.floats(-300.0, 300.0)] * 3),
        harden=st.booleans(),
        byMatrix=st.booleans(),
    )
    def testMovedCase(self, vector, shift, harden, byMatrix):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = Rotation.from_rotvec(vector).as_matrix(), shift
        found = self.measured(matrix, harden, byMatrix)
        self.assertSame(found, self.expected, without=("polarity_contradicted",))

    def measured(self, matrix=None, harden=False, byMatrix=False):
        scene = HeadlessScene().scene
        source = made()
        if matrix is not None and byMatrix:
            source = replace(source, case=_Moved(source.case, matrix))
        case = replace(addPhaseCaseToScene(scene, source), settings=SETTINGS)
        if matrix is not None and not byMatrix:
            transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
            transform.SetMatrixTransformToParent(matrixFromArray(matrix))
            for node in (case.phase, case.magnitude, case.regions):
                node.SetAndObserveTransformNodeID(transform.GetID())
                if harden:
                    node.HardenTransform()
        return mrml.measurePhaseCase(case)

    def testTurnedRoundLeftIsRight(self):
        for measurement in self.measured(np.diag([-1.0, -1.0, 1.0, 1.0])):
            self.assertIn("left_and_right_exchanged", measurement.flags)
            self.assertEqual(measurement.chosen, [])


class _Moved:
    """A phantom case whose image lies elsewhere."""

    def __init__(self, case, matrix):
        self._case, self.ijkToRAS = case, matrix @ case.ijkToRAS

    def __getattr__(self, name):
        return getattr(self._case, name)


class ValueTest(PhaseCase):
    def measured(self, filter, phaseRad_KJI, rule="ranked", **changes):
        source = phaseInput(made(), **changes)
        source = replace(source, phase=replace(source.phase, array_KJI=phaseRad_KJI))
        return measurePhaseShift(source, SETTINGS.with_(filter=filter, sliceRule=rule))

    @examples(8)
    @given(filter=st.sampled_from(("none", *FILTERS)), seed=st.integers(0, 1000), most=st.integers(1, 4))
    def testWholeTurnsChangeNothing(self, filter, seed, most):
        turns = np.random.default_rng(seed).integers(-most, most + 1, made().phaseRad_KJI.shape)
        phase = made().phaseRad_KJI + 2 * np.pi * turns
        self.assertSame(self.measured(filter, phase), expected(filter))

    @examples(10)
    @given(filter=st.sampled_from(("none", *FILTERS)), offset=st.floats(-10.0, 10.0))
    def testConstantOffsetIsFilteredOut(self, filter, offset):
        """Without a filter it is in every value, and another slice may be the most extreme."""
        found = self.measured(filter, wrapped(made().phaseRad_KJI + offset))
        isRaw = filter == "none"
        self.assertSame(found, expected(filter), offset=offset if isRaw else 0.0, chosen=not isRaw)

    @examples(6)
    @given(filter=st.sampled_from(FILTERS), rule=st.sampled_from(RULES))
    def testPolarityTurnsTheSign(self, filter, rule):
        found = self.measured(filter, -made().phaseRad_KJI, rule, polarity=POSITIVE)
        self.assertSame(found, expected(filter, rule), factor=-1.0)
        for a, b in zip(found, expected(filter, rule), strict=True):
            self.assertEqual([v.slice for v in a.chosen], [v.slice for v in b.chosen])

    @examples(8)
    @given(filter=st.sampled_from(FILTERS), power=st.floats(-6.0, 6.0))
    def testUnitOfTheMagnitude(self, filter, power):
        magnitude = (10.0**power * made().magnitude_KJI.astype(float)).astype(np.float32)
        self.assertSame(self.measured(filter, made().phaseRad_KJI, magnitude_KJI=magnitude), expected(filter))


if __name__ == "__main__":
    unittest.main()
