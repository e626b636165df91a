"""Sampling along normals: exact where the truth is known, NaN where nothing is, and never a copy of the volume."""

import tracemalloc
import unittest

import numpy as np
from ALSStudyLib.image import ImageVolume, voxelWidthMm
from ALSCortexProfileLib.sampling import interpolate, residualResponse
from scipy.spatial.transform import Rotation


def field(points):
    """A smooth intensity of the world."""
    x, y, z = np.moveaxis(np.asarray(points), -1, 0)
    return 500 + 80 * np.sin(0.9 * x + 0.3 * y) + 60 * np.cos(0.7 * y - 0.4 * z) + 5 * z


def fieldVolume(shape_KJI=(14, 60, 64), spacing=(0.4, 0.5, 1.2), dtype=np.float64):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", (15, -25, 40), degrees=True).as_matrix() @ np.diag(spacing)
    matrix[:3, 3] = (-5, -9, 3)
    k, j, i = np.indices(shape_KJI)
    world = np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]
    return ImageVolume(field(world).astype(dtype), matrix)


class InterpolationTest(unittest.TestCase):
    def testObliqueAnisotropic(self):
        image = fieldVolume()
        points_IJK = np.random.default_rng(1).uniform([15, 15, 3], [48, 45, 10], (500, 3))
        points = image.ijkToWorld(points_IJK)
        cubic = interpolate(image, points, "cubic") - field(points)
        linear = interpolate(image, points, "linear") - field(points)
        self.assertLess(np.sqrt((cubic**2).mean()), 0.3)
        self.assertLess(np.sqrt((cubic**2).mean()), 0.1 * np.sqrt((linear**2).mean()))

    def testIntegerVolumeGivesFractions(self):
        image = fieldVolume(dtype=np.int16)
        points = image.ijkToWorld(np.array([[20.5, 20.3, 5.0], [21.25, 20.3, 5.0]]))
        values = interpolate(image, points, "cubic")
        np.testing.assert_allclose(values, field(points), atol=1.0)
        self.assertTrue((values != np.rint(values)).all())

    def testInSliceIsTheSameAsNextToIt(self):
        image = fieldVolume()
        within = np.random.default_rng(2).uniform([15, 15], [48, 45], (50, 2))
        exact = image.ijkToWorld(np.column_stack([within, np.full(50, 6.0)]))
        beside = image.ijkToWorld(np.column_stack([within, np.full(50, 6.0 + 1e-5)]))
        np.testing.assert_allclose(interpolate(image, exact, "cubic"), interpolate(image, beside, "cubic"), atol=1e-2)

    def testOutsideIsNaN(self):
        image = fieldVolume()
        inside = [(0, 0, 0), (63, 59, 13), (30, 30, -0.49), (30, 30, 13.49)]
        outside = [(-0.1, 30, 5), (63.1, 30, 5), (30, 59.2, 5), (30, 30, -0.6), (30, 30, 13.6)]
        for points, expected in ((inside, False), (outside, True)):
            values = interpolate(image, image.ijkToWorld(np.array(points)), "cubic")
            self.assertTrue((np.isnan(values) == expected).all(), points)

    def testSingleSlice(self):
        image = fieldVolume(shape_KJI=(1, 60, 64))
        points = image.ijkToWorld(np.array([[20.5, 30.2, 0.0], [20.5, 30.2, 0.4]]))
        values = interpolate(image, points, "cubic")
        self.assertAlmostEqual(values[0], values[1], places=9)
        self.assertAlmostEqual(values[0], field(points[:1])[0], delta=0.3)

    def testBadVoxelStaysWhereItIs(self):
        clean = fieldVolume()
        for bad in (np.nan, np.inf):
            array = clean.array_KJI.copy()
            array[5, 30, 30] = bad
            image = ImageVolume(array, clean.ijkToRAS)
            near, far = clean.ijkToWorld(np.array([[30.4, 30.3, 5.2]])), clean.ijkToWorld(np.array([[37.4, 30.3, 5.2]]))
            self.assertTrue(np.isnan(interpolate(image, near, "cubic")).all())
            np.testing.assert_allclose(interpolate(image, far, "cubic"), interpolate(clean, far, "cubic"), atol=0.5)

    def testLargeVolumeIsNotCopied(self):
        array = np.zeros((60, 512, 512), dtype=np.int16)
        image = ImageVolume(array, np.diag([0.4, 0.4, 1.0, 1.0]))
        points = image.ijkToWorld(np.random.default_rng(3).uniform([200, 200, 29.6], [260, 260, 30.4], (14000, 3)))
        tracemalloc.start()
        interpolate(image, points, "cubic")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.assertLess(peak, 0.5 * array.nbytes)


class ResponseTest(unittest.TestCase):
    def testVoxelWidthAlongAnyInPlaneDirection(self):
        edges = np.diag([0.39, 0.39, 1.0])
        angle = np.linspace(0, np.pi, 7)
        directions = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
        np.testing.assert_allclose(voxelWidthMm(edges, directions), 0.39)
        self.assertAlmostEqual(voxelWidthMm(edges, np.array([[0, 0, 1.0]]))[0], 1.0)

    def testResponseIsWhatSamplingDoes(self):
        """A cosine across a pixel grid, box-averaged and interpolated, loses what box and response say."""
        spacing, step = 0.4, 0.1
        for interpolation in ("cubic", "linear"):
            for wavelength in (1.6, 2.4):
                with self.subTest(interpolation=interpolation, wavelength=wavelength):
                    angles = np.radians(np.linspace(0, 90, 24))
                    normals = np.column_stack([np.cos(angles), np.sin(angles), 0 * angles])
                    kernel = residualResponse(np.diag([spacing, spacing, 1.0]), normals, spacing, step, interpolation)
                    self.assertAlmostEqual(kernel.sum(), 1.0, delta=1e-12)
                    omega = 2 * np.pi / wavelength
                    offsets = step * (np.arange(len(kernel)) - len(kernel) // 2)
                    predicted = np.sinc(omega * spacing / (2 * np.pi)) * (kernel * np.cos(omega * offsets)).sum()
                    measured = np.mean([self.amplitude(n, omega, spacing, interpolation) for n in normals])
                    self.assertAlmostEqual(predicted, measured, delta=0.006)

    @staticmethod
    def amplitude(normal, omega, spacing, interpolation):
        j, i = np.indices((90, 90)) * spacing
        box = np.sinc(omega * normal[0] * spacing / (2 * np.pi)) * np.sinc(omega * normal[1] * spacing / (2 * np.pi))
        image = ImageVolume(
            (box * np.cos(omega * (normal[0] * i + normal[1] * j)))[None], np.diag([spacing, spacing, 1, 1])
        )
        points = np.random.default_rng(4).uniform(12, 24, (3000, 2))
        values = interpolate(image, np.pad(points, ((0, 0), (0, 1))), interpolation)
        phase = omega * (points @ normal[:2])
        return np.linalg.lstsq(np.column_stack([np.cos(phase), np.sin(phase)]), values, rcond=None)[0][0]


if __name__ == "__main__":
    unittest.main()
