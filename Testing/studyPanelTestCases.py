"""What the tests of the section Study share."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest import mock

from alsTestCases import QUICK, renderedArc
from desktopStandIn import (
    click,
)
from panelTestCases import PanelCase

MODULE = "ALSCortexProfile"


@cache
def smallCohort():
    """Ten controls and four patients, hand knobs only: it is studied in a second."""
    from ALSStudyLib.cohort import makeCohort

    made = makeCohort(2, sizes={"als": 4, "control": 10})
    return replace(made, profile=[row for row in made.profile if row["target"].startswith("hand_knob")])


class StudyPanelCase(PanelCase):
    moduleName = MODULE

    def setUp(self):
        import slicer
        from ALSStudyLib import panelViews
        from ALSStudyLib.panelStudy import FIELDS_KEY

        slicer.app.userSettings().remove(FIELDS_KEY)
        quick = mock.patch.object(panelViews, "RENDER_S", 0.0)  # nothing is drawn here
        quick.start()
        self.addCleanup(quick.stop)
        temporary = tempfile.TemporaryDirectory(prefix="alsStudyPanel")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        super().setUp()
        click(self.ui.studyCollapsibleButton)

    def follow(self, panel):
        super().follow(panel)
        self.study, self.fields = panel.exam.study, panel.exam.study.ui

    def addCohort(self, output="study"):
        """The tables of the small cohort, and a folder for the study."""
        from ALSStudyLib.cohort import writeCohort

        self.paths = writeCohort(self.folder / "cohort", smallCohort())
        self.study.addTables([self.paths[name] for name in ("profile_measurements", "participants", "readings")])
        self.fields.studyFolderPathLineEdit.currentPath = str(self.folder / output)
        self.quick()

    def quick(self):
        """Few resamples: what the panel does is tested here."""
        original = type(self.study).settings
        self.study.settings = lambda: replace(original(self.study), resamples=100, permutations=100)

    def assertNarrow(self):
        self.assertLess(self.study.ui.ALSStudy.minimumSizeHint.width(), 420)

    def said(self):
        return self.fields.studyStatusLabel.text

    def addArc(self, subject="P012"):
        """An arc phantom of one target, chosen and measured."""
        import slicer
        from ALSCortexProfileLib import mrml
        from ALSStudyLib.panelTesting import wait

        rendered = renderedArc()
        image = mrml.addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "T2star")
        contours = tuple(
            mrml.addCurveNode(slicer.mrmlScene, points_RAS, f"{slug}_{index}", slug)
            for slug, index, points_RAS in rendered.contours
        )
        references = mrml.addSegmentationNode(slicer.mrmlScene, rendered.referenceMasks, image, "References")
        settings = replace(QUICK, resamples=50)
        self.panel.logic.chooseCase(mrml.CaseNodes((image,), contours, references, subject, "1", settings))
        wait(lambda: not (self.exam.live.isPending or self.exam.references.isPending))


def raised():
    """An error that Slicer shows in a dialog also reaches the log: forget it."""
    from desktopStandIn import signals

    signals.errors.clear()
