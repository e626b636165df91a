"""The two tables of the panel: regions, and the slices of the region in hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

from .panelRows import RegionRow, SliceRow

REGION_COLUMNS = ("region", "side", "slice", "pixels", "area", "rad", "hz")
SLICE_COLUMNS = ("slice", "rank", "rad", "bar", "sd", "hz", "pixels", "area")
NUMBERS = ("slice", "rank", "pixels", "area", "rad", "sd", "hz")
MIN_LINES, MAX_LINES = 2, 24
ROW_SPACE = 7  # pixels between two lines
SQUARE = 10  # pixels of a region's color
AMBER_ON_LIGHT, AMBER_ON_DARK = "#8f5200", "#ffb74d"


@dataclass(frozen=True)
class TableRow:
    """:param words: a line below the row; "" for none. amber: columns that warn. color: of the square, "#rrggbb"."""

    key: object
    cells: dict[str, str]
    tip: str
    words: str = ""
    amber: tuple[str, ...] = ()
    isBold: bool = False
    color: str = ""


def warningColor(widget):
    """Amber that can be read on the widget's background, light or dark; it never stands without a word or a sign."""
    isDark = widget.palette.color(qt.QPalette.Base).lightness() < 128
    return qt.QColor(AMBER_ON_DARK if isDark else AMBER_ON_LIGHT)


class _RowsTable:
    """A `QTableWidget` of rows with a key each, as high as its rows; a row may have a line of words below it.

    :param onSelected: called with the key of a row that the user selects, and of the selected one clicked again.
    """

    def __init__(
        self, tableWidget, columns: Sequence[str], titles: Sequence[str], stretched: str, onSelected: Callable
    ):
        self._table, self._columns, self._onSelected = tableWidget, columns, onSelected
        self._keys: list = []
        tableWidget.setColumnCount(len(columns))
        tableWidget.setHorizontalHeaderLabels(list(titles))
        tableWidget.setWordWrap(False)
        tableWidget.iconSize = qt.QSize(SQUARE, SQUARE)
        rowHeader = tableWidget.verticalHeader()
        rowHeader.setVisible(False)
        rowHeader.setMinimumSectionSize(1)
        rowHeader.setDefaultSectionSize(tableWidget.fontMetrics().height() + ROW_SPACE)
        header = tableWidget.horizontalHeader()
        header.setMinimumSectionSize(18)
        header.setHighlightSections(False)
        for index, column in enumerate(columns):
            mode = qt.QHeaderView.Stretch if column == stretched else qt.QHeaderView.ResizeToContents
            header.setSectionResizeMode(index, mode)
        tableWidget.connect("cellClicked(int,int)", self._clicked)
        tableWidget.connect("currentCellChanged(int,int,int,int)", self._moved)

    @property
    def keys(self) -> list:
        """Of the rows, in order."""
        return list(dict.fromkeys(self._keys))

    def text(self, key, column: str) -> str:
        """What a cell shows."""
        return self._item(key, column).text()

    def words(self, key) -> str:
        """What the line below a row says; "" without one."""
        row = self._keys.index(key) + 1
        return self._table.item(row, 0).text().strip() if self._keys[row : row + 1] == [key] else ""

    def toolTip(self, key, column: str) -> str:
        return self._item(key, column).toolTip()

    def click(self, key) -> None:
        """As a click on a row."""
        self._clicked(self._keys.index(key), 0)

    def _item(self, key, column):
        return self._table.item(self._keys.index(key), self._columns.index(column))

    def _clicked(self, row: int, _column: int) -> None:
        self._onSelected(self._keys[row])

    def _moved(self, row: int, _column: int, previousRow: int, _previousColumn: int) -> None:
        if row != previousRow and 0 <= row < len(self._keys):
            self._onSelected(self._keys[row])

    def _fill(self, rows: Sequence[TableRow], selected) -> None:
        wasBlocked = self._table.blockSignals(True)
        self._keys = [row.key for row in rows for _line in range(2 if row.words else 1)]
        self._table.clearSpans()
        self._table.setRowCount(len(self._keys))
        amber = qt.QBrush(warningColor(self._table))
        line = 0
        for row in rows:
            for column in self._columns:
                isWarning = column in row.amber
                self._show(line, column, row.cells[column], row.tip, amber if isWarning else None, row.isBold)
            self._table.item(line, 0).setData(qt.Qt.DecorationRole, qt.QColor(row.color) if row.color else None)
            line += 1
            if row.words:
                self._show(line, self._columns[0], f"    {row.words}", row.tip, None, False)
                self._table.item(line, 0).setData(qt.Qt.DecorationRole, None)
                self._table.setSpan(line, 0, 1, len(self._columns))
                line += 1
        if selected in self._keys:
            self._table.setCurrentCell(self._keys.index(selected), 0)
        else:
            self._table.clearSelection()
        self._table.blockSignals(wasBlocked)
        # As high as its rows: the panel scrolls, not the table in it.
        shown = min(max(len(self._keys), MIN_LINES), MAX_LINES)
        height = self._table.horizontalHeader().sizeHint.height() + 2 * self._table.frameWidth
        self._table.setFixedHeight(height + shown * self._table.verticalHeader().defaultSectionSize)

    def _show(self, line, column, text, tip, brush, isBold) -> None:
        index = self._columns.index(column)
        item = self._table.item(line, index)
        if item is None:
            item = qt.QTableWidgetItem("")
            if column in NUMBERS:
                item.setTextAlignment(int(qt.Qt.AlignRight) | int(qt.Qt.AlignVCenter))
            self._table.setItem(line, index, item)
        if item.text() != text:
            item.setText(text)
        item.setToolTip(tip)
        item.setData(qt.Qt.ForegroundRole, brush)  # None: as the theme has it
        font = item.font()
        font.setBold(isBold)
        item.setFont(font)


class RegionsTable(_RowsTable):
    """A row per region and side: slices that are kept, pixels against the rule, value; remarks below it."""

    def __init__(self, tableWidget, onSelected: Callable[[str], None]):
        titles = [_("Region"), _("Side"), _("Slice"), _("Pixels"), _("mm²"), _("rad"), _("Hz")]
        super().__init__(tableWidget, REGION_COLUMNS, titles, "region", onSelected)

    def show(self, rows: Sequence[RegionRow], selected: str, colors: dict[str, str] | None = None) -> None:
        """:param colors: of the regions' segments, as "#rrggbb", by slug."""
        colors = colors or {}
        tableRows = [
            TableRow(
                row.slug,
                row.cells,
                row.tip,
                words=row.remarks,
                amber=("pixels",) if row.isOutside else (),
                color=colors.get(row.slug, ""),
            )
            for row in rows
        ]
        self._fill(tableRows, selected)


class SlicesTable(_RowsTable):
    """A row per slice of the region in hand; those that are kept are bold, and have a rank and a full bar."""

    def __init__(self, tableWidget, onSelected: Callable[[int], None]):
        titles = [_("Slice"), _("Rank"), _("rad"), "", _("SD"), _("Hz"), _("Pixels"), _("mm²")]
        super().__init__(tableWidget, SLICE_COLUMNS, titles, "bar", onSelected)

    def show(self, rows: Sequence[SliceRow]) -> None:
        tableRows = [
            TableRow(row.slice, row.cells, row.tip, amber=("pixels",) if row.isOutside else (), isBold=row.isKept)
            for row in rows
        ]
        self._fill(tableRows, None)
