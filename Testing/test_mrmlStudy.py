"""A study in the scene: tables and plots hold what the charts hold, and are found again."""

import math
import shutil
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import studyChartTestCases as cases
from ALSStudyLib.mrmlFiles import HeadlessScene, loadScene, saveScene
from ALSStudyLib.mrmlNodes import nodesOfClass
from ALSStudyLib.mrmlStudy import writeStudyCharts, writeStudyTables
from ALSStudyLib.studyCharts import MIMIC, DifferenceChart, quartiles
from ALSStudyLib.studyPlots import plotOf
from ALSStudyLib.studyProblems import SUSPECT, Problem
from ALSStudyLib.studyRows import STATISTICS_COLUMNS
from ALSStudyLib.studySettings import StudySettings
from vtk.util.numpy_support import vtk_to_numpy

PLOT_CLASSES = ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode")


def resultOf(kind="profile"):
    rows = [
        {"analysis": "auc_delong", "measure": "sh_thk_per_mm", "rule": "symmetric", "n_a": 27, "estimate": 0.89},
        {"analysis": "describe", "measure": "sh", "group_a": "control", "n_a": 13, "estimate": math.nan},
    ]
    problems = [Problem(SUSPECT, "the sign differs.", "P03", "a", "precentral_gyrus", "right", "phase_rad", 7)]
    settings = StudySettings(cutoff="cost")
    return SimpleNamespace(kind=kind, settings=settings, rows=rows, supplement=rows[:1], problems=problems)


def column(tableNode, name):
    """Values of a column, as numbers or texts."""
    array = tableNode.GetTable().GetColumnByName(name)
    if array.IsA("vtkStringArray"):
        return [array.GetValue(row) for row in range(array.GetNumberOfValues())]
    return vtk_to_numpy(array)


class StudySceneCase(unittest.TestCase):
    def setUp(self):
        self.headless = HeadlessScene()
        self.scene = self.headless.scene

    def series(self, chartNode):
        """Series by name."""
        count = chartNode.GetNumberOfPlotSeriesNodes()
        nodes = [chartNode.GetNthPlotSeriesNode(index) for index in range(count)]
        return {node.GetName(): node for node in nodes}

    def points(self, seriesNode):
        """(n, 2) of what a series draws."""
        table = seriesNode.GetTableNode()
        return np.column_stack(
            [column(table, name) for name in (seriesNode.GetXColumnName(), seriesNode.GetYColumnName())]
        )

    def written(self, chart):
        (node,) = writeStudyCharts(self.scene, [chart])
        return node, self.series(node)


class TablesTest(StudySceneCase):
    def testTablesHoldTheRows(self):
        statistics, supplement, problems = writeStudyTables(self.scene, resultOf())
        self.assertEqual(statistics.GetNumberOfColumns(), len(STATISTICS_COLUMNS))
        self.assertEqual(column(statistics, "analysis"), ["auc_delong", "describe"])
        np.testing.assert_array_equal(column(statistics, "estimate"), [0.89, math.nan])
        np.testing.assert_array_equal(column(statistics, "n_a"), [27, 13])
        self.assertEqual(supplement.GetNumberOfRows(), 1)
        self.assertEqual(column(problems, "sentence"), ["the sign differs."])
        self.assertEqual((column(problems, "subject"), column(problems, "side")), (["P03"], ["right"]))
        for node in (statistics, supplement, problems):
            self.assertTrue(node.GetLocked())
            self.assertIn('"cutoff": "cost"', node.GetAttribute("ALSMotorCortex.StudySettings"))

    def testAnotherRunUsesTheSameTablesAndAnotherKindItsOwn(self):
        first = writeStudyTables(self.scene, resultOf())
        again = resultOf()
        again.rows = again.rows[1:]
        second = writeStudyTables(self.scene, again)
        self.assertEqual([n.GetID() for n in first], [n.GetID() for n in second])
        self.assertEqual(column(second[0], "analysis"), ["describe"])
        phase = writeStudyTables(self.scene, resultOf("phase"))
        self.assertFalse({n.GetID() for n in phase} & {n.GetID() for n in first})
        self.assertEqual(phase[0].GetName(), "Phase study statistics")


class ChartsTest(StudySceneCase):
    def testBoxesPointsAndCutOff(self):
        chart = cases.boxChart()
        node, series = self.written(chart)
        self.assertEqual((node.GetTitle(), node.GetYAxisTitle()), (chart.title, chart.yLabel))
        self.assertEqual(
            node.GetXAxisTitle(), "1: ALS (n = 27)   2: Controls (n = 13)   3: Mimics (n = 10)   dashed: cut-off 0.064"
        )
        for place, (name, values, subjects) in enumerate(
            zip(("ALS (n = 27)", "Controls (n = 13)", "Mimics (n = 10)"), chart.values, chart.subjects, strict=True), 1
        ):
            points = self.points(series[name])
            np.testing.assert_array_equal(points[:, 1], values)
            self.assertLess(np.max(np.abs(points[:, 0] - place)), 0.5)
            self.assertEqual(column(series[name].GetTableNode(), series[name].GetLabelColumnName()), list(subjects))
            box = self.points(series[f"{name.split(' ')[0]}, quartiles"])
            np.testing.assert_allclose(np.unique(box[:, 1]), quartiles(values))
        np.testing.assert_array_equal(self.points(series["cut-off 0.064"])[:, 1], [0.064, 0.064])

    def testSeriesAreScattersWithTheirLook(self):
        _, series = self.written(cases.boxChart())
        points, box = series["Controls (n = 13)"], series["Controls, quartiles"]
        self.assertEqual({node.GetPlotTypeAsString(points.GetPlotType()) for node in series.values()}, {"Scatter"})
        self.assertEqual(
            (points.GetLineStyle(), points.GetMarkerStyle()), (points.LineStyleNone, points.MarkerStyleSquare)
        )
        self.assertEqual((box.GetLineStyle(), box.GetMarkerStyle()), (box.LineStyleSolid, box.MarkerStyleNone))
        self.assertEqual(points.GetColor(), box.GetColor())

    def testMissingValuesAreNotDrawn(self):
        chart = cases.scatterChart()
        measured = np.isfinite(chart.y)
        node, series = self.written(chart)
        (points,) = [self.points(part) for part in series.values()]
        np.testing.assert_array_equal(points[:, 1], chart.y[measured])
        np.testing.assert_array_equal(np.round(points[:, 0]), chart.x[measured])
        low, high = node.GetXAxisRange()
        self.assertLess(low, points[:, 0].min())
        self.assertGreater(high, points[:, 0].max())

    def testRocCurvesBandsCutOffsAndReadings(self):
        chart = cases.rocChart()
        _, series = self.written(chart)
        for curve in chart.curves:
            points = self.points(series[f"{curve.label}: {curve.aucText}"])
            np.testing.assert_array_equal(points, np.column_stack([curve.oneMinusSpecificity, curve.sensitivity]))
            band = self.points(series[f"{curve.label}: 95 % band"])
            np.testing.assert_array_equal(band[: len(curve.bandLow), 1], curve.bandLow)
            np.testing.assert_array_equal(band[len(curve.bandLow) : -1, 1], curve.bandHigh[::-1])
            np.testing.assert_array_equal(np.unique(self.points(series[curve.cutoffText]), axis=0), [curve.cutoffPoint])
        for point in chart.points:
            found = np.unique(self.points(series[point.label]), axis=0)
            np.testing.assert_array_equal(found, [[point.oneMinusSpecificity, point.sensitivity]])

    def testLegendHasRoomAboveTheCurves(self):
        plot = plotOf(cases.rocChart())
        low, high = plot.ranges()[1]
        self.assertGreater((high - 1.0) / (high - low), 0.04 * len(plot.series))
        self.assertLess(replace(plot, hasLegend=False).ranges()[1][1], 1.1)

    def testDifferenceLimits(self):
        chart = cases.differenceChart()
        _, series = self.written(chart)
        result = chart.blandAltman
        for name, line in (
            ("upper limit", result.upperLimit),
            ("bias", result.bias),
            ("lower limit", result.lowerLimit),
        ):
            (key,) = [key for key in series if key.startswith(name) and "CI" not in key]
            np.testing.assert_array_equal(self.points(series[key])[:, 1], [line.value, line.value])
            interval = np.unique(self.points(series[f"{name}: 95 % CI"])[:, 1])
            np.testing.assert_array_equal(interval, [line.ciLow, line.ciHigh])
        drawn = np.concatenate([self.points(series["ALS (n = 27)"]), self.points(series["Controls (n = 13)"])])
        np.testing.assert_array_equal(drawn, np.column_stack([result.means, result.differences]))

    def testRangeAndPatient(self):
        chart = cases.rangeOf()
        node, series = self.written(chart)
        np.testing.assert_array_equal(np.unique(self.points(series["A07, exam 1"]), axis=0), [[61.0, 0.118]])
        np.testing.assert_array_equal(
            self.points(series["controls (n = 20)"]), np.column_stack([chart.ages, chart.controls])
        )
        limits = self.points(series["central 95 % of controls"])
        np.testing.assert_array_equal(limits[: len(chart.low), 1], chart.low)
        self.assertEqual(node.GetXAxisTitle(), "age [years]")

    def testPatientOfUnknownAgeStandsApart(self):
        chart = cases.rangeOf(True, math.nan, 0.09)
        _, series = self.written(chart)
        patient = self.points(series["A07, exam 1, age not known"])[0]
        self.assertGreater(patient[0], chart.gridAges.max())
        limits = self.points(series["central 95 %, all ages together"])
        np.testing.assert_array_equal(limits[:, 1], chart.unagedLimits)

    def testLimbTable(self):
        chart = cases.limbChart()
        (table,) = writeStudyCharts(self.scene, [chart])
        self.assertEqual((table.GetNumberOfRows(), table.GetLocked()), (50, True))
        self.assertEqual(column(table, "subject")[:2], ["A01", "A02"])
        for region, side in cases.TARGETS:
            rows = [row for row in chart.rows if (row.region, row.side) == (region, side)]
            np.testing.assert_array_equal(column(table, f"{region}_{side}"), [row.value for row in rows])
            self.assertEqual(column(table, f"{region}_{side}_status"), [row.status for row in rows])
            umn = column(table, f"{region}_{side}_umn_{rows[0].limb}")
            np.testing.assert_array_equal(umn, [row.umn for row in rows])

    def testGroupsThatNobodyNamedAreDrawn(self):
        chart = cases.differenceChart()
        _, series = self.written(DifferenceChart("d", "T", "v", chart.blandAltman, ("a", "b")))
        self.assertEqual(len(self.points(series["pairs (n = 40)"])), 40)
        chart = replace(cases.boxChart(), groups=("als", "control", "pls"))
        self.assertIn("pls (n = 10)", self.written(chart)[1])
        self.assertNotIn(MIMIC, self.written(chart)[1])

    def testAnotherObjectIsRefused(self):
        with self.assertRaisesRegex(TypeError, "Found a str"):
            writeStudyCharts(self.scene, ["roc"])


class AgainTest(StudySceneCase):
    def counts(self):
        return [len(nodesOfClass(self.scene, name)) for name in PLOT_CLASSES]

    def testAnotherRunUsesTheSameNodes(self):
        charts = cases.allCharts()
        first = writeStudyCharts(self.scene, charts)
        counts = self.counts()
        second = writeStudyCharts(self.scene, charts)
        self.assertEqual([node.GetID() for node in first], [node.GetID() for node in second])
        self.assertEqual(self.counts(), counts)

    def testWhatIsGoneIsRemovedAndOtherStudiesStay(self):
        other = writeStudyCharts(self.scene, [cases.rocChart()], "Phase study")
        before = self.counts()
        writeStudyTables(self.scene, resultOf(), "Profile study")
        writeStudyCharts(self.scene, [cases.boxChart(), cases.limbChart()], "Profile study")
        (box,) = writeStudyCharts(self.scene, [replace(cases.boxChart(), cutoff=math.nan)], "Profile study")
        self.assertNotIn("cut-off 0.064", self.series(box))
        writeStudyCharts(self.scene, [], "Profile study")
        self.assertEqual(np.subtract(self.counts(), before).tolist(), [0, 0, 3])  # the study's own tables
        self.assertEqual(len(self.series(other[0])), len(plotOf(cases.rocChart()).series))

    def testACaseThatIsHandedOnTakesNoOtherPatientsAlong(self):
        writeStudyCharts(self.scene, [cases.boxChart(), cases.limbChart()])
        self.scene.AddNewNodeByClass("vtkMRMLTableNode", "of the case").AddDefaultStorageNode()
        with tempfile.TemporaryDirectory() as folder:
            saveScene(self.scene, Path(folder) / "study.mrb")
            loaded = HeadlessScene()
            loadScene(loaded.scene, Path(folder) / "study.mrb")
            shutil.unpack_archive(Path(folder) / "study.mrb", Path(folder) / "unpacked", "zip")
            texts = [path.read_bytes() for path in (Path(folder) / "unpacked").rglob("*") if path.is_file()]
        self.assertEqual(nodesOfClass(loaded.scene, "vtkMRMLPlotChartNode"), [])
        self.assertEqual([node.GetName() for node in nodesOfClass(loaded.scene, "vtkMRMLTableNode")], ["of the case"])
        other = cases.boxChart().subjects[0][0]
        self.assertFalse([text for text in texts if other.encode() in text])


if __name__ == "__main__":
    unittest.main()
