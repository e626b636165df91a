"""
How the stand-in's parameter node wrapper keeps values in a vtkMRMLScriptedModuleNode.

Written anew after the behavior of slicer.parameterNodeWrapper: the same storage format, and the same refusals.
Supported: int, float, bool, str, enum.Enum, node classes, X | None, list[X]. Anything else raises an error.
"""

import collections.abc
import enum
import types
import typing

import slicer


def splitAnnotated(annotation) -> tuple[object, tuple]:
    """Type and annotations of Annotated[type, ...]; another type has none."""
    if typing.get_origin(annotation) is typing.Annotated:
        return annotation.__origin__, annotation.__metadata__
    return annotation, ()


class Validator:
    """Base of annotations that refuse values."""

    def validate(self, value) -> None:
        raise NotImplementedError


class WithinRange(Validator):
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value):
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


class Minimum(Validator):
    def __init__(self, minimum):
        self.minimum = minimum

    def validate(self, value):
        if value < self.minimum:
            raise ValueError(f"Value must be greater than {self.minimum}, is {value}")


class Maximum(Validator):
    def __init__(self, maximum):
        self.maximum = maximum

    def validate(self, value):
        if value > self.maximum:
            raise ValueError(f"Value must be less than {self.maximum}, is {value}")


class Choice(Validator):
    def __init__(self, choices):
        self.choices = choices

    def validate(self, value):
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


class Exclude(Validator):
    def __init__(self, excludedValues):
        self.excludedValues = excludedValues

    def validate(self, value):
        if value in self.excludedValues:
            raise ValueError(f"Value is {value}, but must not be one of {self.excludedValues}")


class Default:
    """Default value of a parameter."""

    def __init__(self, value=None, *, generator=None):
        self._value, self._generator = value, generator

    @property
    def value(self):
        return self._generator() if self._generator else self._value


class Decimals:
    def __init__(self, value):
        self.value = value


class SingleStep:
    def __init__(self, value):
        self.value = value


class Store:
    """Reads and writes one parameter. `kinds` are the Python types that it takes, None with them if allowed."""

    kinds: tuple = ()
    allowsNone = False
    default: object = None

    def __init__(self, validators=()):
        self.validators = validators

    def validate(self, value):
        if value is None and not self.allowsNone:
            raise ValueError("Value must not be None")
        if value is not None and not isinstance(value, self.kinds):
            raise TypeError(f"Value must be of type '{self.kinds}', is type '{type(value)}' value '{value}'")
        for validator in self.validators:
            validator.validate(value)

    def isIn(self, node, name):
        return node.HasParameter(name)

    def write(self, node, name, value):
        self.validate(value)
        node.SetParameter(name, self.text(value))

    def text(self, value):
        return str(value)

    def read(self, node, name):
        return self.value(node.GetParameter(name))

    def value(self, text):
        return text

    def remove(self, node, name):
        node.UnsetParameter(name)


class TextStore(Store):
    kinds, default = (str,), ""


class IntStore(Store):
    kinds, default = (int,), 0

    def value(self, text):
        return int(text)


class FloatStore(Store):
    kinds, default = (int, float), 0

    def value(self, text):
        return float(text)


class BoolStore(Store):
    kinds, default = (bool,), False

    def text(self, value):
        return "True" if value else "False"

    def value(self, text):
        return text == "True"


class EnumStore(Store):
    """By the name of the member."""

    def __init__(self, cls, validators=()):
        super().__init__(validators)
        if not len(cls):
            raise ValueError("Cannot serialize empty Enum.")
        self.cls, self.kinds, self.default = cls, (cls,), next(iter(cls))

    def text(self, value):
        return value.name

    def value(self, text):
        try:
            return self.cls[text]
        except KeyError:
            raise ValueError(f"Found {text!r} in parameter node but it is not a name in {self.cls!r}") from None


class NodeStore(Store):
    """By node reference, with an empty parameter of the same name to say that there is one."""

    allowsNone = True

    def __init__(self, cls, validators=()):
        super().__init__(validators)
        self.kinds = (cls,)

    def write(self, node, name, value):
        self.validate(value)
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node, name):
        return node.GetNodeReference(name)

    def remove(self, node, name):
        node.UnsetParameter(name)
        node.RemoveNodeReferenceIDs(name)


class NoneStore(Store):
    kinds, allowsNone = (type(None),), True

    def text(self, value):
        return "True"

    def value(self, text):
        return None


class UnionStore(Store):
    """X | None or X | Y: the value's own store under name.0, name.1 ..."""

    def __init__(self, stores, validators=()):
        super().__init__(validators)
        self.stores = stores
        isOptional = len(stores) == 2 and isinstance(stores[1], NoneStore)
        self.default = None if isOptional else stores[0].default

    def validate(self, value):
        self.storeFor(value)
        for validator in self.validators:
            validator.validate(value)

    def storeFor(self, value):
        refused = None
        for index, store in enumerate(self.stores):
            isNone = isinstance(store, NoneStore)
            if (value is None) == isNone and (isNone or isinstance(value, store.kinds)):
                try:
                    store.validate(value)
                    return index, store
                except (ValueError, TypeError) as error:
                    refused = error
        raise refused or TypeError(f"Unable to write value '{value}' of type '{type(value)}'")

    def isIn(self, node, name):
        return any(store.isIn(node, f"{name}.{index}") for index, store in enumerate(self.stores))

    def write(self, node, name, value):
        with slicer.util.NodeModify(node):
            self.validate(value)
            index, store = self.storeFor(value)
            self.remove(node, name)
            store.write(node, f"{name}.{index}", value)

    def read(self, node, name):
        for index, store in enumerate(self.stores):
            if store.isIn(node, f"{name}.{index}"):
                return store.read(node, f"{name}.{index}")
        raise KeyError(f"Unable to find value for name: {name}")

    def remove(self, node, name):
        with slicer.util.NodeModify(node):
            for index, store in enumerate(self.stores):
                store.remove(node, f"{name}.{index}")


class ObservedList(collections.abc.MutableSequence):
    """List that writes itself into the parameter node whenever it changes."""

    def __init__(self, node, store, name, values):
        self._node, self._store, self._name, self._values = node, store, name, values

    def _save(self):
        try:
            self._store.write(self._node, self._name, self._values)
        finally:
            self._values = list(self._store.read(self._node, self._name))

    def __len__(self):
        return len(self._values)

    def __getitem__(self, index):
        return self._values[index]

    def __setitem__(self, index, value):
        self._values[index] = value
        self._save()

    def __delitem__(self, index):
        del self._values[index]
        self._save()

    def insert(self, index, value):
        self._values.insert(index, value)
        self._save()

    def __eq__(self, other):
        return self._values == (other._values if isinstance(other, ObservedList) else other)

    __hash__ = None

    def __add__(self, other):
        raise NotImplementedError("Adding an ObservedList is not supported. However, += is supported.")

    __radd__ = __add__

    def __repr__(self):
        return f"ObservedList({self._values})"


class ListStore(Store):
    """name.len, then name.0, name.1 ..."""

    def __init__(self, inner, validators=()):
        super().__init__(validators)
        self.inner = inner

    default = property(lambda self: [])

    def isIn(self, node, name):
        return node.HasParameter(f"{name}.len")

    def length(self, node, name):
        return int(node.GetParameter(f"{name}.len")) if self.isIn(node, name) else 0

    def write(self, node, name, value):
        for validator in self.validators:
            validator.validate(value)
        values = list(value)
        for part in values:
            self.inner.validate(part)
        with slicer.util.NodeModify(node):
            before = self.length(node, name)
            for index, part in enumerate(values):
                self.inner.write(node, f"{name}.{index}", part)
            node.SetParameter(f"{name}.len", str(len(values)))
            for index in range(len(values), before):
                self.inner.remove(node, f"{name}.{index}")

    def read(self, node, name):
        values = [self.inner.read(node, f"{name}.{index}") for index in range(self.length(node, name))]
        return ObservedList(node, self, name, values)

    def remove(self, node, name):
        with slicer.util.NodeModify(node):
            for index in range(self.length(node, name)):
                self.inner.remove(node, f"{name}.{index}")
            node.UnsetParameter(f"{name}.len")


SIMPLE = {int: IntStore, float: FloatStore, bool: BoolStore, str: TextStore, type(None): NoneStore}


def storeFor(annotation) -> Store:
    """Store of an annotation; annotations of it that are neither validator nor default are for the panel."""
    kind, extra = splitAnnotated(annotation)
    validators = [part for part in extra if isinstance(part, Validator)]
    unknown = [part for part in extra if not isinstance(part, (Validator, Default, Decimals, SingleStep))]
    if unknown:
        raise TypeError(f"the stand-in does not know the annotation {unknown[0]!r}")
    if kind in SIMPLE:
        return SIMPLE[kind](validators)
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return NodeStore(kind, validators)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return EnumStore(kind, validators)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return UnionStore([storeFor(part) for part in typing.get_args(kind)], validators)
    if typing.get_origin(kind) is list:
        return ListStore(storeFor(typing.get_args(kind)[0]), validators)
    raise TypeError(f"the stand-in's parameterNodeWrapper does not support {annotation!r}")
