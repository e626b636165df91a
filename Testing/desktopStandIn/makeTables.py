"""
Makes `qtTable.json` and `slicerTable.json`, the lists of what PythonQt shows of Qt 5.15, CTK and Slicer 5.12.

Not needed to run tests; run it again for a newer Slicer. It reads names and types only:

- Qt's properties, signals, slots and values of enums from Qt 5.15 itself, through PyQt5 5.15 (pip install PyQt5),
- Qt's other methods from the wrappers that PythonQt generates (repository MeVisLab/pythonqt),
- the widgets of CTK and Slicer from their headers (repositories commontk/CTK and Slicer/Slicer).

    python makeTables.py PYTHONQT.git@main CTK.git@master SLICER.git@5.12
"""

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Widgets, and the others that their methods and events need
QT_CLASSES = """
QObject QWidget QFrame QLabel QAbstractButton QPushButton QToolButton QCheckBox QRadioButton QButtonGroup QComboBox
QAbstractSpinBox QSpinBox QDoubleSpinBox QAbstractSlider QSlider QScrollBar QLineEdit QTextEdit QPlainTextEdit
QTextBrowser QGroupBox QProgressBar QAbstractScrollArea QScrollArea QAbstractItemView QTableView QTableWidget
QTableWidgetItem QTreeView QTreeWidget QTreeWidgetItem QListView QListWidget QListWidgetItem QHeaderView QTabWidget
QTabBar QStackedWidget QSplitter QDialog QMessageBox QFileDialog QInputDialog QColorDialog QProgressDialog
QDialogButtonBox QErrorMessage
QMenu QMenuBar QAction QWidgetAction QActionGroup QShortcut QKeySequence QLayout QLayoutItem QBoxLayout QHBoxLayout
QVBoxLayout QFormLayout QGridLayout QStackedLayout QSpacerItem QSizePolicy QTimer QSettings QSignalBlocker
QCoreApplication QGuiApplication QApplication QClipboard QCursor QStyle QStyledItemDelegate QAbstractItemDelegate
QItemDelegate QAbstractItemModel QModelIndex QItemSelectionModel QColor QBrush QPen QFont QFontMetrics QIcon QPixmap
QImage QPainter QPalette QSize QSizeF QPoint QPointF QRect QRectF QMargins QLine QLineF QPolygonF QPolygon
QPainterPath QRegion QTransform QUrl QDir QFileInfo QFile QIODevice QByteArray QDate QTime QDateTime QLocale QEvent
QMouseEvent QKeyEvent QWheelEvent QPaintEvent QResizeEvent QEnterEvent QHideEvent QShowEvent QCloseEvent QFocusEvent
QContextMenuEvent QInputEvent QHelpEvent QToolTip QDesktopServices QStandardPaths QEventLoop QValidator QIntValidator
QDoubleValidator QRegExp QRegExpValidator QRegularExpression QRegularExpressionValidator QCompleter QStringListModel
QStandardItemModel QStandardItem QMainWindow QDockWidget QToolBar QStatusBar QThread QProcess QStyleOptionViewItem
QStyleOption QTextDocument QTextCursor QGraphicsOpacityEffect QGraphicsEffect QPropertyAnimation
QFileDevice QAbstractAnimation QVariantAnimation QAbstractListModel QAbstractTableModel
QSortFilterProxyModel QAbstractProxyModel QPaintDevice QCommonStyle QScreen QMimeData Qt
""".split()
SLICER_CLASSES = """
ctkCollapsibleButton ctkDoubleSpinBox ctkSliderWidget ctkRangeWidget ctkComboBox ctkDirectoryButton ctkPathLineEdit
ctkExpandableWidget ctkCheckBox ctkCheckablePushButton ctkDoubleSlider ctkPushButton ctkMenuButton
qMRMLWidget qSlicerWidget qMRMLNodeComboBox qMRMLCheckableNodeComboBox qMRMLSegmentEditorWidget qMRMLTableView
qMRMLPlotView qMRMLPlotWidget qMRMLSegmentsTableView qSlicerMarkupsPlaceWidget qSlicerSimpleMarkupsWidget
qMRMLSliderWidget qMRMLSpinBox qMRMLSliceWidget qMRMLSliceView qMRMLSliceControllerWidget qMRMLTableWidget
qMRMLAbstractViewWidget qMRMLViewControllerBar qMRMLPlotViewControllerWidget qMRMLTableViewControllerWidget
qMRMLThreeDViewControllerWidget ctkMessageBox ctkConsole qMRMLTreeView qMRMLThreeDWidget qMRMLThreeDView
ctkVTKAbstractView ctkVTKRenderView ctkVTKSliceView ctkVTKChartView
qMRMLLayoutManager qSlicerLayoutManager ctkLayoutManager ctkLayoutFactory
qSlicerCoreApplication qSlicerApplication qSlicerAbstractCoreModule qSlicerAbstractModule
qSlicerScriptedLoadableModule qSlicerLoadableModule qSlicerAbstractModuleWidget
qSlicerScriptedLoadableModuleWidget qSlicerAbstractModuleRepresentation
qSlicerSegmentEditorScriptedEffect qSlicerObject
qSlicerModuleManager qSlicerAbstractModuleFactoryManager qSlicerModuleFactoryManager qSlicerSegmentEditorAbstractEffect
""".split()


def plainType(text: str) -> str:
    """Type without const, reference and blanks."""
    text = re.sub(r"\b(const|volatile|struct|class|enum)\b", "", text).replace("&", "")
    return re.sub(r"\s+", " ", text).strip().replace(" *", "*").replace(" >", ">").replace("< ", "<")


def splitArguments(text: str) -> list[str]:
    depth, part, parts = 0, "", []
    for character in text:
        depth += (character in "<({") - (character in ">)}")
        if character == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    return [*parts, part] if part.strip() else parts


def argumentType(text: str) -> str:
    """Type of one C++ argument, with = behind it if there is a default."""
    declared, equals, _default = text.partition("=")
    declared = declared.strip()
    named = re.fullmatch(r"(.*[\s*&>])([A-Za-z_]\w*)", declared, re.DOTALL)
    kinds = ("int", "long", "double", "char", "short", "bool", "float", "unsigned")
    isName = named and named.group(2) not in kinds and plainType(named.group(1))
    return plainType(named.group(1) if isName else declared) + ("=" if equals else "")


def signature(arguments: str) -> str:
    return ",".join(argumentType(part) for part in splitArguments(arguments) if part.strip() not in ("", "void"))


def git(repository: str, *arguments: str) -> str:
    folder, _, revision = repository.rpartition("@")
    filled = [argument.replace("REVISION", revision) for argument in arguments]
    return subprocess.run(["git", "-C", folder, *filled], check=True, capture_output=True, text=True).stdout


def addOverload(methods: dict, name: str, arguments: str) -> None:
    overloads = methods.setdefault(name, [])
    if arguments not in overloads:
        overloads.append(arguments)


def readPythonQt(repository: str) -> dict:
    """Methods, static methods, constructors and enums of the wrappers that PythonQt generates."""
    paths = git(repository, "ls-tree", "-r", "--name-only", "REVISION", "generated_cpp_515").split()
    headers = [path for path in paths if re.search(r"qt_(core|gui)(_builtin)?\d+\.h$", path)]
    table = {}
    for header in headers:
        text = git(repository, "show", f"REVISION:{header}")
        for match in re.finditer(r"^class PythonQtWrapper_(\w+) .*?\n(.*?)^};", text, re.MULTILINE | re.DOTALL):
            name, body = match.groups()
            if name in QT_CLASSES:
                table[name] = readWrapper(name, body)
        for derived, base in re.findall(r"^class PythonQtPublicPromoter_(\w+) : public (\w+)", text, re.MULTILINE):
            assert derived == base
    return table


def readWrapper(name: str, body: str) -> dict:
    entry = {"new": [], "methods": {}, "static": {}, "enums": {}, "virtual": []}
    for enumName, keys in re.findall(r"^enum (\w+)\{(.*?)\};", body, re.MULTILINE | re.DOTALL):
        entry["enums"][enumName] = re.findall(r"(\w+)\s*=", keys)
    for line in body.splitlines():
        declaration = re.match(r"\s*(?P<type>[^(]*?[\s*&>])(?P<name>\w+)\((?P<arguments>.*)$", line)
        if not declaration or line.startswith("enum") or "Q_ENUMS" in line or "Q_FLAGS" in line:
            continue
        method = declaration["name"]
        arguments = insideParentheses(declaration["arguments"])
        if method == f"new_{name}":
            entry["new"].append(signature(arguments))
        elif method.startswith("delete_"):
            continue
        elif method.startswith(f"static_{name}_"):
            addOverload(entry["static"], method[len(f"static_{name}_") :], signature(arguments))
        elif method.startswith("py_q_"):
            entry["virtual"].append(method[5:])
        elif "theWrappedObject" in arguments:
            own = splitArguments(arguments)[1:]
            addOverload(entry["methods"], method, signature(",".join(own)))
    return entry


def insideParentheses(text: str) -> str:
    """Text up to the parenthesis that closes the one before it."""
    depth = 1
    for end, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[:end]
    return text


def addMetaObjects(table: dict) -> None:
    """Properties, signals and public slots of Qt 5.15, values of enums, and the base classes."""
    from PyQt5 import QtCore, QtGui, QtWidgets

    flagged = {}
    for name, entry in table.items():
        cls = next((getattr(module, name) for module in (QtCore, QtGui, QtWidgets) if hasattr(module, name)), None)
        if cls is None:
            entry["enums"] = {}
            continue
        entry["bases"] = [base.__name__ for base in cls.__bases__ if base.__name__.startswith("Q")]
        meta = getattr(cls, "staticMetaObject", None)
        values = {}
        if meta is not None:
            entry["qobject"] = issubclass(cls, QtCore.QObject)
            for index in range(meta.enumeratorOffset(), meta.enumeratorCount()):
                enumerator = meta.enumerator(index)
                keys = {enumerator.key(at): enumerator.value(at) for at in range(enumerator.keyCount())}
                if enumerator.isFlag():
                    flagged[f"{enumerator.scope()}::{enumerator.name()}"] = set(keys)
                else:
                    values[enumerator.name()] = keys
        for enumName, keys in entry["enums"].items():
            known = values.setdefault(enumName, {})
            for key in keys:
                if key not in known and hasattr(cls, key):
                    known[key] = int(getattr(cls, key))
        entry["enums"] = {enumName: keys for enumName, keys in values.items() if keys}
        if meta is None or not entry["qobject"]:
            continue
        entry["properties"], entry["signals"] = {}, []
        for index in range(meta.propertyOffset(), meta.propertyCount()):
            readProperty(entry["properties"], meta.property(index))
        for index in range(meta.methodOffset(), meta.methodCount()):
            method = meta.method(index)
            text = bytes(method.methodSignature()).decode()
            methodName, arguments = text[:-1].split("(", 1)
            if method.methodType() == QtCore.QMetaMethod.Signal:
                entry["signals"].append(text)
            elif method.access() == QtCore.QMetaMethod.Public:
                addOverload(entry["methods"], methodName, arguments)
    addFlags(table, flagged)


def readProperty(properties: dict, item) -> None:
    kind = item.typeName()
    if item.isEnumType():
        enumerator = item.enumerator()
        kind = f"{enumerator.scope()}::{enumerator.name()}"
    properties[item.name()] = [kind, int(item.isWritable())]


def addFlags(table: dict, flagged: dict) -> None:
    """Which enum a type of flags, such as Qt::Alignment, is made of."""
    flags = {}
    for entry in table.values():
        for overloads in [*entry["methods"].values(), *entry["static"].values(), entry["new"]]:
            for overload in overloads:
                for kind in splitArguments(overload):
                    flags.setdefault(kind.rstrip("="), None)
    flags = {kind for kind in [*flags, *flagged] if re.fullmatch(r"Q\w+::\w+", kind)}
    for kind in sorted(flags):
        owner, name = kind.split("::")
        enums = table.get(owner, {}).get("enums", {})
        candidates = [name[:-1], name + "Flag", name[:-1] + "Flag", name[:-3] + "y", name + "Value"]
        extra = {
            "WindowFlags": "WindowType",
            "StandardButtons": "StandardButton",
            "State": "StateFlag",
            "States": "StateFlag",
        }
        if name in enums:
            continue
        keys = flagged.get(kind)
        found = next((enum for enum in [extra.get(name), *candidates] if enum in enums), None)
        found = found or next((enum for enum, own in enums.items() if keys and set(own) == keys), None)
        if found:
            table[owner].setdefault("flags", {})[name] = found


def readHeader(text: str, name: str) -> dict | None:
    """Properties, signals, public slots and Q_INVOKABLE methods of a class in a header."""
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', "", text, flags=re.DOTALL)
    text = re.sub(r"^\s*#[^\n]*", "", text, flags=re.MULTILINE)
    start = re.search(rf"\bclass\s+(?:\w+\s+)?{name}\s*(?::\s*([^{{;]*))?\{{", text)
    if not start:
        return None
    entry = {"bases": re.findall(r"public\s+(?:virtual\s+)?(\w+)", start.group(1) or "")}
    entry |= {"qobject": True, "new": [], "methods": {}, "static": {}, "enums": {}, "properties": {}, "signals": []}
    depth, body = 1, ""
    enums = {}
    for character in text[start.end() :]:
        if character == "}":
            depth -= 1
            if depth == 0:
                break
            if depth == 1:
                body += ";"
        elif character == "{":
            depth += 1
        elif depth == 1:
            body += character
    for enumName, keys in re.findall(r"\benum\s+(?:class\s+)?(\w+)[^{;]*\{(.*?)\}", text[start.end() :], re.DOTALL):
        enums[enumName] = enumValues(keys)
    registered = " ".join(re.findall(r"Q_(?:ENUMS?|FLAGS?)\(([^)]*)\)", body)).split()
    flags = dict(re.findall(r"Q_DECLARE_FLAGS\((\w+),\s*(\w+)\)", body))
    for enumName in registered:
        plain = flags.get(enumName, enumName)
        if plain in enums:
            entry["enums"][plain] = enums[plain]
            if enumName in flags:
                entry.setdefault("flags", {})[enumName] = plain
    for kind, propertyName, options in re.findall(r"Q_PROPERTY\(\s*([\w:<>*]+)\s+(\w+)\s+([^)]*)\)", body):
        owned = kind in enums or kind in flags
        entry["properties"][propertyName] = [f"{name}::{kind}" if owned else kind, int("WRITE" in options)]
    body = re.sub(r"\b(Q_PROPERTY|Q_ENUMS?|Q_FLAGS?|Q_DECLARE_\w+|Q_DISABLE_COPY)\([^)]*\)", "", body)
    section = "private"
    for chunk in re.split(
        r"(\b(?:public|protected|private|signals|Q_SIGNALS)(?:\s+(?:slots|Q_SLOTS))?\s*:(?!:))|;", body
    ):
        if chunk is None or not chunk.strip():
            continue
        label = re.fullmatch(r"\s*([\w ]+?)\s*:", chunk)
        if label:
            section = re.sub(r"\s+", " ", label.group(1)).replace("Q_SLOTS", "slots").replace("Q_SIGNALS", "signals")
            continue
        readDeclaration(entry, name, section, re.sub(r"\s+", " ", chunk).strip())
    return entry


def enumValues(keys: str) -> dict:
    values, following = {}, 0
    for key in splitArguments(keys):
        keyName, _, value = key.partition("=")
        if keyName.strip():
            try:
                # A tool of developers: the arithmetic of Qt's own headers.
                following = eval(value, {}, dict(values)) if value.strip() else following  # noqa: S307
            except Exception:  # noqa: S112
                continue
            values[keyName.strip()] = following
            following += 1
    return values


def readDeclaration(entry: dict, name: str, section: str, text: str) -> None:
    text = re.sub(r"^(Q_OBJECT|QVTK_OBJECT)\s*", "", text)
    while re.match(r"(Q_OBJECT|QVTK_OBJECT)\b", text):
        text = re.sub(r"^(Q_OBJECT|QVTK_OBJECT)\s*", "", text)
    declaration = re.match(r"(?P<head>[^(]*?)(?P<name>~?\w+)\s*\((?P<arguments>.*?)\)[^()]*$", text)
    if not declaration:
        return
    method, arguments = declaration["name"], signature(declaration["arguments"])
    if method == name and section == "public":
        entry["new"].append(arguments)
    elif section == "signals":
        entry["signals"].append(f"{method}({arguments.replace('=', '')})")
    elif section == "public slots" or (section == "public" and "Q_INVOKABLE" in declaration["head"]):
        kind = "static" if re.search(r"\bstatic\b", declaration["head"]) else "methods"
        addOverload(entry[kind], method, arguments)


def readHeaders(repository: str, names: list[str]) -> dict:
    paths = git(repository, "ls-tree", "-r", "--name-only", "REVISION").splitlines()
    byName = {Path(path).name: path for path in paths if path.endswith(".h")}
    table = {}
    for name in names:
        if f"{name}.h" in byName:
            entry = readHeader(git(repository, "show", f"REVISION:{byName[f'{name}.h']}"), name)
            if entry:
                table[name] = entry
    return table


def write(path: Path, table: dict) -> None:
    """One line per class, so that a difference can be read."""
    lines = [f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}" for name, entry in sorted(table.items())]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


def main(pythonQt: str, ctk: str, slicer: str) -> None:
    qt = readPythonQt(pythonQt)
    addMetaObjects(qt)
    write(HERE / "qtTable.json", qt)
    widgets = readHeaders(ctk, SLICER_CLASSES) | readHeaders(slicer, SLICER_CLASSES)
    write(HERE / "slicerTable.json", widgets)
    print("not found:", *sorted(set(QT_CLASSES) - set(qt)), *sorted(set(SLICER_CLASSES) - set(widgets)))


if __name__ == "__main__":
    main(*sys.argv[1:])
