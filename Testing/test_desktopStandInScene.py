"""The stand-in for Slicer's desktop follows a real scene, and both modules run in it."""

import enum
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Annotated

import desktopStandIn
from standInTestCases import StandInTestCase


class NodeComboBoxTest(StandInTestCase):
    """A node selector follows the scene."""

    def setUp(self):
        super().setUp()
        self.selector = self.slicer.qMRMLNodeComboBox()
        self.selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        self.selector.noneEnabled = True
        self.selector.setMRMLScene(self.slicer.mrmlScene)
        self.seen = []
        self.selector.connect("currentNodeChanged(vtkMRMLNode*)", self.seen.append)
        self.selector.show()

    def add(self, className="vtkMRMLScalarVolumeNode", name="volume"):
        return self.slicer.mrmlScene.AddNewNodeByClass(className, name)

    def testListsNodes(self):
        first, _curve = self.add(), self.add("vtkMRMLMarkupsCurveNode")
        labels = self.add("vtkMRMLLabelMapVolumeNode", "labels")
        self.assertEqual(self.selector.nodeCount(), 2)
        self.selector.showChildNodeTypes = False
        self.assertEqual(self.selector.nodeCount(), 1)
        self.assertIs(self.selector.nodeFromIndex(0), first)
        self.selector.showChildNodeTypes = True
        self.selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
        self.assertEqual(self.selector.nodeCount(), 1)
        labels.SetHideFromEditors(True)

    def testFollowsSelection(self):
        volume = self.add()
        self.assertIsNone(self.selector.currentNode())
        desktopStandIn.choose(self.selector, volume)
        self.assertEqual(self.seen, [volume])
        self.assertEqual(self.selector.currentNodeID, volume.GetID())
        volume.SetName("renamed")
        desktopStandIn.choose(self.selector, None)
        desktopStandIn.choose(self.selector, "renamed")
        self.slicer.mrmlScene.RemoveNode(volume)
        self.assertEqual(self.seen, [volume, None, volume, None])
        self.assertIsNone(self.selector.currentNode())

    def testUserCannotChooseWhatIsNotOffered(self):
        curve = self.add("vtkMRMLMarkupsCurveNode", "curve")
        with self.assertRaises(AssertionError):
            desktopStandIn.choose(self.selector, curve)

    def testWithoutNoneTheFirstIsChosen(self):
        self.selector.noneEnabled = False
        first, second = self.add(), self.add()
        self.assertEqual(self.selector.currentNode(), first)
        self.slicer.mrmlScene.RemoveNode(first)
        self.assertEqual(self.selector.currentNode(), second)

    def testAttributes(self):
        volume = self.add()
        self.selector.addAttribute("vtkMRMLScalarVolumeNode", "ALS.Kind", "phase")
        self.assertEqual(self.selector.nodeCount(), 0)
        volume.SetAttribute("ALS.Kind", "phase")
        self.assertEqual(self.selector.nodeCount(), 1)

    def testSceneClose(self):
        desktopStandIn.choose(self.selector, self.add())
        desktopStandIn.closeScene()
        self.assertIsNone(self.selector.currentNode())
        desktopStandIn.choose(self.selector, self.add())
        self.assertIsNotNone(self.selector.currentNode())

    def testCheckable(self):
        selector = self.slicer.qMRMLCheckableNodeComboBox()
        selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        selector.setMRMLScene(self.slicer.mrmlScene)
        first, second = self.add(), self.add()
        changes = []
        selector.connect("checkedNodesChanged()", lambda: changes.append(len(selector.checkedNodes())))
        selector.setCheckState(second, self.qt.Qt.Checked)
        self.assertEqual(selector.checkedNodes(), (second,))
        self.slicer.mrmlScene.RemoveNode(second)
        self.assertEqual(selector.uncheckedNodes(), (first,))
        self.assertEqual(changes, [1, 0])


class Flavor(enum.Enum):
    plain = "p"
    sweet = "s"

    def label(self):
        return self.name.upper()


class ParameterNodeTest(StandInTestCase):
    """The parameter node wrapper keeps values as Slicer's does, and refuses the same."""

    def makeClass(self):
        from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

        slicer = self.slicer

        class Parameters:
            image: slicer.vtkMRMLScalarVolumeNode | None
            images: list[slicer.vtkMRMLScalarVolumeNode]
            count: Annotated[int, WithinRange(1, 9)] = 3
            length: float = 1.5
            flavor: Flavor = Flavor.plain
            on: bool = True
            text: str

        Parameters.__annotations__ = dict(Parameters.__annotations__)
        return parameterNodeWrapper(Parameters)

    def setUp(self):
        super().setUp()
        self.node = self.slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
        self.parameters = self.makeClass()(self.node)

    def testStorage(self):
        volume = self.slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        self.parameters.image, self.parameters.flavor = volume, Flavor.sweet
        self.parameters.images = [volume]
        stored = {name: self.node.GetParameter(name) for name in self.node.GetParameterNames()}
        expected = {"count": "3", "length": "1.5", "flavor": "sweet", "on": "True", "text": "", "image.0": ""}
        self.assertEqual(stored, expected | {"images.len": "1", "images.0": ""})
        self.assertIs(self.node.GetNodeReference("image.0"), volume)
        self.assertIs(self.node.GetNodeReference("images.0"), volume)
        self.assertEqual(self.makeClass()(self.node).images, [volume])
        self.parameters.images.clear()
        self.assertFalse(self.node.HasParameter("images.0"))

    def testRefusals(self):
        curve = self.slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode")
        for name, value, error in (
            ("count", 10, ValueError),
            ("count", 2.5, TypeError),
            ("length", "1", TypeError),
            ("length", None, ValueError),
            ("image", curve, TypeError),
            ("flavor", "sweet", TypeError),
            ("on", 1, TypeError),
            ("text", None, ValueError),
        ):
            with self.subTest(name=name, value=value), self.assertRaises(error):
                self.parameters.setValue(name, value)
            with self.subTest(name=name, value=value), self.assertRaises(error):
                setattr(self.parameters, name, value)
        for method in (self.parameters.getValue, self.parameters.isCached, self.parameters.default):
            with self.assertRaises(ValueError):
                method("unknown")
        self.node.SetParameter("flavor", "salty")

    def testUnsupportedAnnotation(self):
        from slicer.parameterNodeWrapper import parameterNodeWrapper

        class Parameters:
            pairs: dict[str, int]

        with self.assertRaises(Exception):  # noqa: B017 as Slicer raises it
            parameterNodeWrapper(Parameters)

    def testPanelFollows(self):
        qt, slicer = self.qt, self.slicer
        volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        selector = slicer.qMRMLNodeComboBox()
        selector.noneEnabled = True
        selector.setMRMLScene(slicer.mrmlScene)
        widgets = {"image": selector, "count": qt.QSpinBox(), "length": qt.QDoubleSpinBox()}
        widgets |= {"flavor": qt.QComboBox(), "on": qt.QCheckBox(), "text": qt.QLineEdit()}
        tag = self.parameters.connectParametersToGui(widgets)
        self.assertEqual(selector.nodeTypes, ("vtkMRMLScalarVolumeNode",))
        self.assertEqual(widgets["flavor"].itemText(1), "SWEET")
        self.assertEqual((widgets["count"].minimum, widgets["count"].maximum, widgets["count"].value), (1, 9, 3))
        selector.setCurrentNode(volume)
        widgets["flavor"].currentIndex = 1
        widgets["on"].checked = False
        widgets["text"].text = "typed"
        self.assertIs(self.parameters.image, volume)
        self.assertEqual(self.parameters.flavor, Flavor.sweet)
        self.assertEqual((self.parameters.on, self.parameters.text), (False, "typed"))
        self.parameters.count = 7
        self.assertEqual(widgets["count"].value, 7)
        self.parameters.disconnectGui(tag)
        widgets["count"].value = 4
        self.assertEqual(self.parameters.count, 7)

    def testWidgetThatSlicerDoesNotConnect(self):
        for name, widget in (
            ("on", self.qt.QRadioButton()),
            ("text", self.qt.QComboBox()),
            ("count", self.qt.QLabel()),
        ):
            with self.subTest(name=name), self.assertRaises(RuntimeError):
                self.parameters.connectParametersToGui({name: widget})


class DesktopTest(StandInTestCase):
    """Application, modules, views and the subject hierarchy."""

    def testFacadesHaveOnlyWhatHeadersDeclare(self):
        from desktopStandIn import facade, proxy, tables

        for name, cls in proxy.facades.items():
            shared = [base for base in cls.__mro__ if not hasattr(base, "qtName") and base is not facade.Facade]
            for key in {key for base in shared if base.__dict__.get("standInName", name) == name for key in vars(base)}:
                if key.startswith(("get_", "set_")):
                    self.assertTrue(tables.propertyOf(name, key[4:]), f"{name}.{key}")
                if key.startswith("do_"):
                    self.assertTrue(tables.methodsOf(name, key[3:]), f"{name}.{key}")
            for key in cls.__dict__.get("plain", {}):
                self.assertTrue(tables.propertyOf(name, key), f"{name}.{key}")

    def testSegmentArrays(self):
        import numpy as np

        slicer = self.slicer
        volume = slicer.util.addVolumeFromArray(np.zeros((4, 5, 6)))
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        identifier = segmentation.GetSegmentation().AddEmptySegment("a")
        mask = np.zeros((4, 5, 6), np.uint8)
        mask[1:3, 2, 3] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, identifier, volume)
        found = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, identifier, volume)
        np.testing.assert_array_equal(found, mask)

    def testViews(self):
        import numpy as np

        slicer = self.slicer
        volume = slicer.util.addVolumeFromArray(np.zeros((8, 9, 10)))
        slicer.util.setSliceViewerLayers(background=volume, fit=True)
        manager = slicer.app.layoutManager()
        self.assertEqual(manager.sliceViewNames(), ("Red", "Yellow", "Green"))
        logic = manager.sliceWidget("Red").sliceLogic()
        self.assertIs(logic.GetBackgroundLayer().GetVolumeNode(), volume)
        selection = slicer.app.applicationLogic().GetSelectionNode()
        selection.SetActiveVolumeID(volume.GetID())
        slicer.app.applicationLogic().PropagateVolumeSelection()
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
        self.assertEqual(manager.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
        self.assertIsNone(manager.sliceWidget("Purple"))
        desktopStandIn.closeScene()
        self.assertIsNotNone(manager.sliceWidget("Red").mrmlSliceNode().GetScene())

    def testSubjectHierarchy(self):
        slicer = self.slicer
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "v")
        curve = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode", "c")
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(curve), hierarchy.GetItemByDataNode(volume))
        parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(curve))
        self.assertIs(hierarchy.GetItemDataNode(parent), volume)

    def testSegmentEditor(self):
        slicer = self.slicer
        editor = slicer.qMRMLSegmentEditorWidget()
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        editor.setMRMLSegmentEditorNode(node)
        editor.setMRMLScene(slicer.mrmlScene)
        seen = []
        editor.connect("currentSegmentIDChanged(QString)", seen.append)
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        identifiers = [segmentation.GetSegmentation().AddEmptySegment(name) for name in "ab"]
        editor.setSegmentationNode(segmentation)
        self.assertEqual(editor.currentSegmentID(), identifiers[0])
        editor.setCurrentSegmentID(identifiers[1])
        self.assertEqual(node.GetSelectedSegmentID(), identifiers[1])
        self.assertEqual(seen, identifiers)
        editor.setEffectNameOrder(["Paint", "Erase"])
        editor.unorderedEffectsVisible = False
        self.assertEqual(editor.effectCount(), 2)
        editor.setActiveEffectByName("Paint")
        self.assertEqual(editor.activeEffect().name, "Paint")
        editor.activeEffect().setParameter("BrushSphere", 1)
        self.assertEqual(editor.activeEffect().integerParameter("BrushSphere"), 1)
        editor.setActiveEffect(None)
        self.assertIsNone(editor.activeEffect())
        with self.assertRaises(AttributeError):
            editor.setMasterVolume(None)

    def testSampleData(self):
        import SampleData

        made = []
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="test",
            sampleName="made",
            uris=[],
            fileNames=[],
            customDownloader=made.append,
        )
        SampleData.downloadSample("made")
        self.assertEqual([source.sampleName for source in made], ["made"])
        with self.assertRaises(TypeError):
            SampleData.SampleDataLogic.registerCustomSampleDataSource(category="test", sampleNames="x")


class ModulesTest(StandInTestCase):
    """Both modules open, survive scenes, reload and closing; their self-tests run in the tests of the panels."""

    def openTwice(self, name):
        widget = desktopStandIn.openModule(name)
        self.assertTrue(widget.parent.isEntered)
        for theme in ("light", "dark"):
            with tempfile.TemporaryDirectory() as folder:
                picture = desktopStandIn.renderPanel(widget, Path(folder) / "panel.png", theme=theme)
                self.assertGreater(picture.stat().st_size, 2000)
        desktopStandIn.closeScene()
        desktopStandIn.closeScene()
        desktopStandIn.reloadModule(name)
        desktopStandIn.leave(name)
        desktopStandIn.enter(name)
        desktopStandIn.closeModule(name)

    def testProcessEndsCleanly(self):
        """Neither a crash nor a complaint when Python ends with both panels open and nodes in the scene."""
        script = """
import desktopStandIn
desktopStandIn.start()
import slicer
for name in ("ALSCortexProfile", "PhaseShiftROI"):
    desktopStandIn.openModule(name)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
"""
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "QT_QPA_PLATFORM": "offscreen"}
        run = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def testALSCortexProfile(self):
        self.openTwice("ALSCortexProfile")

    def testPhaseShiftROI(self):
        self.openTwice("PhaseShiftROI")


if __name__ == "__main__":
    unittest.main()
