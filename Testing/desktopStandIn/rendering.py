"""Pictures of panels, marked as what they are."""

from pathlib import Path

from PySide6 import QtCore, QtGui, QtWidgets

from . import application, conversion, desktop

FOOTER = "Qt stand-in, not 3D Slicer"


def render(widget, path: Path, width: int, theme: str) -> Path:
    """
    Draw a widget at its natural height.

    :param widget: a widget of `qt`, or the module's widget object.
    """
    parent = widget if conversion.isWrapper(widget) else widget.parent
    raw = conversion.rawOf(parent)
    app = QtWidgets.QApplication.instance()
    before = app.palette()
    application.setTheme(theme)
    raw.show()
    for _pass in range(3):  # wrapped texts settle their height step by step
        layout = raw.layout()
        height = layout.totalHeightForWidth(width) if layout and layout.hasHeightForWidth() else raw.sizeHint().height()
        raw.resize(width, max(height, raw.minimumSizeHint().height(), 40))
        desktop.processEvents(0.05)
    panel = raw.grab()
    picture = QtGui.QImage(panel.width(), panel.height() + 18, QtGui.QImage.Format.Format_RGB32)
    picture.fill(QtGui.QColor("#ffd060"))
    painter = QtGui.QPainter(picture)
    painter.drawPixmap(0, 0, panel)
    painter.setPen(QtGui.QColor("#000000"))
    painter.drawText(picture.rect().adjusted(6, 0, -6, -2), QtCore.Qt.AlignmentFlag.AlignBottom, FOOTER)
    painter.end()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not picture.save(str(path)):
        raise OSError(f"{path} could not be written")
    app.setPalette(before)
    return path
