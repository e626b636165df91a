"""Loads .ui files with Qt's own loader, after refusing what Qt 5.15, CTK or Slicer would not know."""

import xml.etree.ElementTree as ET

from PySide6 import QtCore, QtUiTools

from . import conversion, enums, proxy, signals, tables

LAYOUT_ATTRIBUTES = {"leftMargin", "topMargin", "rightMargin", "bottomMargin", "margin", "spacing"}
LAYOUT_ATTRIBUTES |= {"horizontalSpacing", "verticalSpacing"}


class UiError(RuntimeError):
    """A .ui file that Slicer would not load as it is meant."""


def load(path: str):
    """Widget of a .ui file, as slicer.util.loadUI returns it."""
    tree = ET.parse(path)  # noqa: S314, for it is one of our own
    root = tree.getroot()
    check(root)
    top = root.find("widget")
    own = takeFacadeProperties(top)
    links = root.find("connections")
    if links is not None:
        root.remove(links)
    loader = QtUiTools.QUiLoader()
    for facade in proxy.facades.values():
        loader.registerCustomWidget(named(facade))
    buffer = QtCore.QBuffer()
    buffer.setData(ET.tostring(root))
    buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
    widget = loader.load(buffer)
    if widget is None:
        raise UiError(f"Could not load UI file: {path}: {loader.errorString()}")
    for name, values in own:
        target = widget if widget.objectName() == name else widget.findChild(QtCore.QObject, name)
        for attribute, value in values:
            setattr(proxy.wrap(target), attribute, value)
    for link in links if links is not None else ():
        connect(widget, link)
    return proxy.wrap(widget)


def named(facade: type) -> type:
    """The facade under the name that .ui files use."""
    if facade.__name__ == facade.standInName:
        return facade
    facade.__name__ = facade.__qualname__ = facade.standInName
    return facade


def check(root) -> None:
    """Every class, property, signal and slot of the file has to exist."""
    names = set()
    for widget in root.iter("widget"):
        kind, name = widget.get("class"), widget.get("name")
        if kind != "Line" and (kind not in tables.table() or not tables.inherits(kind, "QWidget")):
            raise UiError(f"the .ui file has a {kind} ({name}): no such widget in Qt 5.15, CTK or Slicer")
        if not kind.startswith("Q") and kind != "Line" and kind not in proxy.facades:
            raise NotImplementedError(f"the stand-in lacks the widget {kind} ({name}), which Slicer has")
        if name in names:
            raise UiError(f"two objects of the .ui file are named {name}")
        names.add(name)
        checkProperties(widget, "QFrame" if kind == "Line" else kind)
    for layout in root.iter("layout"):
        checkProperties(layout, layout.get("class"))
    for custom in root.iter("customwidget"):
        name = custom.findtext("class")
        if name not in tables.table():
            raise UiError(f"the custom widget {name} is not known")
    declared = {custom.findtext("class") for custom in root.iter("customwidget")}
    used = {widget.get("class") for widget in root.iter("widget")}
    missing = {name for name in used if not name.startswith("Q") and name != "Line"} - declared
    if missing:
        raise UiError(f"not declared under customwidgets: {', '.join(sorted(missing))}")


def checkProperties(element, kind: str) -> None:
    for item in element.findall("property"):
        attribute = item.get("name")
        if item.get("stdset") == "0" or (kind.endswith("Layout") and attribute in LAYOUT_ATTRIBUTES):
            continue
        found = tables.propertyOf(kind, attribute)
        if not found or not found[3]:
            raise UiError(f"{element.get('name')}: {kind} has no property {attribute} that can be set")
        for value in item.iter("enum"):
            checkEnum(value.text, element.get("name"))
        for value in item.iter("set"):
            for part in (value.text or "").split("|"):
                checkEnum(part, element.get("name"))


def checkEnum(text: str, where: str) -> None:
    owner, _, key = text.rpartition("::")
    if owner.count("::"):
        raise UiError(f"{where}: {text} is written as Qt 6 has it; Qt 5.15 wants {owner.split('::')[0]}::{key}")
    if owner and not tables.enumValueOf(owner, key):
        raise UiError(f"{where}: there is no {text} in Qt 5.15")


def takeFacadeProperties(top) -> list[tuple[str, list]]:
    """Cut the properties out that CTK's and Slicer's widgets declare; they are set by us, with their types checked."""
    found = []
    for widget in [top, *(other for other in top.iter("widget") if other is not top)]:
        kind, values = widget.get("class"), []
        if kind.startswith("Q") or kind == "Line":
            continue
        for item in widget.findall("property"):
            declared = tables.propertyOf(kind, item.get("name"))
            if declared and not declared[0].startswith("Q") and item.get("stdset") != "0":
                values.append((item.get("name"), valueOf(item[0], declared[2])))
                widget.remove(item)
        found.append((widget.get("name"), values))
    return found


def valueOf(element, kind: str):
    """Python value of an XML element such as <bool>true</bool>."""
    text = element.text or ""
    if element.tag == "bool":
        return text == "true"
    if element.tag in ("number", "longlong"):
        return int(text)
    if element.tag in ("double", "float"):
        return float(text)
    if element.tag == "string":
        return text
    if element.tag == "stringlist":
        return [part.text or "" for part in element]
    if element.tag in ("enum", "set"):
        total = 0
        for part in text.split("|"):
            owner, _, key = part.rpartition("::")
            total |= int(enums.enumValue(owner, key))
        return total
    raise UiError(f"the stand-in cannot read a property of the kind {element.tag} ({kind})")


def connect(widget, link) -> None:
    ends = []
    for role in ("sender", "receiver"):
        name = link.findtext(role)
        found = widget if widget.objectName() == name else widget.findChild(QtCore.QObject, name)
        if found is None:
            raise UiError(f"the .ui file connects {name}, which it does not have")
        ends.append(proxy.wrap(found))
    try:
        slot = proxy.slotNamed(ends[1], link.findtext("slot"))
        signal = tables.normalized(link.findtext("signal"))
        checkKinds(signal, tables.normalized(link.findtext("slot")))
        signals.connect(conversion.rawOf(ends[0]), signal, slot)
    except AttributeError as reason:
        raise UiError(f"a connection of the .ui file: {reason}") from None


def checkKinds(signal: str, slot: str) -> None:
    """A slot takes the first arguments of the signal, of the very same types."""
    given, taken = (text[text.index("(") + 1 : -1].split(",") for text in (signal, slot))
    if taken != [""] and taken != given[: len(taken)]:
        raise UiError(f"{signal} cannot be connected with {slot}: their arguments differ")
