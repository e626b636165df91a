"""
Python objects that stand for objects of Qt and answer as PythonQt's do.

Look-up follows PythonQtInstanceWrapper_getattro and _setattro: property, method, signal, enum value, dynamic property,
child by its object name; everything else is an AttributeError.
"""

import functools
import weakref

import shiboken6
from PySide6 import QtCore

from . import conversion, dialogs, enums, signals, statics, tables

wrappers: "weakref.WeakValueDictionary[int, InstanceWrapper]" = weakref.WeakValueDictionary()
facades: dict[str, type] = {}  # widgets of CTK and Slicer by name
INTERNAL = ("standInRaw", "__class__", "__dict__")


class ClassWrapper(type):
    """A class of Qt: its static methods, enums and values of enums are attributes."""

    qtName = ""

    def __getattr__(cls, attribute: str):
        name = type.__getattribute__(cls, "qtName")
        if attribute.startswith("__") or not name:
            raise AttributeError(attribute)
        value = enums.enumValue(name, attribute)
        if value is not None:
            return value
        found = tables.enumOf(name, attribute)
        if found:
            return enums.enumClass(found[0], found[1])
        if tables.methodsOf(name, attribute, "static"):
            return statics.method(name, attribute)
        if tables.methodsOf(name, attribute) or attribute in {key.split("(")[0] for key in tables.signalsOf(name)}:
            return functools.partial(unbound, name, attribute)
        if attribute in tables.virtualsOf(name):
            return functools.partial(unboundVirtual, name, attribute)
        raise AttributeError(f"type object '{name}' has no attribute '{attribute}'")

    def __setattr__(cls, attribute, value):
        if not type.__getattribute__(cls, "isDerived") and attribute not in ("qtName", "isDerived"):
            statics.replace(cls.qtName, attribute, value)  # tests may replace a static method such as a file dialog
            return
        type.__setattr__(cls, attribute, value)

    def __delattr__(cls, attribute):
        if not type.__getattribute__(cls, "isDerived"):
            statics.restore(cls.qtName, attribute)
            return
        type.__delattr__(cls, attribute)


def unbound(name: str, attribute: str, *arguments):
    """Call such as qt.QWidget.setVisible(widget, True)."""
    if not arguments or not conversion.isWrapper(arguments[0], name):
        raise ValueError(f"slot {attribute} requires {name} instance as first argument")
    return BoundMethod(arguments[0], attribute, name)(*arguments[1:])


def unboundVirtual(name: str, attribute: str, wrapper, *arguments):
    """The base class's own method, called from the Python method that reimplements it."""
    base = facades.get(name) or conversion.pySideClass(name)
    plain = [conversion.rawOf(value) if conversion.isWrapper(value) else value for value in arguments]
    return conversion.fromQt(getattr(base, attribute)(rawOrRefuse(wrapper, attribute), *plain))


class InstanceWrapper(metaclass=ClassWrapper):
    """An object of Qt. `standInRaw` is PySide's object and not for modules."""

    __slots__ = ("__weakref__", "standInRaw")
    qtName = ""
    isDerived = False

    def __init__(self, *arguments, **keywords):
        name = type(self).qtName
        if keywords:
            raise ValueError(f"Called {name}() with keyword arguments, but called slot does not support kwargs.")
        overloads = tables.table()[name].get("new", ())
        if not overloads:
            raise TypeError(f"{name} cannot be instantiated: PythonQt shows no constructor")
        values = matched(overloads, arguments, name, f"{name}")
        make = pySideClassOf(type(self))
        setRaw(self, make(*values))

    def className(self) -> str:
        return type(self).__name__

    def inherits(self, name: str) -> bool:
        return tables.inherits(type(self).qtName, name)

    def help(self) -> None:
        """PythonQt prints the methods here."""

    def delete(self) -> None:
        shiboken6.delete(rawOrRefuse(self, "delete"))

    def __getattr__(self, attribute: str):
        if attribute in INTERNAL:
            raise AttributeError(attribute)
        return readAttribute(self, attribute)

    def __setattr__(self, attribute: str, value):
        writeAttribute(self, attribute, value)

    def __bool__(self) -> bool:
        return rawOrNone(self) is not None

    def __eq__(self, other) -> bool:
        if other is None:
            return not bool(self)
        if not isinstance(other, InstanceWrapper):
            return NotImplemented
        if tables.methodsOf(type(self).qtName, "__eq__") and type(self).qtName == type(other).qtName:
            return rawOrNone(self) == rawOrNone(other)
        return pointerOf(self) == pointerOf(other)

    def __hash__(self) -> int:
        return pointerOf(self)

    def __repr__(self) -> str:
        raw = rawOrNone(self)
        return f"{type(self).__name__} ({type(self).qtName} at: {pointerOf(self):#x})" if raw else type(self).__name__

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if "qtName" not in cls.__dict__:
            type.__setattr__(cls, "isDerived", True)


def rawOrNone(wrapper):
    try:
        return conversion.rawOf(wrapper)
    except AttributeError:  # before the base class's __init__
        return None


def rawOrRefuse(wrapper, attribute: str):
    raw = rawOrNone(wrapper)
    if raw is None:
        name = type(wrapper).qtName
        raise ValueError(f"Trying to use '{attribute}' of a destroyed {name} object, or before {name}.__init__")
    return raw


def pointerOf(wrapper) -> int:
    raw = rawOrNone(wrapper)
    return shiboken6.getCppPointer(raw)[0] if raw is not None else id(wrapper)


def setRaw(wrapper, raw) -> None:
    object.__setattr__(wrapper, "standInRaw", raw)
    pointer = shiboken6.getCppPointer(raw)[0]
    wrappers[pointer] = wrapper
    if type(wrapper).isDerived and isinstance(raw, QtCore.QObject):
        raw.standInWrapper = wrapper  # a Python subclass and its attributes live as long as the Qt object


@functools.cache
def classFor(name: str) -> type:
    """PythonQt's class of a name; like PythonQt's, it is no Python subclass of its Qt base class."""
    if name not in tables.table():
        raise AttributeError(f"PythonQt has no class '{name}', or the stand-in's tables lack it")
    return ClassWrapper(name, (InstanceWrapper,), {"qtName": name, "__slots__": (), "__module__": "qt"})


def wrap(raw):
    """The one wrapper of an object of PySide."""
    if raw is None or not shiboken6.isValid(raw):
        return None
    pointer = shiboken6.getCppPointer(raw)[0]
    known = wrappers.get(pointer)
    if known is not None and rawOrNone(known) is not None and isSameKind(rawOrNone(known), raw):
        return known
    wrapper = object.__new__(classFor(signals.qtNameOf(raw)))
    setRaw(wrapper, raw)
    return wrapper


def isSameKind(known, raw) -> bool:
    return type(known) is type(raw) or issubclass(type(known), type(raw)) or isinstance(raw, type(known))


def pySideClassOf(cls: type) -> type:
    """Class to instantiate: PySide's, a facade, or for a Python subclass one that calls its virtual methods."""
    base = facades.get(cls.qtName) or conversion.pySideClass(cls.qtName)
    if base is None:
        raise NotImplementedError(f"the stand-in has no {cls.qtName}")
    return virtualClass(cls, base) if cls.isDerived else base


@functools.cache
def virtualClass(cls: type, base: type) -> type:
    """Subclass of PySide's class whose virtual methods are those that the Python class reimplements."""
    body = {"standInName": cls.qtName}
    for attribute in tables.virtualsOf(cls.qtName):
        reimplemented = next((owner.__dict__[attribute] for owner in cls.__mro__ if attribute in owner.__dict__), None)
        if reimplemented is not None and hasattr(base, attribute):
            body[attribute] = virtualMethod(attribute, base)
    return type(base)(cls.__name__, (base,), body)


def virtualMethod(attribute: str, base: type):
    def method(self, *arguments):
        wrapper = getattr(self, "standInWrapper", None)
        if wrapper is None:
            return getattr(base, attribute)(self, *arguments)
        result = getattr(wrapper, attribute)(*[conversion.fromQt(argument) for argument in arguments])
        return conversion.rawOf(result) if conversion.isWrapper(result) else result

    return method


def matched(overloads, arguments: tuple, scope: str, called: str) -> list:
    """Arguments as the first overload that fits wants them; a ValueError, as PythonQt raises it, if none does."""
    reasons = []
    for strict in (True, False) if len(overloads) > 1 else (False,):
        for overload in overloads:
            kinds = overload.split(",") if overload else []
            required = sum(not kind.endswith("=") for kind in kinds)
            if not required <= len(arguments) <= len(kinds):
                continue
            try:
                pairs = zip(arguments, kinds, strict=False)
                return [conversion.toQt(value, kind, strict, scope) for value, kind in pairs]
            except conversion.WrongArgument as reason:
                reasons.append(str(reason))
    known = "; ".join(f"{called}({overload})" for overload in overloads)
    raise ValueError(f"Called {called} with wrong arguments {arguments!r}: {'; '.join(reasons)} [{known}]")


class BoundMethod:
    """A method or slot of one object."""

    def __init__(self, wrapper, attribute: str, name: str = ""):
        self.wrapper, self.attribute = wrapper, attribute
        self.name = name or type(wrapper).qtName

    def __call__(self, *arguments, **keywords):
        raw = rawOrRefuse(self.wrapper, self.attribute)
        called = f"{self.name}.{self.attribute}"
        if keywords:
            raise ValueError(f"Called {called} with keyword arguments, but called slot does not support kwargs.")
        special = SPECIAL.get(self.attribute)
        overloads = tables.methodsOf(self.name, self.attribute)
        if not overloads:
            raise AttributeError(f"{self.name} has no method {self.attribute}")
        if special and overloads[0][0] == "QObject":
            return special(self.wrapper, raw, arguments)
        values = matched([overload for _owner, overload in overloads], arguments, self.name, called)
        owner = overloads[0][0]
        plain = tables.RESERVED.get(self.attribute, self.attribute)
        if plain in ("exec", "open", "popup") and any(
            tables.inherits(self.name, base) for base in ("QDialog", "QMenu")
        ):
            return dialogs.shown(self.wrapper, plain)
        method = getattr(raw, f"do_{plain}", None) if not owner.startswith("Q") else None
        if method is None and not owner.startswith("Q"):
            raise NotImplementedError(f"{called} exists in Slicer, but the stand-in cannot do it")
        method = method or getattr(raw, plain, None) or getattr(raw, f"{plain}_", None)
        if method is None:
            raise NotImplementedError(f"{called} exists in Qt 5.15, but not in the stand-in's Qt 6")
        return conversion.fromQt(method(*[adapted(self.attribute, value) for value in values]))

    def __eq__(self, other) -> bool:
        isSame = isinstance(other, BoundMethod) and self.attribute == other.attribute
        return isSame and self.wrapper == other.wrapper

    def __hash__(self) -> int:
        return hash((self.attribute, self.wrapper))


def adapted(attribute: str, value):
    """What Qt 6 wants another type for."""
    return QtCore.Qt.AlignmentFlag(value) if attribute == "setTextAlignment" and isinstance(value, int) else value


class SignalFunction:
    """A signal of one object: calling it emits it. Modules connect with `object.connect("signal(type)", function)`."""

    def __init__(self, wrapper, attribute: str, overloads: list[str]):
        self.wrapper, self.attribute, self.overloads = wrapper, attribute, overloads

    def __call__(self, *arguments):
        raw = rawOrRefuse(self.wrapper, self.attribute)
        kinds = [overload[overload.index("(") + 1 : -1] for overload in self.overloads]
        kinds = [",".join(kind + "=" for kind in overload.split(",") if kind) for overload in kinds]
        values = matched(kinds, arguments, type(self.wrapper).qtName, self.attribute)
        if tables.signalsOf(type(self.wrapper).qtName)[self.overloads[0]].startswith("Q"):
            getattr(raw, self.attribute).emit(*values)
        else:
            signals.emit(raw, next(o for o in self.overloads if o.count(",") + (o[-2] != "(") == len(values)), *values)

    def connect(self, *_arguments):
        raise AttributeError(
            f"use object.connect('{self.overloads[0]}', function): {self.attribute}.connect takes the first of"
            f" {len(self.overloads)} signals of this name, whichever that is"
        )

    disconnect = connect


def readAttribute(wrapper, attribute: str):
    name = type(wrapper).qtName
    found = tables.propertyOf(name, attribute)
    if found:
        return readProperty(wrapper, *found[:3])
    if tables.methodsOf(name, attribute):
        return BoundMethod(wrapper, attribute)
    own = [signal for signal in tables.signalsOf(name) if signal.split("(")[0] == attribute]
    if own:
        return SignalFunction(wrapper, attribute, own)
    value = enums.enumValue(name, attribute)
    if value is not None:
        return value
    if tables.enumOf(name, attribute):
        return getattr(type(wrapper), attribute)
    if tables.methodsOf(name, attribute, "static"):
        return statics.method(name, attribute)
    raw = rawOrNone(wrapper)
    if isinstance(raw, QtCore.QObject):
        if attribute.encode() in [bytes(part.data()) for part in raw.dynamicPropertyNames()]:
            return conversion.fromQt(raw.property(attribute))
        for child in raw.children():
            if child.objectName() == attribute:
                return wrap(child)
    raise AttributeError(f"{name} has no attribute named '{attribute}'")


def readProperty(wrapper, owner: str, attribute: str, kind: str):
    raw = rawOrRefuse(wrapper, attribute)
    if not owner.startswith("Q"):
        return conversion.fromQt(raw.readProperty(attribute), kind)
    index = raw.metaObject().indexOfProperty(attribute)
    if index < 0:
        raise NotImplementedError(f"{owner}.{attribute} exists in Qt 5.15, but not in the stand-in's Qt 6")
    return conversion.fromQt(raw.metaObject().property(index).read(raw), kind)


def writeAttribute(wrapper, attribute: str, value) -> None:
    name = type(wrapper).qtName
    found = tables.propertyOf(name, attribute)
    if found:
        writeProperty(wrapper, *found, value)
        return
    signalNames = {signal.split("(")[0] for signal in tables.signalsOf(name)}
    if tables.methodsOf(name, attribute) or attribute in signalNames or enums.enumValue(name, attribute) is not None:
        raise AttributeError(f"'{attribute}' can not be overwritten on {name} object")
    raw = rawOrNone(wrapper)
    if isinstance(raw, QtCore.QObject):
        if attribute.encode() in [bytes(part.data()) for part in raw.dynamicPropertyNames()]:
            raw.setProperty(attribute, conversion.toVariant(value))
            return
    if not type(wrapper).isDerived:
        raise AttributeError(
            f"'{attribute}' does not exist on {name} and creating new attributes on C++ objects is not allowed"
        )
    object.__setattr__(wrapper, attribute, value)


def writeProperty(wrapper, owner: str, attribute: str, kind: str, writable: bool, value) -> None:
    raw = rawOrRefuse(wrapper, attribute)
    if not writable:
        raise AttributeError(f"Property '{attribute}' of {type(wrapper).qtName} object is not writable")
    try:
        plain = conversion.toQt(value, kind, False, owner)
    except conversion.WrongArgument as reason:
        raise AttributeError(f"Property '{attribute}' of type '{kind}' does not accept {reason}") from None
    if not owner.startswith("Q"):
        raw.writeProperty(attribute, plain)
        return
    index = raw.metaObject().indexOfProperty(attribute)
    if index < 0:
        raise NotImplementedError(f"{owner}.{attribute} exists in Qt 5.15, but not in the stand-in's Qt 6")
    if not raw.metaObject().property(index).write(raw, plain):
        raise AttributeError(f"Property '{attribute}' of type '{kind}' does not accept {value!r}")


def findChildren(wrapper, raw, arguments):
    """All descendants of a class, by depth, as PythonQt's findChildren lists them."""
    kind, name = childQuery(arguments)
    found = []

    def walk(parent):
        for child in parent.children():
            if tables.inherits(signals.qtNameOf(child), kind) and name in (None, child.objectName()):
                found.append(wrap(child))
            walk(child)

    walk(raw)
    return tuple(found)


def childQuery(arguments) -> tuple[str, str | None]:
    if len(arguments) not in (1, 2) or (len(arguments) == 2 and not isinstance(arguments[1], str)):
        raise ValueError(f"Called findChildren with wrong arguments {arguments!r}")
    kind = arguments[0]
    if isinstance(kind, type) and issubclass(kind, InstanceWrapper):
        kind = kind.qtName
    if not isinstance(kind, str):
        raise ValueError(f"findChildren needs a class of qt, got {arguments[0]!r}")
    return kind, arguments[1] if len(arguments) == 2 else None


def findChild(wrapper, raw, arguments):
    found = findChildren(wrapper, raw, arguments)
    return found[0] if found else None


def readByName(wrapper, raw, arguments):
    (name,) = matched(["char*"], arguments, "", "property")
    found = tables.propertyOf(type(wrapper).qtName, name)
    if found and found[1] == name:
        return readProperty(wrapper, *found[:3])
    return conversion.fromQt(raw.property(name))


def writeByName(wrapper, raw, arguments):
    name, value = matched(["char*,QVariant"], arguments, "", "setProperty")
    found = tables.propertyOf(type(wrapper).qtName, name)
    if found and found[1] == name:
        writeProperty(wrapper, *found, arguments[1])
        return True
    return raw.setProperty(name, value)


def connectTo(wrapper, raw, arguments):
    if len(arguments) == 2 and isinstance(arguments[0], str) and callable(arguments[1]):
        return signals.connect(raw, *arguments)
    if len(arguments) == 3 and isinstance(arguments[0], str) and conversion.isWrapper(arguments[1], "QObject"):
        return signals.connect(raw, arguments[0], slotNamed(arguments[1], arguments[2]))
    raise ValueError(f"Called connect with wrong arguments {arguments!r}: use connect('signal(type)', function)")


def slotNamed(receiver, slot: str):
    """Function that calls a slot such as 'setMRMLScene(vtkMRMLScene*)' with as many arguments as it names."""
    signature = tables.normalized(slot)
    name, kinds = signature[:-1].split("(", 1)
    overloads = [overload for _owner, overload in tables.methodsOf(type(receiver).qtName, name)]
    if kinds not in [overload.replace("=", "") for overload in overloads]:
        raise AttributeError(f"slot '{slot}' does not exist on {type(receiver).qtName}")
    count = len(kinds.split(",")) if kinds else 0
    return lambda *arguments: BoundMethod(receiver, name)(*arguments[:count])


def disconnectFrom(wrapper, raw, arguments):
    if not arguments or not isinstance(arguments[0], str) or len(arguments) > 2:
        raise ValueError(f"Called disconnect with wrong arguments {arguments!r}")
    return signals.disconnect(raw, *arguments)


def parentOf(wrapper, raw, arguments):
    matched([""], arguments, "", "parent")
    return wrap(raw.parent())


def setParentOf(wrapper, raw, arguments):
    (parent,) = matched(["QObject*"], arguments, "", "setParent")
    raw.setParent(parent)


SPECIAL = {
    "findChildren": findChildren,
    "findChild": findChild,
    "property": readByName,
    "setProperty": writeByName,
    "connect": connectTo,
    "disconnect": disconnectFrom,
    "parent": parentOf,
}
