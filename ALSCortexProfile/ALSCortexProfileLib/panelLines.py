"""The pial lines of the targets: which one is in hand, where it lies, and what can be done with it."""

from __future__ import annotations

import slicer
from ALSStudyLib.mrmlNodes import SIDE_ATTRIBUTE, TARGET_ATTRIBUTE
from slicer.i18n import tr as _

from .panelParameters import ALSCortexProfileParameterNode
from .panelTexts import targetText

MAX_SLICES_APART = 0.75
USERS_ATTRIBUTE = "ALSCortexProfile.UsersCurve"  # it was in the scene before it became a line


class PialLines:
    """What the panel's buttons do with lines.

    :param logic: `ALSCortexProfileLogic`.
    """

    def __init__(self, logic):
        self._logic = logic

    def slicesText(self, parameterNode: ALSCortexProfileParameterNode, target: str) -> str:
        """Slices that a target's lines lie on, as Slicer counts them from 0."""
        if not self._logic.hasVoxels(parameterNode):
            return ""
        return ", ".join(str(index) for index in sorted({*self._linesBySlice(parameterNode, target)} - {None}))

    def placeOf(self, parameterNode: ALSCortexProfileParameterNode, target: str):
        """Where a target's line lies, (3,) in the world: the one in the slice shown, or the first; None without one.

        A target without a line lies, for a start, at the level of the line on the other side.
        """
        from .targets import oppositeSlug

        curve = self._lineInHand(parameterNode, target)
        if curve is not None:
            return self.centerOf(curve)
        curve = self._lineInHand(parameterNode, oppositeSlug(target))
        if curve is None:
            return None
        center_RAS = self.centerOf(curve)
        return None if center_RAS is None else [-center_RAS[0], *center_RAS[1:]]

    def centerOf(self, curve):
        """Middle of a line's points, (3,) in the world; None without points."""
        from . import mrml

        points_RAS = mrml.readContour(curve).controlPoints_RAS
        return points_RAS.mean(0) if len(points_RAS) else None

    def lineToDraw(self, parameterNode: ALSCortexProfileParameterNode, target: str):
        """The target's line in the slice shown, to go on with it; a new one if there is none."""
        from ALSStudyLib import panelViews

        from . import mrmlContours

        bySlice = self._linesBySlice(parameterNode, target)
        unfinished = bySlice.get(None)
        found = unfinished or bySlice.get(panelViews.shownSlice(self._grid(parameterNode)))
        if found is not None:
            return found
        curve = mrmlContours.beginContour(slicer.mrmlScene, target)
        panelViews.placeBeneath(self._logic.images(parameterNode)[0], [curve])
        return curve

    def undoPoint(self, parameterNode: ALSCortexProfileParameterNode, target: str, drawn=None) -> None:
        """Take back the last placed point of the line that is drawn, or of the one in the slice shown."""
        curve = drawn or self.lineHere(parameterNode, target)
        for index in reversed(range(curve.GetNumberOfControlPoints())):
            if curve.GetNthControlPointPositionStatus(index) == curve.PositionDefined:
                curve.RemoveNthControlPoint(index)
                return

    def copyProblem(self, parameterNode: ALSCortexProfileParameterNode, target: str, towardsHead: int) -> str:
        """Why the line in hand cannot be copied to the next slice towards the head (1) or the feet (-1); or ""."""
        image, bySlice, here, step = self._neighbor(parameterNode, target, towardsHead)
        if here is None:
            return _("The line has no points yet")
        if not 0 <= here + step < image.shape_IJK[2]:
            return _("There is no slice beyond")
        if here + step in bySlice:
            return _("Slice {slice} has a line of {target} already").format(
                slice=here + step, target=targetText(target)
            )
        return ""

    def copyLine(self, parameterNode: ALSCortexProfileParameterNode, target: str, towardsHead: int):
        """
        Copy the line in hand to the next slice.

        :param towardsHead: 1 for the next slice towards the head, -1 towards the feet.
        :return: the new curve.
        :raises ValueError: if there is no slice, or a line of this target already.
        """
        from ALSStudyLib import panelViews

        from . import mrmlContours

        problem = self.copyProblem(parameterNode, target, towardsHead)
        if problem:
            raise ValueError(problem)
        image, _bySlice, _here, step = self._neighbor(parameterNode, target, towardsHead)
        copy = mrmlContours.copyToNeighbor(slicer.mrmlScene, self._lineInHand(parameterNode, target), image, step)
        panelViews.placeBeneath(self._logic.images(parameterNode)[0], [copy])
        return copy

    def _neighbor(self, parameterNode, target, towardsHead):
        """Grid of the image, lines by slice, slice of the line in hand, and the step in slices."""
        from . import mrml, mrmlContours

        image, curve = self._grid(parameterNode), self._lineInHand(parameterNode, target)
        bySlice = self._linesBySlice(parameterNode, target)
        here = mrmlContours.sliceOf(mrml.readContour(curve), image)
        upwards = image.ijkToRAS[2, 2] >= 0
        return image, bySlice, here, towardsHead if upwards else -towardsHead

    def assign(self, curve, target: str) -> None:
        """Take a curve of the scene as the line of a target."""
        from . import mrml

        mrml.assignTarget(curve, target)
        curve.SetAttribute(USERS_ATTRIBUTE, "1")

    def drawingProblem(self, parameterNode: ALSCortexProfileParameterNode, curve) -> str:
        """What is wrong with a line while it is drawn: its points leave the slice; or ""."""
        from . import mrml

        points_RAS = mrml.readContour(curve).controlPoints_RAS
        if len(points_RAS) < 2:
            return ""
        slices = self._grid(parameterNode).rasToIJK(points_RAS)[:, 2]
        if _isInOneSlice(slices):
            return ""
        return _(
            "the points lie on slices {first} to {last}, but a line must stay on one: take back points, scroll to "
            "their slice, and draw in the axial view."
        ).format(first=round(slices.min()), last=round(slices.max()))

    def deleteLine(self, parameterNode: ALSCortexProfileParameterNode, target: str) -> None:
        """Take the line in the slice shown out of the scene, and show the next one.

        A curve of the user's own only ceases to be a line of the target.
        """
        from ALSStudyLib import panelViews

        curve = self.lineHere(parameterNode, target)
        if curve.GetAttribute(USERS_ATTRIBUTE):
            for name in (TARGET_ATTRIBUTE, SIDE_ATTRIBUTE, USERS_ATTRIBUTE):
                curve.RemoveAttribute(name)
        else:
            slicer.mrmlScene.RemoveNode(curve)
        remaining = self._logic.contours(target)
        if remaining and self.lineHere(parameterNode, target) is None:
            panelViews.jumpTo(self.centerOf(remaining[0]))

    def shownSlice(self, parameterNode: ALSCortexProfileParameterNode) -> int | None:
        """Slice of the image that the axial view shows; None without either."""
        from ALSStudyLib import panelViews

        return panelViews.shownSlice(self._grid(parameterNode)) if self._logic.hasVoxels(parameterNode) else None

    def lineHere(self, parameterNode: ALSCortexProfileParameterNode, target: str):
        """The target's line in the slice shown; without one, a line that lies in no slice; else None."""
        lines, shown = self._logic.contours(target) if target else [], self.shownSlice(parameterNode)
        if shown is None:
            return lines[0] if lines else None
        strays = (line for line in lines if self._isStray(parameterNode, line))
        return self._linesBySlice(parameterNode, target).get(shown) or next(strays, None)

    def _isStray(self, parameterNode, curve) -> bool:
        """Whether a line lies in no slice: it has no points, or on several slices."""
        from . import mrml

        points_RAS = mrml.readContour(curve).controlPoints_RAS
        return not (len(points_RAS) and _isInOneSlice(self._grid(parameterNode).rasToIJK(points_RAS)[:, 2]))

    def _grid(self, parameterNode):
        from ALSStudyLib.mrmlNodes import imageFromVolumeNode

        return imageFromVolumeNode(self._logic.firstVolume(parameterNode))

    def _linesBySlice(self, parameterNode, target) -> dict:
        """Curves by the slice that they lie on; one without points under None."""
        from . import mrml, mrmlContours

        image = self._grid(parameterNode)
        return {mrmlContours.sliceOf(mrml.readContour(curve), image): curve for curve in self._logic.contours(target)}

    def _lineInHand(self, parameterNode, target):
        """The target's line in the slice shown; without one, the first."""
        if not target or not self._logic.contours(target):
            return None
        if not self._logic.hasVoxels(parameterNode):
            return self._logic.contours(target)[0]
        bySlice = self._linesBySlice(parameterNode, target)
        return bySlice.get(self.shownSlice(parameterNode), self._logic.contours(target)[0])


def _isInOneSlice(slices_K) -> bool:
    return slices_K.max() - slices_K.min() <= MAX_SLICES_APART
