"""What the tests of the panel of ALS Cortex Profile share."""

from alsTestCases import renderedArc
from panelTestCases import PanelCase

MODULE = "ALSCortexProfile"
MAX_SEED = 99999999


class ProfilePanelCase(PanelCase):
    moduleName = MODULE

    def addArc(self, rendered=None):
        """An arc phantom of one target, chosen and measured."""
        import slicer
        from ALSCortexProfileLib import mrml

        rendered = rendered or renderedArc()
        image = mrml.addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "T2star")
        contours = tuple(
            mrml.addCurveNode(slicer.mrmlScene, points_RAS, f"{slug}_{index}", slug)
            for slug, index, points_RAS in rendered.contours
        )
        references = mrml.addSegmentationNode(slicer.mrmlScene, rendered.referenceMasks, image, "References")
        self.panel.logic.chooseCase(mrml.CaseNodes((image,), contours, references))
        self.rest()
        return image, contours, references

    def openMore(self):
        self.ui.moreLinesCollapsibleButton.collapsed = False

    def rest(self):
        from ALSStudyLib.panelTesting import wait

        wait(lambda: not (self.exam.live.isPending or self.exam.references.isPending))
