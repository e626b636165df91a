"""Blind readings in a scene: one table, which `study` reads once it is exported."""

from __future__ import annotations

from .errors import InputError
from .mrmlNodes import fillTableNode, nodesOfClass
from .reading import READING_COLUMNS, Reading
from .tables import MISSING

READINGS_ATTRIBUTE = "ALSMotorCortex.Readings"
READINGS_NAME = "Visual readings"


def readingsTable(scene):
    """The scene's table of readings; None before the first."""
    tables = nodesOfClass(scene, "vtkMRMLTableNode")
    return next((node for node in tables if node.GetAttribute(READINGS_ATTRIBUTE)), None)


def storedReadings(scene) -> list[Reading]:
    """:raises InputError: a table that is not one of readings."""
    node = readingsTable(scene)
    table = node.GetTable() if node else None
    if table is None or table.GetNumberOfRows() == 0:
        return []
    columns = {column.name: table.GetColumnByName(column.name) for column in READING_COLUMNS}
    missing = [name for name, array in columns.items() if array is None]
    if missing:
        raise InputError(
            f"Table '{node.GetName()}' has no column {missing[0]}; expected readings of ALS Cortex Profile; rename the "
            "table's attribute or delete it."
        )

    def value(column, row):
        found = columns[column.name].GetVariantValue(row).ToString()
        if column.isText:
            return "" if found == MISSING else found
        return int(float(found))

    return [
        Reading(**{column.name: value(column, row) for column in READING_COLUMNS})
        for row in range(table.GetNumberOfRows())
    ]


def addReading(scene, reading: Reading):
    """Append a reading to the scene's table, and return the table."""
    node = readingsTable(scene)
    readings = [*storedReadings(scene), reading]
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", READINGS_NAME)
        node.SetAttribute(READINGS_ATTRIBUTE, "1")
    fillTableNode(node, READING_COLUMNS, [reading.row for reading in readings])
    return node
