"""Observation of one node by a widget, which neither keeps alive."""

import shiboken6
import vtk


class NodeObserver:
    """Calls a function of a widget while the widget exists."""

    def __init__(self, widget, events: list, function):
        self.widget, self.events, self.function = widget, events, function
        self.node, self.tags = None, []

    def observe(self, node) -> None:
        if node is self.node:
            return
        self.stop()
        self.node = node
        if node is not None:
            for event in self.events:
                number = getattr(node, event, None) or getattr(vtk.vtkCommand, event)
                self.tags.append(node.AddObserver(number, self.called))

    def called(self, caller, event):
        if shiboken6.isValid(self.widget):
            self.function()
        else:
            self.stop()

    def stop(self, *_arguments) -> None:
        if self.node is not None:
            for tag in self.tags:
                self.node.RemoveObserver(tag)
        self.node, self.tags = None, []
