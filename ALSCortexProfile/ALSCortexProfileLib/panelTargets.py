"""The table of targets: one row each, with its slices, its numbers and its status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

from .panelTexts import targetText

HIDDEN = "\u2022 \u2022 \u2022"
MAX_COLUMN_PIXELS = 135
COLUMNS = ("target", "slices", "sh", "thickness", "ratio", "status")


@dataclass(frozen=True)
class TargetRow:
    """What one row shows.

    :param isPreliminary: numbers without their interval yet. status: words. advice: what to do, for the tooltip.
    """

    target: str
    slices: str = ""
    sh: str = "-"
    thickness: str = "-"
    ratio: str = "-"
    status: str = ""
    advice: str = ""
    isPreliminary: bool = False


class TargetsTable:
    """A `QTableWidget` that shows `TargetRow`s.

    :param onClicked: called with the target that the user clicked.
    """

    def __init__(self, tableWidget, onClicked: Callable[[str], None]):
        self._table, self._onClicked = tableWidget, onClicked
        self._targets: list[str] = []
        tableWidget.setColumnCount(len(COLUMNS))
        tableWidget.setHorizontalHeaderLabels(
            [_("Target"), _("Slice"), _("SH"), _("Thk\nmm"), _("SH/Thk, 1/mm\n(95 % CI)"), _("Status")]
        )
        tableWidget.verticalHeader().setVisible(False)
        header = tableWidget.horizontalHeader()
        for column, name in enumerate(COLUMNS):
            # Words wrap, numbers do not: names and words share what the numbers leave.
            isWords = name in ("target", "status")
            header.setSectionResizeMode(column, qt.QHeaderView.Stretch if isWords else qt.QHeaderView.ResizeToContents)
        header.setMaximumSectionSize(MAX_COLUMN_PIXELS)
        resized = qt.QTimer(tableWidget)  # the table knows its new widths a moment after they change
        resized.setSingleShot(True)
        resized.connect("timeout()", self._fitHeight)
        header.connect("sectionResized(int,int,int)", lambda _column, _before, _now: resized.start())
        tableWidget.setWordWrap(True)
        tableWidget.connect("cellClicked(int,int)", self._clicked)

    def show(self, rows: Sequence[TargetRow], selected: str) -> None:
        """Fill the table, and mark the target in hand."""
        self._targets = [row.target for row in rows]
        wasBlocked = self._table.blockSignals(True)
        self._table.setRowCount(len(rows))
        for index, row in enumerate(rows):
            self._showRow(index, row)
        if selected in self._targets:
            self._table.selectRow(self._targets.index(selected))
        else:
            self._table.clearSelection()
        self._table.blockSignals(wasBlocked)
        self._fitHeight()

    def _fitHeight(self) -> None:
        self._table.resizeRowsToContents()
        # As high as its rows: the panel scrolls, not the table in it.
        height = self._table.horizontalHeader().height + 2 * self._table.frameWidth
        height += sum(self._table.rowHeight(index) for index in range(self._table.rowCount))
        self._table.setFixedHeight(height)

    def text(self, target: str, column: str) -> str:
        """What a cell shows."""
        return self._table.item(self._targets.index(target), COLUMNS.index(column)).text()

    def click(self, target: str) -> None:
        """As a click on the row of a target."""
        self._clicked(self._targets.index(target), 0)

    def _clicked(self, row: int, _column: int) -> None:
        self._onClicked(self._targets[row])

    def _showRow(self, index: int, row: TargetRow) -> None:
        texts = (targetText(row.target), row.slices or "-", row.sh, row.thickness, row.ratio, row.status)
        palette = self._table.palette
        numbers = palette.color(qt.QPalette.Disabled if row.isPreliminary else qt.QPalette.Active, qt.QPalette.Text)
        for column, text in enumerate(texts):
            item = self._table.item(index, column)
            if item is None:
                item = qt.QTableWidgetItem()
                self._table.setItem(index, column, item)
            if item.text() != text:
                item.setText(text)
            item.setToolTip(row.advice)
            if 2 <= column <= 4:
                item.setTextAlignment(qt.Qt.AlignCenter)
                item.setForeground(qt.QBrush(numbers))
