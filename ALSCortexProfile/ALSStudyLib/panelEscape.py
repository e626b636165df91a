"""The Escape key ends what a panel has begun in the views: Slicer's place mode listens to the right button only."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer


class EscapeKey:
    """Calls a function when the user presses Escape anywhere in the main window, while it is enabled."""

    def __init__(self, function: Callable[[], None]):
        self._function = function
        self._shortcut = None

    def setEnabled(self, enabled: bool) -> None:
        if self._shortcut is None:
            if not enabled or slicer.util.mainWindow() is None:
                return
            self._shortcut = qt.QShortcut(qt.QKeySequence("Esc"), slicer.util.mainWindow())
            self._shortcut.setContext(qt.Qt.ApplicationShortcut)  # also while the panel is undocked
            self._shortcut.connect("activated()", self._function)
        self._shortcut.setEnabled(enabled)
