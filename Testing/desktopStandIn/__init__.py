"""
A stand-in for the desktop of 3D Slicer, for machines that have only the wheel slicer-core. It is not Slicer.

MRML, its logics and slicer.util are Slicer's own. Qt is PySide6 without a screen, behind objects that answer as
PythonQt on Qt 5.15 does and refuse what it refuses. The widgets of CTK and Slicer are small imitations with the
properties, signals and slots of the real headers. What the stand-in cannot do raises NotImplementedError.

    from desktopStandIn import start, openModule, click, renderPanel
    start()                                # or unittest.SkipTest
    widget = openModule("ALSCortexProfile")
    click(widget.ui.measureButton)         # refused while it is disabled or hidden
    renderPanel(widget, "panel.png", theme="dark")
"""

from .desktop import (
    SlotError,
    answerNext,
    choose,
    click,
    clickCell,
    closeModule,
    closeScene,
    enter,
    enterText,
    enterValue,
    leave,
    openModule,
    popups,
    processEvents,
    reloadModule,
    renderPanel,
    runSelfTest,
    start,
)

__all__ = [
    "SlotError",
    "answerNext",
    "choose",
    "click",
    "clickCell",
    "closeModule",
    "closeScene",
    "enter",
    "enterText",
    "enterValue",
    "leave",
    "openModule",
    "popups",
    "processEvents",
    "reloadModule",
    "renderPanel",
    "runSelfTest",
    "start",
]
