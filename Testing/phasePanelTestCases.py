"""What the tests of the panel of Phase Shift ROI share."""

import json
from pathlib import Path

from desktopStandIn import (
    click,
    enterValue,
    processEvents,
)
from panelTestCases import PanelCase
from phaseTestCases import rendered

MODULE = "PhaseShiftROI"
ROOT = Path(__file__).resolve().parent.parent
SLUG = "precentral_gyrus_left"


class PhasePanelCase(PanelCase):
    moduleName = MODULE

    def follow(self, panel):
        super().follow(panel)
        self.table, self.slices = self.exam.regions.table, self.exam.results.slices

    def addCase(self, prepared=True):
        """The small phantom with its regions, chosen and prepared."""
        import slicer
        from ALSStudyLib.phasePhantom import addPhaseCaseToScene

        self.made = rendered()
        caseNodes = addPhaseCaseToScene(slicer.mrmlScene, self.made)
        self.panel.logic.chooseCase(caseNodes)
        self.openSections()
        enterValue(self.ui.kernelLinesSpinBox, 22)
        if prepared:
            click(self.ui.prepareButton)
            self.assertTrue(self.ui.phaseCollapsibleButton.collapsed)  # the regions are next
            self.openSections()
        self.rest()
        return caseNodes

    def openSections(self):
        for section in (self.ui.phaseCollapsibleButton, self.ui.filterCollapsibleButton):
            if section.collapsed:
                click(section)

    def rest(self):
        for _second in range(60):
            processEvents(0.02)
            if not self.exam.live.isPending:
                return
        self.fail("the panel did not come to rest")

    def results(self, *names):
        """Nodes that this module made."""
        import slicer

        return [
            node
            for name in names or ("Table", "PlotChart", "PlotSeries")
            for node in slicer.util.getNodesByClass(f"vtkMRML{name}Node")
            if node.GetAttribute("PhaseShiftROI.Output")
        ]

    def stored(self):
        return json.loads(self.panel._parameterNode.settings)

    def reopen(self):
        """The scene is loaded into a panel that has prepared nothing."""
        import slicer

        slicer.mrmlScene.InvokeEvent(slicer.mrmlScene.EndImportEvent)
        self.rest()

    def rows(self):
        columns = ("region", "side", "slice", "pixels", "area", "rad", "hz")
        return {key: [self.table.text(key, column) for column in columns] for key in self.table.keys}
