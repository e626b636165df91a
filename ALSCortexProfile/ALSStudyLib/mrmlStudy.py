"""A study's results as Slicer nodes: tables with titles, and plots of the same charts that `studyFigures` draws.

Nodes of an earlier run of the same study are used again, so that layouts and views keep what they show; charts that the
new run no longer has are removed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import slicer

from .mrmlNodes import fillTableNode, nodesOfClass
from .provenance import DISCLAIMER, VERSION
from .studyCharts import LEFT, RIGHT, Chart, LimbChart
from .studyPlots import Plot, PlotSeries, plotOf
from .studyRows import STATISTICS_COLUMNS
from .tables import Column

STUDY_ATTRIBUTE = "ALSMotorCortex.Study"
OUTPUT_ATTRIBUTE = "ALSMotorCortex.StudyOutput"
VERSION_ATTRIBUTE = "ALSMotorCortex.StudyVersion"
SETTINGS_ATTRIBUTE = "ALSMotorCortex.StudySettings"
_CHART = "chart"
_CLASSES = ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode")
_POINT_SIZE = 9.0

PROBLEM_COLUMNS = (
    Column("kind", "refused: left out; suspect: looks like a slip, and is used as it stands", isText=True),
    Column("subject", "Whom it is about", isText=True),
    Column("exam", "Which exam", isText=True),
    Column("region", "Which region", isText=True),
    Column("side", "left, right, or both", isText=True),
    Column("measure", "Which number", isText=True),
    Column("sentence", "What was found, what was expected, what to do", isText=True),
)


# Tables ---------------------------------------------------------------------------------------------------------


def writeStudyTables(scene, result, study: str = "") -> list:
    """The statistics, what goes beyond the contract's list, and what is wrong with the input, as locked tables.

    :param result: `study.StudyResult`. study: its name in the scene, by which an earlier run is found and replaced.
    """
    study = study or studyName(result.kind)
    outputs, settings = _Outputs(scene, study), result.settings.toDict()
    problems = [
        {column.name: getattr(problem, column.name) for column in PROBLEM_COLUMNS} for problem in result.problems
    ]
    tables = []
    for key, columns, rows in (
        ("statistics", STATISTICS_COLUMNS, result.rows),
        ("supplement", STATISTICS_COLUMNS, result.supplement),
        ("problems", PROBLEM_COLUMNS, problems),
    ):
        node = outputs.node("vtkMRMLTableNode", key, f"{study} {key}")
        node.SetAttribute(SETTINGS_ATTRIBUTE, json.dumps(settings))
        with slicer.util.NodeModify(node):
            fillTableNode(node, columns, rows)
        tables.append(node)
    return tables


def studyName(kind: str) -> str:
    """Name in the scene of the study of one kind of measurement."""
    return f"{kind.capitalize()} study"


def limbColumns(chart: LimbChart) -> list[Column]:
    """Columns of the left-right table: per region, the patient's right and left, each with its limb's UMN score."""
    columns = [Column(name, name.capitalize(), isText=True) for name in ("subject", "exam", "group")]
    for region in chart.regions():
        for side in (RIGHT, LEFT):
            where = f"{region}_{side}"
            words = f"{region.replace('_', ' ')} of the {side} hemisphere"
            limb = next((r.limb for r in chart.rows if (r.region, r.side) == (region, side)), "")
            columns += [
                Column(where, f"{chart.valueLabel}, {words}"),
                Column(f"{where}_status", f"Outcome of measuring the {words}", isText=True),
            ]
            if limb:
                columns.append(Column(f"{where}_umn_{limb}", f"UMN score of the limb that goes with the {words}"))
    return columns


def limbTableRows(chart: LimbChart) -> list[dict]:
    rows = []
    for (subject, exam), parts in chart.exams().items():
        row = {"subject": subject, "exam": exam, "group": parts[0].group}
        for part in parts:
            where = f"{part.region}_{part.side}"
            row |= {where: part.value, f"{where}_status": part.status, f"{where}_umn_{part.limb}": part.umn}
        rows.append(row)
    return rows


# Plots ----------------------------------------------------------------------------------------------------------


def writeStudyCharts(scene, charts: Sequence[Chart], study: str = "Study") -> list:
    """One node per chart, in order: a plot chart with its series and their tables; a table for a `LimbChart`.

    :param study: as in `writeStudyTables` (`studyName`): its charts that are not among `charts` are removed.
    :raises TypeError: no chart of a study.
    """
    # All at once, so that nothing is half-written.
    plots = [None if isinstance(chart, LimbChart) else plotOf(chart) for chart in charts]
    outputs, written = _Outputs(scene, study), []
    for chart, plot in zip(charts, plots, strict=True):
        key = f"{_CHART}:{chart.name}"
        if plot is None:
            node = outputs.node("vtkMRMLTableNode", key, f"{study} {chart.title}")
            with slicer.util.NodeModify(node):
                fillTableNode(node, limbColumns(chart), limbTableRows(chart))
        else:
            node = _writePlot(outputs, plot, key)
        node.SetDescription(" ".join(filter(None, (chart.note, DISCLAIMER))))
        written.append(node)
    outputs.removeStale(f"{_CHART}:")
    return written


class _Outputs:
    """The nodes that a study has in a scene, by class and key; what is asked for is used again or added."""

    def __init__(self, scene, study: str):
        self.scene, self.study, self.asked = scene, study, set()
        nodes = [node for className in _CLASSES for node in nodesOfClass(scene, className)]
        self.found = {
            (node.GetClassName(), node.GetAttribute(OUTPUT_ATTRIBUTE)): node
            for node in nodes
            if node.GetAttribute(STUDY_ATTRIBUTE) == study and node.GetAttribute(OUTPUT_ATTRIBUTE)
        }

    def node(self, className: str, key: str, name: str):
        place = className, key
        node = self.found.get(place) or self.scene.AddNewNodeByClass(className, name)
        self.found[place] = node
        self.asked.add(place)
        node.SetName(name)
        node.SetSaveWithScene(False)  # a case that is handed on must not take other patients along
        node.SetAttribute(STUDY_ATTRIBUTE, self.study)
        node.SetAttribute(OUTPUT_ATTRIBUTE, key)
        node.SetAttribute(VERSION_ATTRIBUTE, VERSION)
        return node

    def removeStale(self, prefix: str) -> None:
        for place in [place for place in self.found if place[1].startswith(prefix) and place not in self.asked]:
            self.scene.RemoveNode(self.found.pop(place))


def _writePlot(outputs: _Outputs, plot: Plot, key: str):
    """A chart with its series and their tables."""
    chart = outputs.node("vtkMRMLPlotChartNode", key, f"{outputs.study} {plot.title}")
    with slicer.util.NodeModify(chart):
        chart.RemoveAllPlotSeriesNodeIDs()
        for part in plot.series:
            if len(part.x):
                series = _writeSeries(outputs, plot, part, f"{key}:{part.key}")
                chart.AddAndObservePlotSeriesNodeID(series.GetID())
        chart.SetTitle(plot.title)
        chart.SetXAxisTitle(plot.xLabel)
        chart.SetYAxisTitle(plot.yLabel)
        xRange, yRange = plot.ranges()
        chart.SetXAxisRangeAuto(False)
        chart.SetYAxisRangeAuto(False)
        chart.SetXAxisRange(*xRange)
        chart.SetYAxisRange(*yRange)
        chart.SetLegendVisibility(plot.hasLegend)
        chart.SetEnablePointMoveAlongX(False)
        chart.SetEnablePointMoveAlongY(False)
        chart.SetTitleFontSize(14)
        chart.SetAxisTitleFontSize(12)
        chart.SetAxisLabelFontSize(11)
        chart.SetLegendFontSize(10)
    chart.Modified()
    return chart


def _writeSeries(outputs: _Outputs, plot: Plot, part: PlotSeries, key: str):
    # A table of its own, for series have different lengths.
    table = outputs.node("vtkMRMLTableNode", f"{key}:table", f"{outputs.study} {plot.title} {part.key}")
    columns = [Column("x", plot.xLabel), Column("y", plot.yLabel)]
    columns += [Column("subject", "Whose value it is", isText=True)] if part.labels else []
    labels = part.labels or ("",) * len(part.x)
    rows = [{"x": x, "y": y, "subject": label} for x, y, label in zip(part.x, part.y, labels, strict=True)]
    # VTK warns at each painting of a single point.
    rows = rows * 2 if len(rows) == 1 else rows
    with slicer.util.NodeModify(table):
        fillTableNode(table, columns, rows)
        table.SetHideFromEditors(True)  # only the chart reads it
    series = outputs.node("vtkMRMLPlotSeriesNode", f"{key}:series", part.name)
    with slicer.util.NodeModify(series):
        # A line plot ignores x; scatter does not.
        series.SetPlotType(series.PlotTypeScatter)
        series.SetXColumnName("x")
        series.SetYColumnName("y")
        series.SetLabelColumnName("subject" if part.labels else "")
        series.SetLineStyle(getattr(series, f"LineStyle{part.line}"))
        series.SetLineWidth(part.width)
        series.SetMarkerStyle(getattr(series, f"MarkerStyle{part.marker}"))
        series.SetMarkerSize(_POINT_SIZE)
        series.SetColor(*part.color)
        series.SetHideFromEditors(True)
        series.SetAndObserveTableNodeID(table.GetID())
    return series
