"""Self-test of Phase Shift ROI: works the panel as a user does, in Slicer and in its stand-in for CI."""

from __future__ import annotations

import json
import math
import os
import tempfile

import slicer
from ALSStudyLib.panelPackages import PDF_PACKAGES, wouldAsk
from ALSStudyLib.panelTesting import PanelTest, shownPanel, wait

from .panelParameters import PhaseEncoding, PhaseFilter, PhasePolarity, SliceRule

OUTPUT_ATTRIBUTE = "PhaseShiftROI.Output"
COLUMNS = ("region", "side", "slice", "pixels", "area", "rad", "hz")


class PhaseShiftROITest(PanelTest):
    """Works the panel with the phase phantom."""

    moduleName = "PhaseShiftROI"

    def setUp(self):
        super().setUp()
        self.table, self.slices = self.exam.regions.table, self.exam.results.slices

    # What a user does ------------------------------------------------------------------------------------------

    def test_fourActionsMeasureARegion(self):
        """Choose images and say what they are, Prepare; then row, Place, click, number."""
        made = self._chosenPhantom()
        self.assertIn("stored", self.ui.prepareButton.toolTip)
        self.ui.encodingComboBox.currentIndex = list(PhaseEncoding).index(PhaseEncoding.siemens)
        self.ui.echoTimeSpinBox.value, self.ui.fieldStrengthSpinBox.value = 19.0, 3.0
        self.ui.polarityComboBox.currentIndex = list(PhasePolarity).index(PhasePolarity.paramagnetic_negative)
        self._press(self.ui.prepareButton)
        self.assertEqual(len(self.table.keys), 10)
        self.assertEqual(self.table.keys[:2], ["precentral_gyrus_right", "precentral_gyrus_left"])
        self.assertIn("SWI", " ".join(node.GetName() for node in self._outputs("vtkMRMLScalarVolumeNode")))

        slug = "precentral_gyrus_left"
        region = next(region for region in made.case.regions if region.slug == slug)
        self.table.click(slug)
        self.assertEqual(self.ui.pixelsToPlaceSpinBox.value, 20)
        self._press(self.ui.placeButton)
        for slice in region.slices[:4]:
            self._clickInView(self._centerOf(made, slug, slice))
        self.assertIn(f"Slice {region.slices[3]}", self.ui.readoutLabel.text)
        self._endPlacing()
        self.assertEqual(self.table.text(slug, "pixels"), "20 of 15-25")
        best = int(self.table.text(slug, "slice").split()[0])
        measured = float(self.table.text(slug, "rad"))
        value = self.exam.session.states[slug].valueIn(best)
        self.assertAlmostEqual(measured, made.truthRad[slug][best] * value.retention, delta=0.03)
        self.assertEqual(f"{measured / (2e-3 * math.pi * 19.0):+.2f}"[:4], self.table.text(slug, "hz")[:4])
        self.assertEqual(self.slices.keys, list(region.slices[:4]))
        self.assertEqual([self.slices.text(k, "rank") != "" for k in self.slices.keys].count(True), 3)
        shown = self._tables()["results"]
        self.assertIn(f"{value.phaseRad:.6f}", [f"{rad:.6f}" for rad in self._column(shown, "phase_rad")])

    def test_placingReplacesAndSaysSo(self):
        """A second click in a slice replaces the first; overlaps and clicks beside the image are said in the panel."""
        made, slug = self._preparedPhantom(), "putamen_left"
        self.table.click(slug)
        before = self.exam.session.states[slug]
        self._press(self.ui.placeButton)
        self.ui.pixelsToPlaceSpinBox.value = 9
        self._clickInView(self._centerOf(made, "globus_pallidus_left", 3))
        state = self.exam.session.states[slug]
        self.assertEqual(state.valueIn(3).nPixels, 9)
        self.assertEqual([state.valueIn(k) for k in (2, 4, 5)], [before.valueIn(k) for k in (2, 4, 5)])
        self.assertIn("Overlaps with Globus pallidus, left (9 pixels)", self.ui.readoutLabel.text)
        self._clickInView([500.0, 0.0, 0.0])
        self.assertIn("!", self.ui.readoutLabel.text)
        self.assertEqual(self.exam.session.states[slug], state)
        self.assertTrue(self.ui.placeButton.checked)
        self._endPlacing()
        self._press(self.ui.undoButton)
        self.assertEqual(self.exam.session.states[slug].values, before.values)
        self.assertFalse(self.ui.placeButton.checked)
        self.assertEqual(slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode"), [])

    def test_numbersFollowThePainting(self):
        """Pixels and value of a row follow what is painted, and the rule is watched."""
        import numpy as np

        made, slug = self._preparedPhantom(), "caudate_nucleus_right"
        self.table.click(slug)
        self.assertEqual(self.table.text(slug, "pixels"), "31 of 25-35")
        others = {key: self._row(key) for key in self.table.keys if key != slug}
        mask = made.masks_KJI[slug].copy()
        rows, columns = np.nonzero(mask[3])
        for slice in (2, 3):
            mask[slice, rows[:12], columns[:12]] = False
            self._paint(slug, mask)
            self.assertIn(f"Slice {slice}: 19 of 25-35 pixels", self.ui.readoutLabel.text)
            self.assertTrue(self.ui.readoutLabel.text.startswith("!"))
            self.assertIn("! 19 of 25-35", self.slices.text(slice, "pixels"))
            self.assertIn("19 pixels, rule 25-35", self.slices.toolTip(slice, "pixels"))
            value = self.exam.session.states[slug].valueIn(slice)
            self.assertTrue(math.isfinite(value.phaseRad))
            self.assertEqual(value.nPixels, 19)
        mask[2] = mask[4] = mask[5] = False
        self._paint(slug, mask)
        self.assertEqual(self.table.text(slug, "pixels"), "! 19 of 25-35")
        self.assertIn("! 19 pixels, rule 25-35", self.table.words(slug))
        self.assertEqual({key: self._row(key) for key in others}, others)

    def test_slicesAreListedAndJumpedTo(self):
        """Every painted slice is listed, those kept have a rank; a click moves the slice views there."""
        self._preparedPhantom()
        self.table.click("precentral_gyrus_right")
        self.assertEqual(self.slices.keys, [8, 9, 10, 11, 12, 13])
        kept = [k for k in self.slices.keys if self.slices.text(k, "rank")]
        self.assertEqual(sorted(kept), sorted(map(int, self.table.text("precentral_gyrus_right", "slice").split())))
        sliceNodes = slicer.util.getNodesByClass("vtkMRMLSliceNode")
        self.slices.click(8)
        before = [node.GetSliceOffset() for node in sliceNodes]
        self.slices.click(13)
        self.assertTrue(not sliceNodes or before != [node.GetSliceOffset() for node in sliceNodes])
        self._press(self.ui.chartButton)
        chart = self._outputs("vtkMRMLPlotChartNode")[0]
        series = [chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes())]
        self.assertEqual([one.GetTableNode().GetNumberOfRows() for one in series], [6, 3])
        self.table.click("frontal_cortex_left")
        self.assertEqual([one.GetTableNode().GetNumberOfRows() for one in series], [3, 1])

    def test_settingsAreFollowed(self):
        """Slice rule, echo time and polarity change the numbers at once; another filter takes them away."""
        self._preparedPhantom()
        slug = "precentral_gyrus_right"
        self.table.click(slug)
        ranked = self._row(slug)
        self._choose(self.ui.sliceRuleComboBox, SliceRule, SliceRule.consecutive)
        consecutive = sorted(map(int, self.table.text(slug, "slice").split()))
        self.assertEqual(consecutive, list(range(consecutive[0], consecutive[0] + 3)))
        self._choose(self.ui.sliceRuleComboBox, SliceRule, SliceRule.ranked)
        self.assertEqual(self._row(slug), ranked)
        self.ui.echoTimeSpinBox.value = 9.5
        self._wait()
        self.assertEqual(self.table.text(slug, "rad"), ranked[COLUMNS.index("rad")])
        self.assertAlmostEqual(float(self.table.text(slug, "hz")), 2 * float(ranked[COLUMNS.index("hz")]), delta=0.02)
        self._choose(self.ui.polarityComboBox, PhasePolarity, PhasePolarity.unknown)
        self.assertIn("olarity unknown", self.ui.statusLabel.text)
        self.assertEqual(len(self._outputs("vtkMRMLScalarVolumeNode")), 1)
        self._choose(self.ui.polarityComboBox, PhasePolarity, PhasePolarity.paramagnetic_positive)
        self.assertIn("! Suggests that iron is negative", self.ui.polarityChecksLabel.text)
        self.assertEqual(len(self._outputs("vtkMRMLScalarVolumeNode")), 3)
        self.ui.kernelLinesSpinBox.value = 32
        self._wait()
        self.assertEqual(self.table.text(slug, "rad"), "-")
        self.assertIn("Prepare again", self.ui.statusLabel.text)
        self.assertFalse(self.ui.exportButton.enabled)
        self._press(self.ui.prepareButton)
        self.assertNotEqual(self.table.text(slug, "rad"), "-")
        self.assertNotEqual(self.table.text(slug, "rad"), ranked[COLUMNS.index("rad")])

    def test_ownRegionsAndVeinAreRows(self):
        """A region of the user's own is measured like the others; a vein only checks the polarity."""
        made = self._preparedPhantom(withVein=False)
        self.ui.ownRegionLineEdit.text = "thalamus left"
        self._press(self.ui.addOwnRegionButton)
        self.assertEqual(self.panel._parameterNode.selectedRegion, "thalamus_left")
        self._paint("thalamus_left", made.masks_KJI["putamen_left"])
        self.assertEqual(self._row("thalamus_left")[2:], self._row("putamen_left")[2:])
        self.assertNotIn("Vein", self.ui.polarityChecksLabel.text)
        self._press(self.ui.veinButton)
        self.assertEqual(self.panel._parameterNode.selectedRegion, "vein")
        self._paint("vein", made.masks_KJI["vein"])
        self.assertEqual(self.table.text("vein", "rad"), "-")
        self.assertIn("Vein", self.ui.polarityChecksLabel.text)
        self.assertIn("suggests that iron is negative", self.table.words("vein"))

    def test_closedSceneLeavesNothing(self):
        """Two scenes in a row: the second begins empty, and measures the same."""
        self._preparedPhantom()
        first = {slug: self._row(slug) for slug in self.table.keys}
        slicer.mrmlScene.Clear()
        self.assertEqual(self.table.keys, [])
        self.assertEqual(self.slices.keys, [])
        self.assertIsNone(self.exam.session.prepared)
        self.panel = shownPanel(self.moduleName)
        self.assertFalse(self.ui.prepareButton.enabled)
        self._preparedPhantom()
        self.assertEqual({slug: self._row(slug) for slug in self.table.keys}, first)

    def test_savedSceneMeasuresTheSame(self):
        """A scene that is saved, closed and loaded shows the same digits without a click; no result is made twice."""
        from ALSStudyLib import mrmlFiles

        self._preparedPhantom()
        self.ui.subjectLineEdit.text = "P012"
        self._choose(self.ui.sliceRuleComboBox, SliceRule, SliceRule.consecutive)
        before = {slug: self._row(slug) for slug in self.table.keys}
        digits = self._column(self._tables()["slices"], "phase_rad")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "case.mrb")
            mrmlFiles.saveScene(slicer.mrmlScene, path)
            slicer.mrmlScene.Clear()
            mrmlFiles.loadScene(slicer.mrmlScene, path)
            self.panel.initializeParameterNode()
            self._wait()
        self.assertEqual(self.ui.subjectLineEdit.text, "P012")
        self.assertEqual({slug: self._row(slug) for slug in self.table.keys}, before)
        self.assertEqual(self._column(self._tables()["slices"], "phase_rad"), digits)
        self.assertEqual(len(self._outputs("vtkMRMLTableNode")), 4)
        self.assertEqual(len(self._outputs("vtkMRMLScalarVolumeNode")), 3)

    def test_exportsWhatIsShown(self):
        """Tables, dictionaries, provenance and pictures, by one button."""
        self._preparedPhantom()
        slug = "precentral_gyrus_right"
        with tempfile.TemporaryDirectory() as folder:
            target = os.path.join(folder, "export")
            self.exam.results.exportTo(target)
            written = set(os.listdir(target))
            tables = {
                f"phase_{name}{end}"
                for name in ("measurements", "slices", "regions", "wide")
                for end in (".tsv", ".json")
            }
            self.assertLessEqual({*tables, "provenance.json", "figures"}, written)
            with open(os.path.join(target, "phase_measurements.tsv"), encoding="utf-8") as file:
                rows = [line.rstrip("\n").split("\t") for line in file]
            with open(os.path.join(target, "provenance.json"), encoding="utf-8") as file:
                record = json.load(file)
            pictures = os.listdir(os.path.join(target, "figures"))
        values = next(
            dict(zip(rows[0], row, strict=True)) for row in rows if row[2:5] == ["precentral_gyrus", "right", "1"]
        )
        self.assertEqual(f"{float(values['phase_rad']):+.3f}", self.table.text(slug, "rad"))
        self.assertEqual(record["polarity"], "paramagnetic_negative")
        self.assertEqual({f"figures/{name}" for name in pictures} - set(record["outputs"]), set())
        self.assertIn(f"{slug}_rank1_slice{values['slice']}.png", pictures)
        self.assertIn(target, self.ui.resultsLabel.text)

    def test_reportsWhatIsShown(self):
        """A page to sign by one button, and the exam's tables for a study; they need a subject."""
        if wouldAsk(PDF_PACKAGES):
            return
        self._preparedPhantom()
        study = self.exam.study
        self.ui.subjectLineEdit.text = ""
        self._wait()
        self.assertFalse(self.ui.reportButton.enabled)
        self.assertIn("subject", self.ui.reportButton.toolTip)
        self.ui.subjectLineEdit.text = "P012"
        self._wait()
        self.assertTrue(self.ui.reportButton.enabled)
        with study.emptyFields(), tempfile.TemporaryDirectory() as folder:
            self.exam.results.reportTo(folder)
            (report,) = [os.path.join(folder, name) for name in os.listdir(folder)]
            with open(os.path.join(report, "report.html"), encoding="utf-8") as file:
                page = file.read()
            study.ui.studyFolderPathLineEdit.currentPath = folder
            self.assertTrue(study.ui.addExamButton.enabled, study.ui.addExamButton.toolTip)
            study.ui.addExamButton.click()
            self.assertEqual([path.name for path in study.tables], ["phase_measurements.tsv"])
        self.assertIn("P012", page)
        self.assertIn("Supportive, not diagnostic", page)

    def test_saysWhatIsMissing(self):
        """An empty scene asks for the image, every step for the next one; a disabled button says why."""
        buttons = ("prepare", "vein", "addRegions", "place", "paint", "erase", "addOwnRegion")
        buttons += ("paperTable", "tidyTable", "chart", "export")
        for name in buttons:
            button = getattr(self.ui, f"{name}Button")
            self.assertFalse(button.enabled, name)
            self.assertTrue(button.toolTip, name)
        parameterNode = self.panel._parameterNode
        asked = [self.ui.prepareButton.toolTip]
        for name, value in (
            ("phase", self._addVolume("phase")),
            ("encoding", PhaseEncoding.radians),
            ("echoTimeMs", 19.0),
            ("fieldStrengthT", 3.0),
        ):
            parameterNode.setValue(name, value)
            asked.append(self.ui.prepareButton.toolTip)
        self.assertEqual(len(set(asked)), len(asked))
        self.assertTrue(self.ui.prepareButton.enabled)
        parameterNode.kernelLines = 128  # more lines than the image has
        self.assertIn("kernel", self.ui.prepareButton.toolTip)
        parameterNode.kernelLines, parameterNode.real = 64, parameterNode.phase
        self.assertFalse(self.ui.prepareButton.enabled)
        parameterNode.phase, parameterNode.imaginary = None, self._addVolume("imaginary", 1.0)
        self.assertTrue(self.ui.prepareButton.enabled)
        self.assertFalse(self.ui.encodingComboBox.enabled)
        self._press(self.ui.prepareButton)
        self.assertEqual(len(self.table.keys), 10)
        self.assertEqual(self.table.text("putamen_left", "rad"), "-")
        parameterNode.real = self._outputs("vtkMRMLScalarVolumeNode")[0]  # a result must not be measured in its turn
        self.assertIn("made by this module", self.ui.prepareButton.toolTip)
        with self.assertRaises(ValueError):
            self.exam.phase.prepare()

    def test_refusesWrongEncoding(self):
        """Values that contradict the declared encoding are refused."""
        parameterNode = self.panel._parameterNode
        parameterNode.phase = self._addVolume("phase")
        parameterNode.echoTimeMs, parameterNode.fieldStrengthT = 19.0, 3.0
        parameterNode.encoding = PhaseEncoding.siemens
        with self.assertRaises(ValueError):
            self.exam.phase.prepare()
        parameterNode.encoding = PhaseEncoding.radians
        self.exam.phase.prepare()
        self.assertTrue(self.exam.session.isPrepared(parameterNode))

    def test_forgetsTheVolumeBefore(self):
        """What one volume declares is shown, and does not pass to the next one."""
        parameterNode = self.panel._parameterNode
        described = parameterNode.phase = self._addVolume("phase")
        parameterNode.encoding = PhaseEncoding.radians
        parameterNode.echoTimeMs, parameterNode.fieldStrengthT = 19.0, 3.0
        parameterNode.alreadyFiltered, parameterNode.filteredLines = True, 32
        self._press(self.ui.prepareButton)
        parameterNode.phase = self._addVolume("another")
        self.assertEqual(parameterNode.encoding, PhaseEncoding.not_chosen)
        self.assertEqual((self.ui.echoTimeSpinBox.value, self.ui.fieldStrengthSpinBox.value), (0, 0))
        self.assertFalse(self.ui.alreadyFilteredCheckBox.checked)
        parameterNode.phase = described
        self.assertEqual(parameterNode.encoding, PhaseEncoding.radians)
        self.assertEqual((parameterNode.echoTimeMs, parameterNode.fieldStrengthT), (19.0, 3.0))
        self.assertEqual((parameterNode.alreadyFiltered, parameterNode.filteredLines), (True, 32))

    def test_keepsOneParameterNode(self):
        """The library stores subject and settings in the panel's own node, and the panel shows stored settings."""
        self._preparedPhantom()
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        nodes = [node for node in nodes if node.GetSingletonTag() == self.moduleName]
        self.assertEqual(len(nodes), 1)
        self.assertEqual(nodes[0].GetParameter("subject"), self.ui.subjectLineEdit.text)
        parameterNode = self.panel._parameterNode
        stored = self.logic.settings(parameterNode).with_(filter="laplacian", kernelLines=16, pixelRules="putamen=5-9")
        parameterNode.settings = json.dumps(stored.toDict())  # as a scene of the command line has them
        self._wait()
        self.assertEqual(parameterNode.filter, PhaseFilter.laplacian)
        self.assertEqual(self.logic.settings(parameterNode), stored)
        self.assertIn("of 5-9", self.table.text("putamen_left", "pixels"))
        parameterNode.settings = json.dumps(stored.with_(kernelMm=9.0).toDict())
        self.assertEqual(self.logic.settings(parameterNode).kernelMm, 9.0)
        self.assertIn("9.0 mm", self.ui.kernelMmLabel.text)
        self.ui.kernelLinesSpinBox.value = 20  # what the user chooses is not overruled by what is stored
        self.assertIsNone(self.logic.settings(parameterNode).kernelMm)
        self.assertNotIn("9.0 mm", self.ui.kernelMmLabel.text)

    def test_choicesAreThoseOfTheLibrary(self):
        from .encoding import STORED_ENCODINGS
        from .polarity import POLARITIES
        from .settings import FILTERS
        from .slices import SLICE_RULES

        for enumeration, values in (
            (PhaseEncoding, ("", *STORED_ENCODINGS)),
            (PhasePolarity, POLARITIES),
            (PhaseFilter, FILTERS),
            (SliceRule, SLICE_RULES),
        ):
            self.assertEqual({choice.value for choice in enumeration}, set(values))
            self.assertEqual(len({choice.label() for choice in enumeration}), len(values))

    # Helpers ---------------------------------------------------------------------------------------------------

    def _chosenPhantom(self):
        """Images of the phantom as a scanner stores them, chosen in the selectors; nothing is declared."""
        from ALSStudyLib import phasePhantom
        from ALSStudyLib.mrmlNodes import addVolumeNode

        made = phasePhantom.renderPhase(phasePhantom.alsLikePhase())
        stored = phasePhantom.storedPhase(made.phaseRad_KJI, "siemens")
        phase = addVolumeNode(slicer.mrmlScene, stored, made.case.ijkToRAS, "phase")
        magnitude = addVolumeNode(slicer.mrmlScene, made.magnitude_KJI, made.case.ijkToRAS, "magnitude")
        self.ui.phaseSelector.setCurrentNode(phase)
        self.ui.magnitudeSelector.setCurrentNode(magnitude)
        return made

    @staticmethod
    def _addVolume(name: str, startRad: float = 0.0):
        """A small ramp of phase along i, which wraps."""
        import numpy as np
        from ALSStudyLib.mrmlNodes import addVolumeNode

        ramp = np.angle(np.exp(1j * (0.5 * np.arange(96) + startRad))).astype(np.float32)
        return addVolumeNode(slicer.mrmlScene, np.tile(ramp, (3, 80, 1)), np.eye(4), name)

    def _preparedPhantom(self, withVein: bool = True):
        """The phantom case with its regions, prepared."""
        from ALSStudyLib import phasePhantom

        made = phasePhantom.renderPhase(phasePhantom.alsLikePhase())
        caseNodes = phasePhantom.addPhaseCaseToScene(slicer.mrmlScene, made)
        if not withVein:
            caseNodes.regions.GetSegmentation().RemoveSegment(self._segmentId(caseNodes.regions, "vein"))
        self.logic.chooseCase(caseNodes)
        self._press(self.ui.prepareButton)
        return made

    def _centerOf(self, made, slug, slice):
        import numpy as np

        rows, columns = np.nonzero(made.masks_KJI[slug][slice])
        return (made.case.ijkToRAS @ [round(columns.mean()), round(rows.mean()), slice, 1.0])[:3]

    def _clickInView(self, point_RAS):
        """Through the Markups logic: the point that a click in a view adds to the node that place mode is for."""
        application = slicer.app.applicationLogic()
        interaction = application.GetInteractionNode()
        self.assertEqual(interaction.GetCurrentInteractionMode(), interaction.Place)
        node = slicer.mrmlScene.GetNodeByID(application.GetSelectionNode().GetActivePlaceNodeID())
        node.AddControlPointWorld([float(value) for value in point_RAS])
        self._wait()

    def _endPlacing(self):
        """As Esc does."""
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self._wait()

    def _paint(self, slug, mask_KJI):
        """Fill the segment of a region."""
        import numpy as np

        node = self.panel._parameterNode
        segmentId = self._segmentId(node.regions, slug)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask_KJI.astype(np.uint8), node.regions, segmentId, node.phase)
        self._wait()

    @staticmethod
    def _segmentId(segmentationNode, slug):
        from .mrml import regionSegments

        return regionSegments(segmentationNode)[slug]

    def _press(self, button):
        self.assertTrue(button.enabled, button.toolTip)
        button.click()
        self._wait()

    def _choose(self, comboBox, enumeration, value):
        comboBox.currentIndex = list(enumeration).index(value)
        self._wait()

    def _row(self, slug) -> list[str]:
        return [self.table.text(slug, column) for column in COLUMNS]

    @staticmethod
    def _outputs(className) -> list:
        """What the module made, but for the tables of its chart."""
        nodes = [(node, node.GetAttribute(OUTPUT_ATTRIBUTE) or "") for node in slicer.util.getNodesByClass(className)]
        return [node for node, key in nodes if key and not key.startswith("chart ")]

    def _tables(self) -> dict:
        return {node.GetAttribute(OUTPUT_ATTRIBUTE): node for node in self._outputs("vtkMRMLTableNode")}

    @staticmethod
    def _column(table, name: str) -> list:
        column = table.GetTable().GetColumnByName(name)
        return [column.GetValue(row) for row in range(table.GetNumberOfRows())]

    def _wait(self):
        """Let the panel work until nothing waits."""
        wait(lambda: not self.exam.live.isPending)
