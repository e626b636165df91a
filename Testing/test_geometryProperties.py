"""The same anatomy gives the same numbers: however its voxels are stored, wherever it lies, on whatever grid."""

import gzip
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
from alsTestCases import QUICK, arcInput, renderedArc
from ALSCortexProfileLib import mrml
from ALSCortexProfileLib.contour import PialContour, contourNormals
from ALSCortexProfileLib.measurement import measureProfile
from ALSCortexProfileLib.profileTables import measurementRow
from ALSCortexProfileLib.references import measureReference
from ALSStudyLib import phantom
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageRegion, ImageVolume
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.mrmlNodes import addVolumeNode, imageFromVolumeNode, matrixFromArray
from ALSStudyLib.mrmlSegments import addSegment, segmentNames, segmentRegion
from ALSStudyLib.profileExam import ProfileFiles, loadProfileCase
from commandTestCases import writeImage, writeNode
from hypothesis import example, given
from hypothesis import strategies as st
from propertyTestCases import examples, storedOtherwise
from scipy.spatial.transform import Rotation

NUMBERS = ("sh", "thickness_mm", "sh_thk_per_mm", "area_mm")
SAME = 0.005  # the promise: half a percent
ROUNDING = 2e-5  # of a NIfTI header, whose matrix is float32
WORDS = ("status", "flags", "n_normals", "n_excluded")

ORIENTATIONS = [(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]
angles = st.floats(0.0, 360.0)
flips = st.tuples(*[st.booleans()] * 3)
rigid = st.builds(
    lambda euler, shift: (Rotation.from_euler("xyz", euler, degrees=True).as_matrix(), np.array(shift)),
    st.tuples(angles, angles, angles),
    st.tuples(*[st.floats(-300.0, 300.0)] * 3),
)


def matrixOf(motion) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = motion
    return matrix


def moved(points_RAS, matrix) -> np.ndarray:
    return points_RAS @ matrix[:3, :3].T + matrix[:3, 3]


def noisyCase() -> phantom.RenderedCase:
    """Lines on two slices of a tilted cortex, drawn by a trembling hand in a noisy image."""
    return renderedArc(snr=60.0, nSlices=2, tiltDeg=12.0, jitterMm=0.05, oversampling=2)


@cache
def arcMeasured():
    return measureProfile(arcInput(), QUICK)


class GeometryCase(unittest.TestCase):
    def assertSame(self, found, expected, relative, words=WORDS, without=()):
        """Numbers within a share of themselves, and the same words."""
        found, expected = measurementRow(found), measurementRow(expected)
        self.assertEqual(expected["status"], "ok", expected["flags"])
        for name in words:
            values = [row[name] for row in (found, expected)]
            if name == "flags":
                values = [set(value.split(";")) - {"", *without} for value in values]
            self.assertEqual(*values, name)
        for name in NUMBERS:
            self.assertLess(abs(found[name] / expected[name] - 1.0), relative, name)

    def assertSameReferences(self, found, expected, relative=1e-6):
        for name in ("splenium_mean", "white_matter_mean", "splenium_area_mm2", "white_matter_area_mm2"):
            a, b = measurementRow(found)[name], measurementRow(expected)[name]
            self.assertLess(abs(a / b - 1.0), relative, name)


class StorageTest(GeometryCase):
    """The image stored in every way, the drawings left as they are."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.rendered = noisyCase()
        headless = HeadlessScene()
        nodes = phantom.addCaseToScene(headless.scene, cls.rendered.case, cls.rendered)
        cls.contours = []
        for index, node in enumerate(nodes.contours):
            cls.contours.append(("hand_knob_left", cls.folder / f"line{index}.mrk.json"))
            writeNode(headless.scene, node, cls.contours[-1][1])
        cls.references = cls.folder / "references.seg.nrrd"
        writeNode(headless.scene, nodes.references, cls.references)
        (cls.expected,) = mrml.measureCase(replace(nodes, settings=QUICK))

    def measured(self, name, array_KJI, ijkToRAS, references=None):
        path = self.folder / name
        writeImage(path, array_KJI, ijkToRAS)
        files = ProfileFiles([path], self.contours, references or self.references)
        (measurement,) = mrml.measureCase(loadProfileCase(HeadlessScene().scene, files, "S1", "1", QUICK))
        return measurement

    def testAllOrientationsInAllFormats(self):
        formats = (".nii.gz", ".nrrd", ".mha", ".nii", ".mhd")
        types = (np.int16, np.uint16, np.float32, np.int32)
        for index, (axes, flips) in enumerate(ORIENTATIONS):
            array, matrix = storedOtherwise(self.rendered.array_KJI, self.rendered.ijkToRAS, axes, flips)
            name = f"image{index}{formats[index % 5]}"
            with self.subTest(axes=axes, flips=flips, name=name):
                found = self.measured(name, array.astype(types[index % 4]), matrix)
                self.assertSame(found, self.expected, ROUNDING)
                self.assertSameReferences(found, self.expected)
                self.assertAlmostEqual(found.tiltDeg, self.expected.tiltDeg, places=4)
                self.assertAlmostEqual(found.voxelWidthMm, self.expected.voxelWidthMm, places=6)

    @examples(6)
    @given(axes=st.permutations(range(3)), flips=flips, pad=st.integers(0, 3))
    def testSegmentationOfAnotherOrientationAndExtent(self, axes, flips, pad):
        """Segments of a file of its own: cropped or with a border, and overlapping, which makes layers of them."""
        masks = {name: np.pad(mask, pad) for name, mask in self.rendered.referenceMasks.items()}
        masks["Brain"] = masks["Splenium"] | masks["White matter"]
        matrix = self.rendered.ijkToRAS.copy()
        matrix[:3, 3] -= matrix[:3, :3].sum(1) * pad
        stored = {name: storedOtherwise(mask, matrix, axes, flips) for name, mask in masks.items()}
        scene = HeadlessScene().scene
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "References")
        for name, (mask, ijkToRAS) in stored.items():
            addSegment(node, name, mask, matrixFromArray(ijkToRAS))
        path = self.folder / "other.seg.nrrd"
        writeNode(scene, node, path)
        found = self.measured("plain.nrrd", self.rendered.array_KJI, self.rendered.ijkToRAS, path)
        self.assertSame(found, self.expected, ROUNDING)
        self.assertSameReferences(found, self.expected)

    def testPackedFileBesideAnUnpackedOne(self):
        """ITK would take the header of the one and the voxels of the other."""
        array, matrix = self.rendered.array_KJI, self.rendered.ijkToRAS
        writeImage(self.folder / "twice.nii.gz", array, matrix)
        (self.folder / "twice.nii").write_bytes(gzip.decompress((self.folder / "twice.nii.gz").read_bytes()))
        self.assertSame(self.measured("twice.nii.gz", array, matrix), self.expected, ROUNDING)
        writeImage(self.folder / "twice.nii", array[::-1], matrix)
        with self.assertRaisesRegex(InputError, "beside another image 'twice.nii', .*; expected one of them .*; move"):
            self.measured("twice.nii.gz", array, matrix)


class SliceTest(GeometryCase):
    """What a slice is does not hang on the axis along which a file counts it."""

    @examples(15)
    @given(
        axes=st.permutations(range(3)),
        flips=flips,
        index=st.sampled_from((2, 3)),
        liftMm=st.floats(-0.45, 0.45),
        thicknessMm=st.sampled_from((1.0, 2.0)),
    )
    @example(axes=(2, 0, 1), flips=(False, False, False), index=3, liftMm=0.4, thicknessMm=1.0)
    def testLineAnywhereInTheThicknessOfItsSlice(self, axes, flips, index, liftMm, thicknessMm):
        """Also in the last slice of the image, beyond the centers of its voxels."""
        made = noisyCase()
        last = max(slice for _, slice, _ in made.contours)
        array, masks = made.array_KJI[: last + 1], {n: m[: last + 1] for n, m in made.referenceMasks.items()}
        matrix = made.ijkToRAS @ np.diag([1, 1, thicknessMm, 1])
        points = next(points for _, slice, points in made.contours if slice == index)
        points = moved(points, matrix @ np.linalg.inv(made.ijkToRAS)) + liftMm * matrix[:3, 2] / thicknessMm
        base = replace(phantom.profileInputs(made)[0], contours=(PialContour(points),))

        def measured(axes, flips):
            def region(name):
                return ImageRegion(name, np.argwhere(storedOtherwise(masks[name], matrix, axes, flips)[0])[:, ::-1])

            image = ImageVolume(*storedOtherwise(array, matrix, axes, flips))
            return measureProfile(
                replace(base, image=image, splenium=region("Splenium"), whiteMatter=region("White matter")), QUICK
            )

        found, expected = measured(axes, flips), measured((0, 1, 2), (False, False, False))
        self.assertSame(found, expected, ROUNDING)
        self.assertSameReferences(found, expected)

    def testStraightLineAndCubeOfVoxels(self):
        """A line along a row of voxels lies in two kinds of planes, a cube has slices along every axis."""
        matrix = noisyCase().ijkToRAS
        array = np.zeros((6, 50, 50), dtype=np.int16)
        line = moved(np.column_stack([np.arange(5, 45, 5), np.full(8, 10), np.full(8, 3)]), matrix)
        whiteMatter = moved(np.array([[25.0, 30.0, 3.0]]), matrix)
        cube = np.argwhere(np.ones((4, 4, 4))) + 1
        expected = moved(np.array([[0.0, 1.0, 0.0]]), matrix - np.outer(matrix[:, 3], [0, 0, 0, 1]))
        expected = np.broadcast_to(expected / np.linalg.norm(expected), (50, 3))
        for axes, flips in ORIENTATIONS:
            image = ImageVolume(*storedOtherwise(array, matrix, axes, flips))
            found = contourNormals(PialContour(line), image, whiteMatter, QUICK.with_(trimMm=0.0))
            np.testing.assert_allclose(found.normals_RAS[:50], expected, atol=1e-6)
            region = ImageRegion("cube", np.rint(image.rasToIJK(moved(cube, matrix))).astype(int))
            self.assertAlmostEqual(measureReference(image, region).areaMm2, 16 * 0.39**2)


class RigidTest(GeometryCase):
    """The whole case moved. The angle to B0 changes by right, and whether left is to the left of the splenium."""

    MAY_CHANGE = ("side_against_splenium",)

    def setUp(self):
        self.rendered = noisyCase()
        self.expected = measureProfile(phantom.profileInputs(self.rendered)[0], QUICK)

    def assertMoved(self, found):
        self.assertSame(found, self.expected, 1e-4, without=self.MAY_CHANGE)
        self.assertSameReferences(found, self.expected)
        self.assertAlmostEqual(found.tiltDeg, self.expected.tiltDeg, places=4)

    @examples(10)
    @given(motion=rigid)
    def testMatrixAndPointsRewritten(self, motion):
        matrix = matrixOf(motion)
        contours = tuple((slug, slice, moved(points, matrix)) for slug, slice, points in self.rendered.contours)
        made = replace(self.rendered, ijkToRAS=matrix @ self.rendered.ijkToRAS, contours=contours)
        self.assertMoved(measureProfile(phantom.profileInputs(made)[0], QUICK))

    @examples(10)
    @given(motion=rigid, inParts=st.booleans(), harden=st.booleans())
    def testParentTransforms(self, motion, inParts, harden):
        """One transform above all nodes, or two in a row; left there or hardened."""
        scene = HeadlessScene().scene
        case = replace(phantom.addCaseToScene(scene, self.rendered.case, self.rendered), settings=QUICK)
        matrix = matrixOf(motion)
        inner = np.eye(4)
        if inParts:
            inner[:3, :3] = Rotation.from_euler("z", 40, degrees=True).as_matrix()
        transforms = []
        for part in (inner, matrix @ np.linalg.inv(inner)):
            node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
            node.SetMatrixTransformToParent(matrixFromArray(part))
            transforms.append(node)
        transforms[0].SetAndObserveTransformNodeID(transforms[1].GetID())
        for node in (*case.images, *case.contours, case.references):
            node.SetAndObserveTransformNodeID(transforms[0].GetID())
            if harden:
                node.HardenTransform()
        self.assertEqual(case.images[0].GetParentTransformNode() is None, harden)
        (found,) = mrml.measureCase(case)
        self.assertMoved(found)
        expected = moved(self.expected.normals[0].points_RAS, matrix)
        np.testing.assert_allclose(found.normals[0].points_RAS, expected, atol=1e-3)


class GridTest(GeometryCase):
    """The same cortex, without noise, imaged on another grid of voxels."""

    @staticmethod
    def errors(widthMm, turnDeg=0.0, shift=(0.0, 0.0), spacingMm=(0.39, 0.39), thicknessMm=1.0):
        """Measured over true, minus 1, of `NUMBERS`.

        :param turnDeg: of the grid against the cortex. shift: in voxels.
        """
        radiusMm, turn = 12.0, np.radians(turnDeg)
        case = phantom.arcCase(phantom.Band.symmetric(0.25, widthMm), snr=None, radiusMm=radiusMm)
        center = np.array([0.13, -1.57]) + np.array(shift) * spacingMm
        case = replace(
            case,
            spacingMm=(*spacingMm, thicknessMm),
            shape_IJK=(*(int(34.0 / edge) for edge in spacingMm), 3),
            levels=(replace(case.levels[0], center_uv=tuple(center)),),
            targets=(
                replace(case.targets[0], center_uv=tuple(center + radiusMm * np.array([np.sin(turn), np.cos(turn)]))),
            ),
            oversampling=3,
        )
        found = measureProfile(phantom.profileInputs(phantom.render(case))[0], QUICK, allVariants=False)
        if found.status != "ok":
            raise AssertionError(found.reason or found.status)
        row, band = measurementRow(found), case.targets[0].band
        truth = (band.sh, band.thicknessMm, band.shThkPerMm, band.areaMm)
        return {name: row[name] / true - 1.0 for name, true in zip(NUMBERS, truth, strict=True)}

    @examples(9)
    @given(
        widthMm=st.sampled_from((1.5, 1.2)),
        turnDeg=angles,
        shift=st.tuples(*[st.floats(-0.5, 0.5)] * 2),
        spacingMm=st.floats(0.3, 0.4),
        stretch=st.floats(1.0, 1.1),
        thicknessMm=st.floats(0.6, 3.0),
    )
    def testWithinHalfAPercentOfTheTruth(self, widthMm, turnDeg, shift, spacingMm, stretch, thicknessMm):
        edges = (spacingMm, min(spacingMm * stretch, 0.4))
        errors = self.errors(widthMm, turnDeg, shift, edges, thicknessMm)
        for name, error in errors.items():
            self.assertLess(abs(error), SAME, name)


class LineTest(GeometryCase):
    """The same pial line, drawn in other ways."""

    def lineMeasured(self, points, closed=False, made=None):
        base = phantom.profileInputs(made or renderedArc())[0]
        return measureProfile(replace(base, contours=(PialContour(points, closed),)), QUICK)

    @examples(6)
    @given(reverse=st.booleans(), spacingMm=st.floats(1.4, 3.0))
    def testControlPointsBackwardsDenserOrSparser(self, reverse, spacingMm):
        """Within half a percent; backwards, to rounding, but for the bootstrap."""
        case = renderedArc().case
        points = case.uvToRAS(
            phantom.contourPoints_uv(replace(case, controlSpacingMm=spacingMm), case.targets[0], 2), 2
        )
        found = self.lineMeasured(points[::-1] if reverse else points)
        self.assertSame(found, self.lineMeasured(points), ROUNDING)
        self.assertSame(found, arcMeasured(), SAME, words=("status", "flags"))

    @examples(5)
    @given(start=st.integers(0, 23), reverse=st.booleans(), count=st.integers(20, 32))
    def testClosedLineStartsAnywhere(self, start, reverse, count):
        """All around the cortex, with its band everywhere."""
        made = renderedArc(arcMm=75.0)
        level = made.case.levels[0]
        turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
        ring = np.array(level.center_uv) + level.radiusMm * np.column_stack([np.cos(turn), np.sin(turn)])
        points = np.roll(made.case.uvToRAS(ring, 2), start, axis=0)
        found = self.lineMeasured(points[::-1] if reverse else points, True, made)
        self.assertSame(found, self.lineMeasured(made.case.uvToRAS(ring, 2), True, made), SAME)


class IntensityTest(GeometryCase):
    """SH is a ratio: the unit of the image does not matter, nor how it is stored."""

    @examples(12)
    @given(factor=st.floats(-9.0, 9.0).map(lambda power: 10.0**power), dtype=st.sampled_from((np.float32, np.float64)))
    def testAnyPositiveFactor(self, factor, dtype):
        base = arcInput()
        image = replace(base.image, array_KJI=(factor * base.image.array_KJI.astype(float)).astype(dtype))
        self.assertSame(measureProfile(replace(base, image=image), QUICK), arcMeasured(), ROUNDING)

    @examples(8)
    @given(factor=st.floats(1.0, 40.0), dtype=st.sampled_from((np.int16, np.uint16, np.int32)))
    def testWholeNumbers(self, factor, dtype):
        """Of a noisy image: without noise, all of white matter would be rounded the same way."""
        base = arcInput(snr=60.0)
        array = factor * base.image.array_KJI.astype(float)
        found, wanted = (
            measureProfile(replace(base, image=replace(base.image, array_KJI=stored)), QUICK)
            for stored in (np.rint(array).astype(dtype), array)
        )
        self.assertSame(found, wanted, SAME)


class SegmentationGridTest(GeometryCase):
    @examples(12)
    @given(
        euler=st.tuples(angles, angles, angles),
        shift=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
        name=st.sampled_from(("Splenium", "White matter")),
        under=st.booleans(),
    )
    def testPaintedOnAnyFinerGrid(self, euler, shift, name, under):
        """Turned and shifted as it may be: the voxels of the image whose centers are inside are the same."""
        made = renderedArc()
        mask = made.referenceMasks[name]
        inside = np.argwhere(mask)[:, ::-1]
        corners = moved(np.array([inside.min(0) - 0.5, inside.max(0) + 0.5]), made.ijkToRAS)
        # No voxel of the grid reaches from the center of one of the image's over its border.
        stepMm = 0.39 / np.sqrt(3) - 1e-3
        half = int(np.ceil(0.5 * np.linalg.norm(corners[1] - corners[0]) / stepMm)) + 1
        matrix = matrixOf((Rotation.from_euler("xyz", euler, degrees=True).as_matrix() * stepMm, corners.mean(0)))
        matrix[:3, 3] -= matrix[:3, :3] @ (half + np.array(shift))
        fine = np.stack(np.meshgrid(*[np.arange(2 * half + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        nearest = np.rint(moved(moved(fine, matrix), np.linalg.inv(made.ijkToRAS))).astype(int)
        valid = ((nearest >= 0) & (nearest < mask.shape[::-1])).all(1)
        painted = np.zeros((2 * half + 1,) * 3, dtype=bool)
        i, j, k = nearest[valid].T
        painted[tuple(fine[valid].T[::-1])] = mask[k, j, i]
        scene = HeadlessScene().scene
        image = addVolumeNode(scene, made.array_KJI, made.ijkToRAS, "image")
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Fine")
        addSegment(node, name, painted, matrixFromArray(matrix))
        if under:  # in a layer of its own
            addSegment(node, "over", np.ones_like(painted), matrixFromArray(matrix))
        region = segmentRegion(node, segmentNames(node)[name], imageFromVolumeNode(image))
        self.assertEqual(set(map(tuple, region.voxels_IJK)), set(map(tuple, inside)))


if __name__ == "__main__":
    unittest.main()
