"""The pictures of a study: what is drawn, and where, and that no word covers another."""

import math
import tempfile
import unittest
import warnings
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import studyChartTestCases as cases
from ALSStudyLib import agreement, limbFigure, studyFigures
from ALSStudyLib.estimate import Estimate
from ALSStudyLib.sliceFigures import DPI, figureStyle, saveFigure
from ALSStudyLib.studyPlots import plotOf
from ALSStudyLib.studyCharts import MINUS, BoxChart, LimbRow, ScatterChart, quartiles, sideBySide, swarm, withInterval
from matplotlib.colors import to_rgba
from matplotlib.image import imread
from matplotlib.text import Text

NAN = math.nan


def drawn(chart):
    """The figure of a chart, not laid out."""
    with figureStyle():
        return studyFigures.drawChart(chart)


def laidOut(chart):
    """The figure of a chart as it is saved."""
    with figureStyle(), tempfile.TemporaryDirectory() as folder:
        figure = studyFigures.drawChart(chart)
        figure.set_dpi(DPI)
        saveFigure(figure, Path(folder) / "figure.png")
    return figure


def pointsOf(ax, marker):
    """(n, 2) of all markers of a kind."""
    lines = [line for line in ax.lines if line.get_marker() == marker]
    return np.concatenate([np.column_stack(line.get_data()) for line in lines])


def textsOf(figure):
    """Every word that can be seen, with its place in pixels: words, (n, 4) of left, bottom, right, top."""
    hidden = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if not low - 1e-9 <= tick.get_loc() <= high + 1e-9]
            hidden |= {label for tick in ticks for label in (tick.label1, tick.label2)}
        if not ax.axison:
            hidden |= set(ax.xaxis.findobj(Text)) | set(ax.yaxis.findobj(Text))
    texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible() and t not in hidden]
    return [text.get_text() for text in texts], np.array([text.get_window_extent().extents for text in texts])


def levelsOf(ax):
    """Heights of the lines across the whole axes."""
    return [line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]]


class EveryFigureTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        apart = replace(cases.rangeOf(True, NAN, 0.09), name="range_apart")
        limbs = replace(cases.limbChart(), rows=LimbTest.phaseRows(), isLargerWorse=False, limit=-0.15)
        one = limbs.ofExam("P1", "1", "limbs_one_region", "T beside the UMN score of the opposite limb")
        cls.charts = [*cases.allCharts(), apart, replace(cases.rangeOf(False), name="range_flat"), one]
        cls.figures = {chart.name: laidOut(chart) for chart in cls.charts}

    def testFilesAreNamedAfterTheirCharts(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = studyFigures.writeFigures(Path(folder) / "new", self.charts[:2])
            self.assertEqual([path.name for path in paths], ["shthk_by_group.png", "shthk_umn.png"])
            for path in paths:
                pixels = imread(path)
                self.assertGreaterEqual(pixels.shape[1], 700)
                self.assertGreater(np.std(pixels), 0.05)

    def testNoWordCoversAnother(self):
        for name, figure in self.figures.items():
            words, boxes = textsOf(figure)
            low, high = boxes[:, :2] + 1.0, boxes[:, 2:] - 1.0
            covers = np.all((low[:, None] < high) & (low < high[:, None]), axis=2)
            pairs = [(words[i], words[j]) for i, j in np.argwhere(np.triu(covers, 1))]
            with self.subTest(figure=name):
                self.assertEqual(pairs, [])
                self.assertGreater(len(words), 7)

    def testNoWordLeavesTheFigure(self):
        for name, figure in self.figures.items():
            words, boxes = textsOf(figure)
            outside = np.any(boxes[:, :2] < 0, axis=1) | np.any(boxes[:, 2:] > figure.bbox.extents[2:], axis=1)
            with self.subTest(figure=name):
                self.assertEqual([word for word, isOut in zip(words, outside, strict=True) if isOut], [])

    def testNoLegendCoversData(self):
        for name, figure in self.figures.items():
            for legend in [legend for ax in figure.axes for legend in [ax.get_legend()] if legend]:
                with self.subTest(figure=name):
                    self.assertFalse(legend.get_window_extent().overlaps(figure.axes[0].get_window_extent()))

    def testWordsCanBeReadOnHalfAPage(self):
        for name in ("shthk_by_group", "shthk_umn", "roc_shthk"):
            figure = self.figures[name]
            width, height = (25.4 * inches for inches in figure.get_size_inches())
            printed = min(88.0 / width, 63.0 / height)
            texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
            names = [t for t in texts if "diagnostic" not in t.get_text() and not t.get_text().startswith("A")]
            with self.subTest(figure=name):
                self.assertGreater(min(printed * text.get_fontsize() for text in names), 5.5)

    def testOneUnitOfARocIsAsLongBothWays(self):
        ax = self.figures["roc_shthk"].axes[0]
        box, spans = ax.get_window_extent(), (np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim()))
        self.assertAlmostEqual(box.width / spans[0], box.height / spans[1], delta=1.0)

    def testDisclaimerAndNoteAreThere(self):
        for chart in self.charts:
            words = " ".join(text.get_text() for text in self.figures[chart.name].findobj(Text))
            with self.subTest(chart=chart.name):
                self.assertIn("Supportive, not diagnostic", words)
                self.assertIn(" ".join(chart.note.split()), " ".join(words.split()))

    def testPoorChartsAreDrawnWithoutWarnings(self):
        empty, one = np.empty(0), cases.limbRows()[0]
        roc = cases.rocChart()
        bare = replace(roc.curves[0], bandLow=np.full(51, NAN), bandHigh=np.full(51, NAN), cutoffPoint=None)
        charts = (
            BoxChart("none", "T", "y", (), (), ()),
            BoxChart("equal", "T", "y", ("als", "control"), (np.ones(3), empty), (("a", "b", "c"), ())),
            ScatterChart("empty", "T", "x", "y", np.array([NAN]), np.array([1.0]), ("als",), ("a",)),
            replace(roc, curves=(bare,), points=()),
            replace(cases.differenceChart(), blandAltman=agreement.blandAltman([1.0], [2.0]), groups=("als",)),
            replace(cases.limbChart(), rows=()),
            replace(cases.limbChart(), rows=(replace(one, group="pls", value=NAN, status="no_band"),)),
        )
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("error")
            for chart in charts:
                with self.subTest(chart=chart.name):
                    self.assertEqual(len(studyFigures.writeFigures(Path(folder), [chart])), 1)

    def testAnotherObjectIsRefused(self):
        with self.assertRaisesRegex(TypeError, "Found a str"):
            studyFigures.drawChart("roc")


class BoxTest(unittest.TestCase):
    def setUp(self):
        self.chart = cases.boxChart()
        self.ax = drawn(self.chart).axes[0]

    def testEveryValueIsAPointInItsGroup(self):
        for place, (marker, values) in enumerate(zip("osD", self.chart.values, strict=True)):
            points = pointsOf(self.ax, marker)
            self.assertEqual(len(points), len(values))
            np.testing.assert_allclose(np.sort(points[:, 1]), np.sort(values))
            self.assertLess(np.max(np.abs(points[:, 0] - place)), 0.5)

    def testBoxesStandAtTheQuartiles(self):
        for patch, values in zip(self.ax.patches, self.chart.values, strict=True):
            heights = patch.get_path().vertices[:, 1]
            np.testing.assert_allclose([heights.min(), heights.max()], np.percentile(values, [25, 75]))

    def testCutOffAndCountsAreShown(self):
        self.assertIn(0.064, levelsOf(self.ax))
        self.assertEqual(self.ax.get_xticklabels()[0].get_text(), "ALS\nn = 27")

    def testMissingValuesAreCountedNotDrawn(self):
        values = (np.array([1.0, NAN, 2.0, 4.0]), np.array([NAN]))
        chart = BoxChart("b", "Title", "y", ("als", "control"), values, (("a", "b", "c", "d"), ("e",)))
        ax = drawn(chart).axes[0]
        labels = [text.get_text() for text in ax.get_xticklabels()]
        self.assertEqual(labels, ["ALS\nn = 3\n(1 not measured)", "Controls\nn = 0\n(1 not measured)"])
        self.assertEqual(np.count_nonzero(np.isfinite(pointsOf(ax, "o")[:, 1])), 3)
        self.assertEqual(len(ax.patches), 1)

    def testOutlierIsNamed(self):
        chart = BoxChart("b", "T", "y", ("als",), (np.r_[np.arange(9.0), 40.0],), (tuple("abcdefghi") + ("far",),))
        self.assertEqual([text.get_text() for text in drawn(chart).axes[0].texts], ["far"])

    def testQuartilesByHand(self):
        values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 100.0, NAN])
        self.assertEqual(quartiles(values), (1.0, 2.25, 3.5, 4.75, 5.0))
        with self.assertRaises(ValueError):
            quartiles(np.array([NAN]))


class SwarmTest(unittest.TestCase):
    def testPointsDoNotTouchAndStayTheSame(self):
        values = np.random.default_rng(0).normal(0, 1, 60)
        offsets = swarm(values, 0.2)
        for i, j in combinations(range(60), 2):
            self.assertGreaterEqual(math.hypot(offsets[i] - offsets[j], (values[i] - values[j]) / 0.2), 0.998)
        np.testing.assert_array_equal(offsets, swarm(values, 0.2))

    def testOnlyNeighborsMove(self):
        np.testing.assert_array_equal(swarm(np.array([0.0, 10.0, NAN, 20.0]), 1.0), [0, 0, NAN, 0])
        self.assertEqual(sorted(swarm(np.ones(3), 1.0)), [-1.0, 0.0, 1.0])

    def testOnlyPointsOfOneScoreStandSideBySide(self):
        np.testing.assert_array_equal(np.abs(sideBySide(np.array([1.0, 2.0, 2.0]), np.ones(3), 0.1)), [0, 0, 1])


class ScatterTest(unittest.TestCase):
    def testEveryValueIsDrawnAtItsScore(self):
        chart = cases.scatterChart()
        points = pointsOf(drawn(chart).axes[0], "o")
        measured = np.isfinite(chart.y)
        self.assertLess(np.count_nonzero(measured), len(chart.y))
        self.assertEqual(len(points), np.count_nonzero(measured))
        np.testing.assert_array_equal(points[:, 1], chart.y[measured])
        np.testing.assert_array_equal(np.round(points[:, 0]), chart.x[measured])

    def testDurationsAreNotMoved(self):
        x, y = np.array([10.5, 10.5, 33.1]), np.array([1.0, 1.0, 2.0])
        chart = ScatterChart("s", "T", "months", "y", x, y, ("als", "als", "mimic"), ("a", "b", "c"))
        ax = drawn(chart).axes[0]
        np.testing.assert_array_equal(pointsOf(ax, "o")[:, 0], x[:2])
        np.testing.assert_array_equal(pointsOf(ax, "D"), [[33.1, 2.0]])

    def testOneValueIsSingular(self):
        chart = ScatterChart("s", "T", "x", "y", np.array([1.0]), np.array([2.0]), ("als",), ("a",))
        self.assertEqual([part.name for part in plotOf(chart).series], ["ALS (1 value, n = 1)"])

    def testLegendCountsValuesAndSubjects(self):
        (legend,) = [ax.get_legend() for ax in drawn(cases.scatterChart()).axes if ax.get_legend()]
        measured = np.count_nonzero(np.isfinite(cases.scatterChart().y))
        self.assertEqual([text.get_text() for text in legend.get_texts()], [f"ALS ({measured} values, n = 27)"])


class RocTest(unittest.TestCase):
    def setUp(self):
        self.chart = cases.rocChart()
        self.figure = drawn(self.chart)
        self.ax = self.figure.axes[0]
        self.lines = {line.get_label(): line for line in self.ax.lines}

    @staticmethod
    def label(curve):
        return f"{curve.label}\n{curve.aucText}".replace(" to ", "\N{EN DASH}")

    def testLegendStandsInTheRoomBesideTheCurves(self):
        figure = laidOut(self.chart)
        (legend,) = [ax.get_legend() for ax in figure.axes if ax.get_legend()]
        curves = figure.axes[0].get_window_extent()
        self.assertGreater(legend.get_window_extent().x0, curves.x1)
        self.assertGreater(legend.get_window_extent().y1, curves.y0 + 0.9 * curves.height)

    def testALegendOfManyReadersStandsBelow(self):
        points = tuple(replace(self.chart.points[0], label=f"reading of reader {i}") for i in range(9))
        figure = laidOut(replace(self.chart, points=points))
        (legend,) = [ax.get_legend() for ax in figure.axes if ax.get_legend()]
        self.assertLess(legend.get_window_extent().y1, figure.axes[0].get_window_extent().y0)
        self.assertGreater(legend.get_window_extent().y0, 0)

    def testNegativeNumbersHaveOneKindOfMinus(self):
        curves = tuple(replace(curve, cutoffText="cut-off -0.136") for curve in self.chart.curves)
        chart = replace(self.chart, curves=curves, title="T (-0.1)", note="rho -0.31 (-0.67 to 0.17), sub-3")
        words = [text.get_text() for text in laidOut(chart).findobj(Text)]
        for expected in (f"cut-off {MINUS}0.136", f"T ({MINUS}0.1)", f"rho {MINUS}0.31 ({MINUS}0.67 to 0.17), sub-3"):
            self.assertIn(expected, words)
        plot = plotOf(chart)
        self.assertIn(f"cut-off {MINUS}0.136", [part.name for part in plot.series])
        self.assertEqual(plot.title, f"T ({MINUS}0.1)")

    def testBothRulesAreCurvesWithAUC(self):
        for curve in self.chart.curves:
            line = self.lines[self.label(curve)]
            np.testing.assert_array_equal(line.get_xdata(), curve.oneMinusSpecificity)
            np.testing.assert_array_equal(line.get_ydata(), curve.sensitivity)
        symmetric, paper = (self.lines[self.label(curve)] for curve in self.chart.curves)
        self.assertEqual((symmetric.get_linestyle(), paper.get_linestyle()), ("-", "--"))

    def testBandsCutOffsAndReadingsAreWhereTheyBelong(self):
        for band, curve in zip(self.ax.collections, self.chart.curves, strict=True):
            heights = band.get_paths()[0].vertices[:, 1]
            self.assertAlmostEqual(heights.min(), curve.bandLow.min())
            cutoff = self.lines[curve.cutoffText]
            np.testing.assert_array_equal(np.ravel(cutoff.get_data()), curve.cutoffPoint)
        for point in self.chart.points:
            x, y = np.ravel(self.lines[point.label].get_data())
            self.assertEqual((x, y), (point.oneMinusSpecificity, point.sensitivity))


class DifferenceTest(unittest.TestCase):
    def testLimitsBiasAndTheirIntervals(self):
        chart = cases.differenceChart()
        ax, result = drawn(chart).axes[0], chart.blandAltman
        lines = (result.upperLimit, result.bias, result.lowerLimit)
        for line in lines:
            self.assertIn(line.value, levelsOf(ax))
        spans = sorted((patch.get_y(), patch.get_y() + patch.get_height()) for patch in ax.patches)
        np.testing.assert_allclose(spans, sorted((line.ciLow, line.ciHigh) for line in lines))
        points = np.concatenate([pointsOf(ax, "o"), pointsOf(ax, "s")])
        np.testing.assert_array_equal(points, np.column_stack([result.means, result.differences]))

    def testNumbersHaveTheDigitsOfTheirInterval(self):
        self.assertEqual(
            withInterval(Estimate(-0.03741, -0.0488, -0.02961)), f"{MINUS}0.037 ({MINUS}0.049 to {MINUS}0.030)"
        )
        self.assertEqual(withInterval(Estimate(153.21, 140.0, 166.0)), "153 (140 to 166)")
        self.assertEqual(withInterval(Estimate(0.12345)), "0.123")


class RangeTest(unittest.TestCase):
    def testLimitsControlsAndPatient(self):
        chart = cases.rangeOf()
        ax = drawn(chart).axes[0]
        np.testing.assert_array_equal(pointsOf(ax, "*"), [[61.0, 0.118]])
        np.testing.assert_array_equal(pointsOf(ax, "s"), np.column_stack([chart.ages, chart.controls]))
        drawnLines = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == len(chart.gridAges)]
        for limit in (chart.low, chart.center, chart.high):
            self.assertTrue(any(np.array_equal(limit, line) for line in drawnLines))

    def testPatientOfUnknownAgeStandsApart(self):
        chart = cases.rangeOf(True, NAN, 0.09)
        ax = drawn(chart).axes[0]
        ((x, y),) = pointsOf(ax, "*")
        self.assertGreater(x, chart.gridAges.max())
        self.assertEqual(y, 0.09)
        self.assertEqual(ax.get_xticklabels()[-1].get_text(), "not\nknown")

    def testRangeWithoutAgeHasNoAxisOfAge(self):
        chart = cases.rangeOf(False)
        ax = drawn(chart).axes[0]
        self.assertEqual((len(ax.get_xticks()), ax.get_xlabel()), (0, "all ages together"))
        points = pointsOf(ax, "s")
        np.testing.assert_array_equal(points[:, 1], chart.controls)
        self.assertTrue(np.isfinite(points).all())
        self.assertEqual(pointsOf(ax, "*")[0, 0], np.mean(chart.gridAges))


class LimbTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chart = cases.limbChart()
        cls.figure = drawn(cls.chart)
        cls.placed = [(t.get_text(), *t.get_position(), t.get_fontweight()) for t in cls.figure.axes[0].texts]

    def row(self, subject, region, side):
        wanted = (subject, region, side)
        return next(row for row in self.chart.rows if (row.subject, row.region, row.side) == wanted)

    def cells(self, subject):
        """Texts of a card, by rows from the left."""
        _, x, y, _ = next(found for found in self.placed if found[0] == subject)
        card = [t for t in self.placed if abs(t[1] - x) < 0.5 * limbFigure.CARD_WIDTH and 0 < t[2] - y < 1.3]
        return [[t[0] for t in sorted(card, key=lambda t: t[1]) if abs(t[2] - line) < 0.1] for line in self.lines(card)]

    @staticmethod
    def lines(card):
        return sorted({round(t[2], 3) for t in card})

    def testRightIsLeftAndArmsAreAboveLegs(self):
        for subject in ("A01", "A09", "C11", "M10"):
            expected = []
            for region in ("hand_knob", "paracentral"):
                right, left = (self.row(subject, region, side) for side in ("right", "left"))
                words = [f"{right.umn:g}", *(self.valueWords(row) for row in (right, left)), f"{left.umn:g}"]
                expected.append(words)
            with self.subTest(subject=subject):
                self.assertEqual(self.cells(subject), expected)

    def valueWords(self, row):
        return f"{row.value:.3f}" if math.isfinite(row.value) else limbFigure.STATUS_WORDS[row.status]

    def testEverySubjectHasACard(self):
        words = [text for text, *_ in self.placed]
        self.assertEqual(sum(subject in words for subject in {row.subject for row in self.chart.rows}), 50)
        for heading in ("ALS (n = 27)", "Controls (n = 13)", "Mimics (n = 10)"):
            self.assertIn(heading, words)

    def testValuesBeyondTheLimitAreBold(self):
        beyond = sum(row.value >= self.chart.limit for row in self.chart.rows)
        bold = [text for text, *_, weight in self.placed if weight == "bold" and text[:2] == "0."]
        self.assertEqual(len(bold), beyond)

    def testMissingValuesSayWhy(self):
        words = [text for text, *_ in self.placed]
        self.assertEqual(words.count("no band"), sum(row.status == "no_band" for row in self.chart.rows))
        self.assertEqual(words.count("no fit"), sum(row.status == "not_converged" for row in self.chart.rows))

    def testWhatIsWorseIsDarker(self):
        def lightness(chart, value):
            return sum(to_rgba(limbFigure.valueColor(chart, value))[:3])

        phase = replace(self.chart, isLargerWorse=False, limit=-0.15, rows=self.phaseRows())
        self.assertLess(lightness(self.chart, 0.2), lightness(self.chart, 0.05))
        self.assertLess(lightness(phase, -0.25), lightness(phase, -0.05))
        self.assertTrue(limbFigure.isBeyond(phase, -0.2))
        self.assertFalse(limbFigure.isBeyond(phase, -0.1))

    def testScaleLeavesOutliersBeyondItAndALimitWithinItsFirstHalf(self):
        values = np.linspace(0.0, 1.0, 101)
        rows = tuple(replace(self.chart.rows[0], subject=str(value), value=value) for value in values)
        scales = [replace(self.chart, rows=rows, limit=limit).colorScale() for limit in (NAN, 0.3, 0.8)]
        np.testing.assert_allclose(scales, [(0.05, 0.95), (0.05, 0.95), (0.05, 1.55)])
        falling = replace(self.chart, rows=rows, limit=0.2, isLargerWorse=False)
        np.testing.assert_allclose(falling.colorScale(), (0.95, -0.55))
        none = replace(self.chart, rows=(replace(rows[0], value=NAN),), limit=NAN)
        self.assertEqual(none.colorScale(), (0.0, 1.0))
        self.assertEqual(replace(none, rows=rows[:1]).colorScale(), (0.0, 1.0))

    @staticmethod
    def phaseRows():
        return tuple(
            LimbRow(subject, "1", "als", "precentral_gyrus", side, value, "ok", f"arm_leg_{other}", 11.0)
            for subject, value in (("P1", -0.21), ("P2", -0.1))
            for side, other in (("left", "right"), ("right", "left"))
        )

    def testOneRegionWithBothLimbs(self):
        chart = replace(self.chart, isLargerWorse=False, limit=NAN, rows=self.phaseRows(), name="phase")
        words = [text.get_text() for text in drawn(chart).axes[0].texts]
        self.assertIn("UMN left arm\nand leg", words)
        self.assertIn(f"{MINUS}0.210", words)
        self.assertTrue(any("their sum" in " ".join(text.split()) for text in words))
        self.assertIn("precentral gyrus", words)

    def testOneExamAloneKeepsTheColorsOfAll(self):
        one = self.chart.ofExam("A09", "1", "limbs_A09", "A09")
        self.assertEqual(len(one.rows), 4)
        self.assertEqual(one.colorScale(), self.chart.colorScale())
        words = {t.get_text(): t.get_position() for t in drawn(one).axes[0].texts}
        self.assertLess(words["right\nhemisphere"][0], words["left\nhemisphere"][0])
        # The opposite limb: the right hemisphere's stands on the left.
        self.assertLess(words["left arm"][0], words["right arm"][0])
        self.assertLess(words["right arm"][1], words["right leg"][1])
        self.assertIn(f"{self.row('A09', 'hand_knob', 'right').value:.3f}", words)

    def testSeveralExamsAreToldApart(self):
        rows = [row for row in self.chart.rows if row.subject in ("A01", "A02")]
        rows += [replace(row, exam="2") for row in rows if row.subject == "A01"]
        words = [text.get_text() for text in drawn(replace(self.chart, rows=tuple(rows))).axes[0].texts]
        for expected in ("A01 · 1", "A01 · 2", "A02", "ALS (n = 2, 3 exams)"):
            self.assertIn(expected, words)

    def testWithoutScoresNoColumnIsKeptForThem(self):
        rows = tuple(replace(row, umn=NAN) for row in self.chart.rows)
        words = [text.get_text() for text in drawn(replace(self.chart, rows=rows)).axes[0].texts]
        self.assertFalse([word for word in words if "UMN" in word])

    def testWithoutScoresTheTitleDoesNotSpeakOfThem(self):
        title = "Phase shift (rad) beside the UMN score of the opposite limb"
        chart = replace(self.chart, rows=self.phaseRows(), title=title)
        self.assertEqual(drawn(chart).get_suptitle().replace("\n", " "), title)
        bare = replace(chart, rows=tuple(replace(row, umn=NAN) for row in chart.rows))
        for one in (bare, bare.ofExam("P1", "1", "one", title)):
            self.assertEqual(drawn(one).get_suptitle(), "Phase shift (rad)")

    def testOnlySixtyExamsAreDrawnAndTheOthersCounted(self):
        row = self.chart.rows[0]
        heights = []
        for count, words in ((60, ""), (61, "... and 1 more exam."), (2000, "... and 1940 more exams.")):
            rows = tuple(replace(row, subject=f"A{i}") for i in range(count))
            figure = drawn(replace(self.chart, rows=rows, note=""))
            texts = [text.get_text() for text in figure.axes[0].texts]
            self.assertEqual(sum(text in {each.subject for each in rows} for text in texts), 60)
            self.assertIn(f"ALS (n = {count})", texts)
            self.assertTrue(words in texts)
            heights.append(figure.get_figheight())
        self.assertLess(max(heights) - min(heights), 0.3)


if __name__ == "__main__":
    unittest.main()
