"""Lines and references as they are drawn and painted: begun, copied, turned round, measured while they grow."""

import unittest

import numpy as np
from ALSCortexProfileLib import mrml, mrmlContours, mrmlReferences
from ALSStudyLib.errors import InputError
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.mrmlNodes import TARGET_ATTRIBUTE, addVolumeNode, imageFromVolumeNode, matrixFromArray
from ALSStudyLib.mrmlSegments import addSegment, segmentNames, terminology
from alsTestCases import renderedArc


class DrawingCase(unittest.TestCase):
    def setUp(self):
        self.headless = HeadlessScene()
        self.scene = self.headless.scene
        self.rendered = renderedArc(nSlices=2)
        self.volume = addVolumeNode(self.scene, self.rendered.array_KJI, self.rendered.ijkToRAS, "T2star")
        self.image = imageFromVolumeNode(self.volume)


class ContoursTest(DrawingCase):
    def testBegunContourIsEmptyAndNamed(self):
        curve = mrmlContours.beginContour(self.scene, "hand_knob_left")
        self.assertEqual(curve.GetNumberOfControlPoints(), 0)
        self.assertEqual(curve.GetAttribute(TARGET_ATTRIBUTE), "hand_knob_left")
        self.assertEqual(mrml.contoursOf(self.scene, "hand_knob_left"), [curve])
        self.assertIsNone(mrmlContours.sliceOf(mrml.readContour(curve), self.image))
        self.assertFalse(curve.GetDisplayNode().GetPointLabelsVisibility())
        other = mrmlContours.beginContour(self.scene, "hand_knob_left")
        self.assertNotEqual(other.GetName(), curve.GetName())

    def testCopyLiesOneSliceFurther(self):
        slug, index, points_RAS = self.rendered.contours[0]
        curve = mrml.addCurveNode(self.scene, points_RAS, "line", slug)
        mrmlContours.flipNormals([curve])
        for step in (1, -1):
            copy = mrmlContours.copyToNeighbor(self.scene, curve, self.image, step)
            contour = mrml.readContour(copy)
            self.assertEqual(mrmlContours.sliceOf(contour, self.image), index + step)
            moved = contour.controlPoints_RAS - points_RAS
            np.testing.assert_allclose(moved, np.tile(step * self.rendered.ijkToRAS[:3, 2], (len(moved), 1)), atol=1e-6)
            self.assertEqual(copy.GetAttribute(TARGET_ATTRIBUTE), slug)
            self.assertTrue(contour.flip)

    def testNoCopyBeyondTheImageOrOfNothing(self):
        slug, index, points_RAS = self.rendered.contours[0]
        curve = mrml.addCurveNode(self.scene, points_RAS, "line", slug)
        with self.assertRaisesRegex(InputError, "other way"):
            mrmlContours.copyToNeighbor(self.scene, curve, self.image, self.image.shape_IJK[2] - index)
        with self.assertRaisesRegex(InputError, "no points"):
            mrmlContours.copyToNeighbor(self.scene, mrmlContours.beginContour(self.scene, slug), self.image, 1)

    def testFlipTurnsAllLinesToTheSameSide(self):
        first, second = (mrmlContours.beginContour(self.scene, "hand_knob_left") for _ in range(2))
        mrmlContours.flipNormals([first])
        self.assertTrue(mrmlContours.flipNormals([first, second]))
        self.assertTrue(mrml.readContour(second).flip)
        self.assertFalse(mrmlContours.flipNormals([first, second]))
        self.assertFalse(mrml.readContour(first).flip)


class ReferencesTest(DrawingCase):
    def setUp(self):
        super().setUp()
        self.node = mrmlReferences.addReferencesNode(self.scene, self.volume)

    def paint(self, name, mask_KJI):
        self.node.GetSegmentation().RemoveSegment(mrmlReferences.segmentIdOf(self.node, name))
        addSegment(self.node, name, mask_KJI, matrixFromArray(self.rendered.ijkToRAS))

    def testNewReferencesWaitToBePainted(self):
        self.assertEqual(list(segmentNames(self.node)), ["Splenium", "White matter"])
        self.assertTrue(mrml.isReferences(self.node))
        self.assertEqual(terminology(self.node, mrmlReferences.segmentIdOf(self.node, "White matter"))[0][0], "SCT")
        self.assertEqual(mrmlReferences.paintedNames(self.node), frozenset())
        for name in ("Splenium", "White matter", "Putamen"):
            self.assertIsNone(mrmlReferences.referenceState(self.node, name, self.image).value)

    def testPaintedReferenceIsMeasured(self):
        mask_KJI = self.rendered.referenceMasks["Splenium"]
        before = mrmlReferences.paintState(self.node)
        self.paint("Splenium", mask_KJI)
        self.assertNotEqual(mrmlReferences.paintState(self.node), before)
        state = mrmlReferences.referenceState(self.node, "splenium", self.image)
        self.assertEqual(mrmlReferences.paintedNames(self.node), {"splenium"})
        self.assertEqual(mrmlReferences.paintState(self.node), mrmlReferences.paintState(self.node))
        self.assertAlmostEqual(state.value.mean, self.rendered.array_KJI[mask_KJI].mean(), places=5)

    def testOwnWhiteMatterIsMadeOnce(self):
        name = mrmlReferences.ownWhiteMatterName("hand_knob_left")
        self.assertEqual(mrmlReferences.segmentIdOf(self.node, name), "")
        made = mrmlReferences.segmentIdOf(self.node, name, create=True)
        self.assertEqual(mrmlReferences.segmentIdOf(self.node, name, create=True), made)
        self.assertEqual(len(segmentNames(self.node)), 3)


if __name__ == "__main__":
    unittest.main()
