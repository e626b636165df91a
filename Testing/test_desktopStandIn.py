"""The stand-in for Slicer's desktop refuses what Slicer's PythonQt refuses."""

import tempfile
import unittest
from pathlib import Path

import desktopStandIn
from standInTestCases import StandInTestCase


class RefusalTest(StandInTestCase):
    """Each test is one way of writing that works elsewhere and not in Slicer, or that Slicer silently gets wrong."""

    def setUp(self):
        super().setUp()
        self.label, self.button = self.qt.QLabel("text"), self.qt.QPushButton("press")

    def testUnknownAttributeRead(self):
        with self.assertRaises(AttributeError):
            _ = self.label.texts

    def testUnknownAttributeWrite(self):
        with self.assertRaises(AttributeError):
            self.label.texts = "x"

    def testPropertyIsNoMethod(self):
        self.assertEqual(self.label.text, "text")
        with self.assertRaises(TypeError):
            self.label.text()
        with self.assertRaises(TypeError):
            self.button.isEnabled = True if self.button.enabled() else False

    def testMethodIsNoProperty(self):
        for attribute in ("setText", "clicked", "show"):
            with self.assertRaises(AttributeError):
                setattr(self.button, attribute, None)

    def testReadOnlyProperty(self):
        with self.assertRaises(AttributeError):
            self.label.hasSelectedText = True

    def testWrongTypeForProperty(self):
        for owner, attribute, value in (
            (self.label, "text", 5),
            (self.label, "text", None),
            (self.button, "enabled", "yes"),
            (self.button, "enabled", self.label),
            (self.button, "enabled", None),
            (self.qt.QSpinBox(), "value", 2.5),
            (self.qt.QDoubleSpinBox(), "value", "2.5"),
            (self.label, "alignment", "right"),
            (self.label, "alignment", self.qt.QFrame.Box),
        ):
            with self.subTest(attribute=attribute, value=value), self.assertRaises(AttributeError):
                setattr(owner, attribute, value)

    def testWrongTypeForMethod(self):
        for method, arguments in (
            (self.label.setText, (5,)),
            (self.label.setText, (None,)),
            (self.label.setText, ()),
            (self.label.setText, ("a", "b")),
            (self.label.setFixedWidth, (2.5,)),
            (self.qt.QVBoxLayout().addWidget, ("widget",)),
            (self.qt.QTableWidget().setRowCount, ("3",)),
        ):
            with self.subTest(method=method.attribute, arguments=arguments), self.assertRaises(ValueError):
                method(*arguments)

    def testUnknownSignal(self):
        for signal in ("pressed(bool)", "clicked(int)", "clicked", "click()", "Clicked(bool)"):
            with self.subTest(signal=signal), self.assertRaises(AttributeError):
                self.button.connect(signal, print)
            with self.subTest(signal=signal), self.assertRaises(AttributeError):
                self.button.disconnect(signal, print)

    def testConnectNeedsFunction(self):
        with self.assertRaises(ValueError):
            self.button.connect("clicked(bool)", None)

    def testSignalsOfPySide(self):
        with self.assertRaises(AttributeError):
            self.button.clicked.connect(print)

    def testScopedEnums(self):
        with self.assertRaises(AttributeError):
            _ = self.qt.Qt.AlignmentFlag.AlignRight
        with self.assertRaises(AttributeError):
            _ = self.qt.QHeaderView.ResizeMode.Stretch

    def testEnumOfAnotherKind(self):
        header = self.qt.QTableWidget().horizontalHeader()
        with self.assertRaises(ValueError):
            header.setSectionResizeMode(self.qt.Qt.AlignRight)

    def testKeywordArguments(self):
        for call in (
            lambda: self.qt.QLabel(text="x"),
            lambda: self.label.setText(text="x"),
            lambda: self.qt.QTimer.singleShot(msec=1, function=print),
        ):
            with self.assertRaises(ValueError):
                call()

    def testSnakeCase(self):
        with self.assertRaises(AttributeError):
            self.label.set_text("x")

    def testNamesOfPySideAndPyQt(self):
        for name in ("Signal", "Slot", "pyqtSignal", "QtWidgets", "QtCore", "QEnum"):
            with self.subTest(name=name), self.assertRaises(AttributeError):
                getattr(self.qt, name)

    def testOnlyInQt6(self):
        with self.assertRaises(AttributeError):
            _ = self.qt.QCheckBox().checkStateChanged
        with self.assertRaises(AttributeError):
            _ = self.qt.QLabel().resources
        with self.assertRaises(AttributeError):
            self.qt.QCheckBox().connect("checkStateChanged(Qt::CheckState)", print)
        with self.assertRaises(AttributeError):
            _ = self.qt.QApplication.styleHints().colorScheme

    def testDestroyedObject(self):
        self.label.delete()
        self.assertFalse(self.label)
        with self.assertRaises(ValueError):
            _ = self.label.text
        with self.assertRaises(ValueError):
            self.label.setText("x")

    def testBaseClassIsNoPythonBase(self):
        """In PythonQt, and so in Slicer, isinstance(button, qt.QWidget) is False."""
        self.assertNotIsInstance(self.button, self.qt.QWidget)
        self.assertTrue(self.button.inherits("QWidget"))

    def testUnknownPropertyOfSlicerWidget(self):
        selector = self.slicer.qMRMLNodeComboBox()
        with self.assertRaises(AttributeError):
            selector.nodeType = ["vtkMRMLModelNode"]
        with self.assertRaises(AttributeError):
            selector.nodeTypes = "vtkMRMLModelNode"
        with self.assertRaises(AttributeError):
            selector.connect("currentNodeChanged()", print)
        with self.assertRaises(ValueError):
            selector.setCurrentNode(5)
        self.assertIsNone(selector.currentNode())

    def testMethodsThatHeadersDoNotShow(self):
        """setRange is public in ctkSliderWidget's header, but neither a slot nor invokable."""
        with self.assertRaises(AttributeError):
            self.ctk.ctkSliderWidget().setRange(0, 1)
        with self.assertRaises(AttributeError):
            _ = self.slicer.qMRMLNodeComboBox().nodes

    def testUnknownModule(self):
        with self.assertRaises(AttributeError):
            _ = self.slicer.modules.noSuchModule
        with self.assertRaises(AttributeError):
            _ = self.slicer.app.noSuchThing


class UiFileTest(StandInTestCase):
    """A .ui file is refused for what Qt 5.15, CTK and Slicer do not know."""

    def load(self, body: str, custom: str = "", links: str = ""):
        text = f"""<ui version="4.0"><class>Panel</class><widget class="QWidget" name="Panel">
            <layout class="QVBoxLayout" name="verticalLayout">{body}</layout></widget>
            <customwidgets>{custom}</customwidgets><connections>{links}</connections></ui>"""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "panel.ui"
            path.write_text(text, encoding="utf-8")
            return self.slicer.util.loadUI(str(path))

    def item(self, kind: str, inside: str = "") -> str:
        return f'<item><widget class="{kind}" name="part">{inside}</widget></item>'

    def testLoads(self):
        inside = '<property name="text"><string>Say</string></property>'
        inside += '<property name="SlicerParameterName" stdset="0"><string>said</string></property>'
        panel = self.load(self.item("QLabel", inside))
        ui = self.slicer.util.childWidgetVariables(panel)
        self.assertEqual(ui.part.text, "Say")
        self.assertEqual(ui.part.property("SlicerParameterName"), "said")
        self.assertIs(ui.part, panel.findChild(self.qt.QLabel, "part"))
        self.assertEqual(ui.part, panel.findChildren(self.qt.QWidget, "part")[0])
        self.assertEqual({ui.part: 1}[panel.findChild("QLabel", "part")], 1)

    def testUnknownClass(self):
        for kind in ("ctkNoSuchWidget", "QNoSuchWidget"):
            with self.assertRaises(RuntimeError):
                self.load(self.item(kind))

    def testUndeclaredCustomWidget(self):
        with self.assertRaises(RuntimeError):
            self.load(self.item("ctkCollapsibleButton"))

    def testUnknownProperty(self):
        with self.assertRaises(RuntimeError):
            self.load(self.item("QLabel", '<property name="txt"><string>x</string></property>'))

    def testUnknownEnum(self):
        for value in ("Qt::AlignNowhere", "Qt::AlignmentFlag::AlignRight"):
            inside = f'<property name="alignment"><set>{value}</set></property>'
            with self.subTest(value=value), self.assertRaises(RuntimeError):
                self.load(self.item("QLabel", inside))

    def testUnknownConnection(self):
        def link(signal, slot):
            return f"""<connection><sender>part</sender><signal>{signal}</signal>
                <receiver>Panel</receiver><slot>{slot}</slot></connection>"""

        self.load(self.item("QCheckBox"), links=link("toggled(bool)", "setEnabled(bool)"))
        for signal, slot in (("toggled(int)", "setEnabled(bool)"), ("toggled(bool)", "setEnabledness(bool)")):
            with self.subTest(signal=signal, slot=slot), self.assertRaises(RuntimeError):
                self.load(self.item("QCheckBox"), links=link(signal, slot))
        with self.assertRaises(RuntimeError):
            self.load(self.item("QCheckBox"), links=link("stateChanged(int)", "setEnabled(bool)"))


class QtTest(StandInTestCase):
    """What works in Slicer works here."""

    def testIdentity(self):
        panel = self.qt.QWidget()
        button = self.qt.QPushButton("press", panel)
        self.assertEqual(button.parent(), panel)
        self.assertIn(button, panel.children())
        self.assertEqual({button: "here"}[panel.children()[0]], "here")
        self.assertNotEqual(button, self.qt.QPushButton())
        self.assertFalse(button == 5)

    def testSignalsPassWhatFunctionTakes(self):
        seen = []
        button = self.qt.QPushButton()
        button.checkable = True

        def none():
            seen.append(())

        def one(checked):
            seen.append(checked)

        for function in (none, one):
            button.connect("clicked(bool)", function)
        button.click()
        self.assertEqual(seen, [(), True])
        self.assertTrue(button.disconnect("clicked(bool)", one))
        self.assertFalse(button.disconnect("clicked(bool)", one))
        button.click()
        self.assertEqual(seen, [(), True, ()])
        button.blockSignals(True)
        button.click()
        self.assertEqual(len(seen), 3)

    def testErrorInSlotIsRaisedByHelpers(self):
        button = self.qt.QPushButton()

        def fail():
            raise RuntimeError("on purpose")

        button.connect("clicked(bool)", fail)
        button.show()
        with self.assertRaises(desktopStandIn.SlotError):
            desktopStandIn.click(button)

    def testTimer(self):
        seen = []
        timer = self.qt.QTimer()
        timer.setSingleShot(True)
        timer.interval = 1
        timer.connect("timeout()", lambda: seen.append("timer"))
        timer.start()
        self.assertTrue(timer.active)
        self.qt.QTimer.singleShot(0, lambda: seen.append("singleShot"))
        desktopStandIn.processEvents(0.1)
        self.assertEqual(sorted(seen), ["singleShot", "timer"])
        self.assertFalse(timer.active)

    def testTable(self):
        qt = self.qt
        table = qt.QTableWidget(2, 2)
        table.setItem(0, 0, qt.QTableWidgetItem("cell"))
        table.setCellWidget(1, 1, qt.QPushButton("inside"))
        self.assertEqual(table.item(0, 0).text(), "cell")
        table.item(0, 0).setText("other")
        table.item(0, 0).setForeground(qt.QBrush(qt.QColor(255, 0, 0)))
        table.item(0, 0).setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        self.assertEqual(table.item(0, 0).foreground().color().name(), "#ff0000")
        self.assertIsNone(table.item(1, 0))
        self.assertEqual(table.cellWidget(1, 1).text, "inside")
        self.assertEqual(table.rowCount, 2)
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.assertEqual(header.sectionResizeMode(0), qt.QHeaderView.Stretch)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setHorizontalHeaderLabels(["a", "b"])
        self.assertEqual(table.horizontalHeaderItem(1).text(), "b")

    def testLayoutsAndGroups(self):
        qt = self.qt
        panel = qt.QWidget()
        form = qt.QFormLayout(panel)
        group = qt.QButtonGroup(panel)
        row = qt.QHBoxLayout()
        for number, text in enumerate(("no", "yes")):
            button = qt.QRadioButton(text)
            group.addButton(button, number)
            row.addWidget(button)
        form.addRow("Choose:", row)
        seen = []
        group.connect("buttonClicked(int)", seen.append)
        group.button(1).click()
        self.assertEqual(seen, [1])
        self.assertEqual(group.checkedId(), 1)
        self.assertEqual(panel.layout(), form)

    def testEnums(self):
        self.assertEqual(int(self.qt.Qt.AlignRight), 2)
        label = self.qt.QLabel()
        label.alignment = self.qt.Qt.AlignRight | self.qt.Qt.AlignTop
        self.assertEqual(label.alignment, 0x22)

    def testPythonSubclassReimplementsVirtual(self):
        seen = []

        class Filter(self.qt.QObject):
            def eventFilter(self, watched, event):
                seen.append((watched.text, event.type()))
                return False

        label = self.qt.QLabel("watched")
        watcher = Filter(label)
        watcher.note = "Python subclasses have attributes"
        label.installEventFilter(watcher)
        label.show()
        desktopStandIn.processEvents()
        self.assertIn(("watched", self.qt.QEvent.Show), seen)
        self.assertEqual(watcher.note, "Python subclasses have attributes")

    def testSettings(self):
        settings = self.qt.QSettings()
        settings.setValue("ALS/folder", "/somewhere")
        self.assertEqual(self.qt.QSettings().value("ALS/folder"), "/somewhere")
        self.assertEqual(self.slicer.util.settingsValue("ALS/none", "default"), "default")

    def testFileDialogCanBeReplaced(self):
        qt = self.qt
        self.assertEqual(qt.QFileDialog.getExistingDirectory(None, "Choose", "/tmp"), "")
        self.assertEqual([popup.kind for popup in desktopStandIn.popups()], ["QFileDialog.getExistingDirectory"])
        qt.QFileDialog.getExistingDirectory = lambda *arguments: "/chosen"
        try:
            self.assertEqual(qt.QFileDialog.getExistingDirectory(None, "Choose", "/tmp"), "/chosen")
            with self.assertRaises(ValueError):
                qt.QFileDialog.getExistingDirectory(parent=None)
        finally:
            del qt.QFileDialog.getExistingDirectory
        self.assertEqual(qt.QFileDialog.getExistingDirectory(), "")
        desktopStandIn.popups()

    def testDialogsDoNotWait(self):
        qt = self.qt
        box = qt.QMessageBox()
        box.text = "Overwrite?"
        box.setStandardButtons(qt.QMessageBox.Yes | qt.QMessageBox.No)
        self.assertEqual(box.exec_(), qt.QMessageBox.Yes)
        desktopStandIn.answerNext("No")
        self.assertEqual(box.exec_(), qt.QMessageBox.No)
        self.assertEqual(qt.QDialog().exec_(), 1)
        desktopStandIn.answerNext("Cancel")
        self.assertEqual(qt.QDialog().exec_(), 0)
        qt.QMenu("Menu").exec_(qt.QPoint(0, 0))
        kinds = [popup.kind for popup in desktopStandIn.popups()]
        self.assertEqual(kinds, ["QMessageBox.exec"] * 2 + ["QDialog.exec"] * 2 + ["QMenu.exec"])

    def testErrorDisplayIsRecorded(self):
        with self.assertRaises(ValueError), self.slicer.util.tryWithErrorDisplay("It failed.", waitCursor=True):
            raise ValueError("because")  # Slicer shows it and raises it again
        (popup,) = desktopStandIn.popups()
        self.assertEqual((popup.kind, popup.text), ("error", "It failed.\n\nbecause"))
        self.slicer.util.infoDisplay("note")
        self.assertTrue(self.slicer.util.confirmOkCancelDisplay("sure?"))
        desktopStandIn.answerNext("Cancel")
        self.assertFalse(self.slicer.util.confirmOkCancelDisplay("sure?"))
        self.assertEqual([popup.kind for popup in desktopStandIn.popups()], ["info"] * 3)

    def testCollapsibleButton(self):
        button = self.ctk.ctkCollapsibleButton()
        inner = self.qt.QVBoxLayout(button)
        label = self.qt.QLabel("inside")
        inner.addWidget(label)
        button.text = "Section"
        button.show()
        self.assertFalse(button.collapsed)
        self.assertTrue(label.visible)
        button.collapsed = True
        self.assertFalse(label.visible)
        desktopStandIn.click(button)
        self.assertFalse(button.collapsed)
        self.assertTrue(label.visible)


if __name__ == "__main__":
    unittest.main()
