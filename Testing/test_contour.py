"""Normals of a drawn line: right, pointing to white matter, and refused where they would lie."""

import unittest

import numpy as np
from ALSCortexProfileLib.contour import PialContour, contourNormals, splinePoints
from ALSStudyLib.image import ImageVolume
from ALSCortexProfileLib.settings import ProfileSettings
from ALSStudyLib.errors import InputError
from scipy.spatial.transform import Rotation

SETTINGS = ProfileSettings()


def volume(rotationDeg=(0, 0, 0), shape_KJI=(9, 160, 160), spacing=(0.4, 0.4, 1.0)):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", rotationDeg, degrees=True).as_matrix() @ np.diag(spacing)
    center = (np.array(shape_KJI[::-1]) - 1) / 2
    matrix[:3, 3] = -matrix[:3, :3] @ center
    return ImageVolume(np.zeros(shape_KJI, np.int16), matrix)


def arc(radius, lengthMm, count, center=(0.0, 0.0)):
    angle = np.pi / 2 + np.linspace(0.5, -0.5, count) * lengthMm / radius
    return np.column_stack([center[0] + radius * np.cos(angle), center[1] + radius * np.sin(angle), np.zeros(count)])


def oriented(points, image):
    """Points given in the plane of the central slice, to the world."""
    return points @ (image.ijkToRAS[:3, :3] / image.spacingMm).T


class NormalsTest(unittest.TestCase):
    def testNormalsOfAnArc(self):
        """15 mm of arc, 3.5 mm between points: the 95th percentile within 1 degree, also on an oblique volume."""
        for rotation in ((0, 0, 0), (20, -15, 30)):
            for radius in (8.0, 10.0, 15.0):
                with self.subTest(rotation=rotation, radius=radius):
                    image = volume(rotation)
                    points = oriented(arc(radius, 15.0, round(15 / 3.5) + 1, (0, -5)), image)
                    center = oriented(np.array([[0.0, -5.0, 0.0]]), image)[0]
                    rows = contourNormals(PialContour(points), image, center[None], SETTINGS)
                    inward = center - rows.points_RAS
                    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
                    cosine = np.clip((inward * rows.normals_RAS).sum(1), -1, 1)
                    self.assertLess(np.percentile(np.degrees(np.arccos(cosine)), 95), 1.0)
                    self.assertLess(np.abs(np.linalg.norm(rows.points_RAS - center, axis=1) - radius).max(), 0.02)
                    np.testing.assert_allclose(np.diff(rows.arcMm), 0.25, atol=1e-9)
                    self.assertGreaterEqual(rows.arcMm[0], SETTINGS.trimMm - 1e-9)
                    np.testing.assert_allclose(rows.normals_RAS @ rows.planeNormal_RAS, 0, atol=1e-9)

    def testWhiteMatterDecidesTheSide(self):
        image = volume()
        points = arc(12.0, 16.0, 8, (0, -6))
        for side in (1.0, -1.0):
            whiteMatter = np.array([[0.0, 6.0 - side * 6.0, 0.0]])
            for flip in (False, True):
                rows = contourNormals(PialContour(points, flip=flip), image, whiteMatter, SETTINGS)
                toward = np.sign(((whiteMatter - rows.points_RAS) * rows.normals_RAS).sum(1))
                self.assertTrue((toward == (-1 if flip else 1)).all())

    def testDirectionOfDrawingDoesNotMatter(self):
        image = volume()
        points = arc(12.0, 16.0, 8, (0, -6))
        there = contourNormals(PialContour(points), image, np.zeros((1, 3)), SETTINGS)
        back = contourNormals(PialContour(points[::-1]), image, np.zeros((1, 3)), SETTINGS)
        np.testing.assert_allclose(there.points_RAS, back.points_RAS[::-1], atol=1e-4)
        np.testing.assert_allclose(there.normals_RAS, back.normals_RAS[::-1], atol=1e-3)

    def testSagittalLine(self):
        image = volume(shape_KJI=(100, 100, 100), spacing=(0.4, 0.4, 0.4))
        points = arc(12.0, 16.0, 8, (0, -6))[:, [2, 0, 1]]
        rows = contourNormals(PialContour(points), image, np.array([[0.0, 0.0, 0.0]]), SETTINGS)
        self.assertEqual(rows.planeAxis, 0)
        np.testing.assert_allclose(rows.normals_RAS[:, 0], 0, atol=1e-9)

    def testClosedLineHasNoEnds(self):
        angle = np.arange(14) / 14 * 2 * np.pi
        points = 10 * np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
        rows = contourNormals(PialContour(points, closed=True), volume(), np.zeros((1, 3)), SETTINGS)
        self.assertEqual(len(rows.arcMm), 251)
        cosine = (-rows.points_RAS * rows.normals_RAS).sum(1) / np.linalg.norm(rows.points_RAS, axis=1)
        self.assertLess(np.degrees(np.arccos(np.clip(cosine, -1, 1))).max(), 0.5)

    def testSplinePassesThroughItsPoints(self):
        points = arc(12.0, 16.0, 8) + np.random.default_rng(1).normal(0, 0.2, (8, 3))
        dense = splinePoints(points, closed=False)
        gaps = np.linalg.norm(dense[None] - points[:, None], axis=2).min(1)
        self.assertLess(gaps.max(), 0.03)


class TremorTest(unittest.TestCase):
    def testDenseLineIsSmoothed(self):
        """A line drawn freehand, each point off by a little: normals survive, and point as the arc does."""
        rng = np.random.default_rng(2)
        for spacing, jitter, maxDeg in ((0.2, 0.05, 3.0), (0.5, 0.1, 6.0), (1.0, 0.2, 15.0)):
            points = arc(12.0, 16.0, round(16 / spacing) + 1, (0, -6))
            points[:, :2] += rng.normal(0, jitter, (len(points), 2))
            rows = contourNormals(PialContour(points), volume(), np.array([[0.0, -6.0, 0.0]]), SETTINGS)
            self.assertLess(rows.excluded.mean(), 0.15, spacing)
            inward = np.array([0.0, -6.0, 0.0]) - rows.points_RAS
            cosine = (inward * rows.normals_RAS).sum(1) / np.linalg.norm(inward, axis=1)
            self.assertLess(np.percentile(np.degrees(np.arccos(cosine)), 95), maxDeg, spacing)

    def testDenseExactLineStaysWhereItIs(self):
        points = arc(10.0, 16.0, 81, (0, -5))
        rows = contourNormals(PialContour(points), volume(), np.array([[0.0, -5.0, 0.0]]), SETTINGS)
        self.assertLess(np.abs(np.linalg.norm(rows.points_RAS - [0, -5, 0], axis=1) - 10.0).max(), 0.01)


class ExclusionTest(unittest.TestCase):
    def testTightConvexCurveLosesItsNormals(self):
        """A gyrus of 2 mm radius between straight banks: its normals meet before 3 mm."""
        angle = np.linspace(0, np.pi, 9)
        cap = np.column_stack([2 * np.cos(angle), 2 * np.sin(angle) + 8])
        right = np.column_stack([np.full(8, 2.0), np.linspace(-6, 7, 8)])
        left = np.column_stack([np.full(8, -2.0), np.linspace(7, -6, 8)])
        points = np.pad(np.vstack([right, cap, left]), ((0, 0), (0, 1)))
        image = volume()
        rows = contourNormals(PialContour(points), image, np.array([[0.0, 0.0, 0.0]]), SETTINGS)
        onCap = rows.points_RAS[:, 1] > 8.3
        self.assertTrue(rows.excluded[onCap].all())
        self.assertTrue((rows.usableDepthMm[onCap] < 3).all())
        # The banks are 4 mm apart: a normal is its own to the middle only.
        bank = np.abs(rows.points_RAS[:, 1]) < 4
        self.assertTrue((rows.usableDepthMm[bank] < 2.3).all())

    def testUsableDepthEndsAtTheCenterOfCurvature(self):
        rows = contourNormals(PialContour(arc(4.5, 11.0, 9, (0, -2))), volume(), np.array([[0.0, -2.0, 0.0]]), SETTINGS)
        self.assertFalse(rows.excluded.any())
        np.testing.assert_allclose(rows.usableDepthMm, 4.5, atol=0.15)


class RefusalTest(unittest.TestCase):
    """Each with what was found, what was expected, what to do."""

    def assertRefused(self, pattern, points, whiteMatter=((0.0, 0.0, 0.0),), **kind):
        with self.assertRaisesRegex(InputError, pattern) as caught:
            contourNormals(PialContour(np.array(points), **kind), volume(), np.array(whiteMatter), SETTINGS)
        self.assertIn("expected", str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def testTooFewPoints(self):
        self.assertRefused("3 defined control points", arc(12.0, 16.0, 3))
        self.assertRefused("0 defined control points", np.empty((0, 3)))
        self.assertRefused("1 defined control points", np.zeros((6, 3)))

    def testTooShort(self):
        self.assertRefused("is 5.0 mm long", arc(12.0, 5.0, 6))

    def testOutOfPlane(self):
        points = arc(12.0, 16.0, 8)
        points[:, 2] = np.linspace(-2, 2, 8)
        self.assertRefused("leaves its slice by 4.0 mm", points)

    def testOutsideTheImage(self):
        self.assertRefused("all control points outside", arc(12.0, 16.0, 8) + np.array([200.0, 0, 0]))
        self.assertRefused("of 8 control points outside", arc(12.0, 16.0, 8, (30, 0)))

    def testSelfCrossing(self):
        t = np.linspace(-0.6, 2 * np.pi - 1.0, 14)  # passes the middle twice
        eight = np.column_stack([8 * np.sin(t), 5 * np.sin(2 * t), 0 * t])
        self.assertRefused("crosses itself", eight, ((0.0, 9.0, 0.0),))

    def testWhiteMatterOnNeitherSide(self):
        straight = np.column_stack([np.linspace(-8, 8, 8), np.zeros(8), np.zeros(8)])
        self.assertRefused("neither on one side", straight, ((14.0, 0.0, 0.0),))


if __name__ == "__main__":
    unittest.main()
