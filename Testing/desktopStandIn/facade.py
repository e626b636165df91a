"""What the stand-ins of CTK's and Slicer's widgets share."""

from PySide6 import QtWidgets

from . import proxy, signals


def facade(cls: type) -> type:
    """Let the widget be found by the name of the class that it stands for."""
    proxy.facades[cls.standInName] = cls
    return cls


class Facade:
    """
    Part of a widget that stands for one of CTK or Slicer.

    `slicerTable.json` says which properties, signals and slots the real class has, and checks types. Here is what they
    do: `get_x` and `set_x` for a property x, `do_y` for a slot y. A property in `plain` is only remembered. What the
    real class has and the stand-in lacks raises NotImplementedError.
    """

    standInName = ""
    plain: dict[str, object] = {}

    def plainValues(self) -> dict:
        if "_plainValues" not in self.__dict__:
            self._plainValues = {}
            for cls in reversed(type(self).__mro__):
                self._plainValues |= cls.__dict__.get("plain", {})
        return self._plainValues

    def readProperty(self, name: str):
        getter = getattr(self, f"get_{name}", None)
        if getter:
            return getter()
        if name in self.plainValues():
            return self.plainValues()[name]
        raise NotImplementedError(f"{self.standInName}.{name} exists in Slicer, but the stand-in lacks it")

    def writeProperty(self, name: str, value) -> None:
        setter = getattr(self, f"set_{name}", None)
        if setter:
            setter(value)
        elif name in self.plainValues():
            self.plainValues()[name] = value
        else:
            raise NotImplementedError(f"{self.standInName}.{name} exists in Slicer, but the stand-in lacks it")

    def __getattr__(self, name: str):
        # a slot setX of a property x, as the real widgets have them
        if name.startswith("do_set") and len(name) > 6:
            own = name[6].lower() + name[7:]
            if hasattr(type(self), f"set_{own}") or own in self.plainValues():
                return lambda value: self.writeProperty(own, value)
        raise AttributeError(name)

    def emitSignal(self, signal: str, *arguments) -> None:
        signals.emit(self, signal, *arguments)


class WidgetFacade(Facade, QtWidgets.QWidget):
    """A facade that is a plain widget."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.build()

    def build(self) -> None:
        """Put the parts together."""
