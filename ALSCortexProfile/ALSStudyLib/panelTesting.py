"""What the self-tests of both panels share: an empty scene, the panel shown, and patience."""

from __future__ import annotations

import time
from collections.abc import Callable

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

PATIENCE_S = 60


class PanelTest(ScriptedLoadableModuleTest):
    """Every test begins with an empty scene and the panel of `moduleName` shown; its tests are named `test_...`."""

    moduleName = ""

    def setUp(self):
        slicer.mrmlScene.Clear()
        self.panel = shownPanel(self.moduleName)
        self.exam, self.ui, self.logic = self.panel.exam, self.panel.ui, self.panel.logic

    def tearDown(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        for name in sorted(name for name in dir(self) if name.startswith("test_")):
            self.delayDisplay(name)
            self.setUp()
            try:
                getattr(self, name)()
            finally:
                self.tearDown()


def wait(isDone: Callable[[], bool]) -> None:
    """Handle events until something is done.

    :raises AssertionError: it is not within a minute.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        slicer.app.processEvents()
        if isDone():
            return
        if time.monotonic() > end:
            raise AssertionError("The panel did not come to rest.")
        time.sleep(0.005)


def shownPanel(moduleName: str):
    """The panel of a module, entered as by a user."""
    panel = slicer.util.getModuleWidget(moduleName)
    if slicer.util.mainWindow() is not None:
        slicer.util.selectModule(moduleName)
    elif not panel.parent.isEntered:
        panel.enter()
    return panel
