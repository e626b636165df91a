"""Stand-in of slicer.app, one per process, with Slicer's own application logic and scene."""

import shutil
import sys
import tempfile

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from . import conversion
from .facade import Facade, facade
from .layout import LayoutManager

QUIET = "propagateSizeHints"  # what the plugin without a screen says of every window


@facade
class ModuleManager(Facade, QtCore.QObject):
    standInName = "qSlicerModuleManager"

    def do_module(self, name):
        return getattr(slicer.modules, name.lower(), None)

    def do_modulesNames(self):
        from . import modules

        return modules.names()


@facade
class Application(Facade, QtWidgets.QApplication):
    standInName = "qSlicerApplication"
    plain = {"majorVersion": 5, "minorVersion": 12, "revision": "stand-in", "releaseType": "Stable"}
    plain |= {"mainApplicationMajorVersion": 5, "mainApplicationMinorVersion": 12, "mainApplicationPatchVersion": 4}
    plain |= {"mainApplicationName": "Slicer", "isInstalled": False, "repositoryRevision": "stand-in"}
    plain |= {"documentationBaseUrl": "https://slicer.readthedocs.io/en/5.12/", "isCustomMainApplication": False}
    plain |= {"platform": "linux-amd64", "arch": "amd64", "os": "linux", "applicationLocaleName": "en_US"}

    def __init__(self):
        QtCore.qInstallMessageHandler(
            lambda kind, context, text: None if QUIET in text else print(text, file=sys.stderr)
        )
        super().__init__(["desktopStandIn"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("desktopStandIn")
        self.setStyle("Fusion")
        self.folder = tempfile.mkdtemp(prefix="desktopStandIn")
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
        for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
            QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, self.folder)
        self.plainValues()["temporaryPath"] = self.folder
        self.plainValues()["slicerHome"] = self.folder
        self.testing = False

    def makeScene(self):
        """The scene, with the nodes that Slicer makes when it starts."""
        self.scene = slicer.vtkMRMLScene()
        self.logic = slicer.vtkSlicerApplicationLogic()
        self.logic.SetMRMLScene(self.scene)
        # SetMRMLScene of vtkMRMLApplicationLogic makes selection and interaction nodes
        for className, tag in (("vtkMRMLSelectionNode", "Singleton"), ("vtkMRMLInteractionNode", "Singleton")):
            if self.scene.GetSingletonNode(tag, className) is None:
                node = self.scene.CreateNodeByClass(className)
                node.UnRegister(None)
                node.SetSingletonTag(tag)
                self.scene.AddNode(node)
        self.layoutManagerInside = LayoutManager(self, self.scene, self.logic)
        self.moduleManagerInside = ModuleManager(self)
        self.settingsInside = QtCore.QSettings(self)

    def close(self):
        """Let go of everything in an order that leaves no leak."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def do_mrmlScene(self):
        return self.scene

    def do_applicationLogic(self):
        return self.logic

    def do_layoutManager(self):
        return self.layoutManagerInside

    def do_moduleManager(self):
        return self.moduleManagerInside

    def do_moduleLogic(self, name):
        return getattr(slicer.modules, name.lower()).logic()

    def do_userSettings(self):
        return self.settingsInside

    do_settings = do_revisionUserSettings = do_userSettings

    def do_pauseRender(self):
        """Nothing is drawn."""

    do_resumeRender = do_pauseRender

    def do_setRenderPaused(self, paused):
        """Nothing is drawn."""

    @staticmethod
    def testingEnabled():
        return slicer.app is not None and conversion.rawOf(slicer.app).testing

    def do_processEvents(self):
        self.processEvents()

    def do_moduleDocumentationUrl(self, name):
        return f"https://slicer.readthedocs.io/en/5.12/user_guide/modules/{name.lower()}.html"

    def do_openNodeModule(self, node, *_others):
        return None


def setTheme(theme: str) -> None:
    """Colors of Slicer's light or dark style, roughly."""
    application = QtWidgets.QApplication.instance()
    scheme = {"light": QtCore.Qt.ColorScheme.Light, "dark": QtCore.Qt.ColorScheme.Dark}[theme]
    role = QtGui.QPalette.ColorRole
    dark = theme == "dark"
    colors = {
        role.Window: "#353535" if dark else "#efefef",
        role.WindowText: "#ffffff" if dark else "#000000",
        role.Base: "#2a2a2a" if dark else "#ffffff",
        role.AlternateBase: "#424242" if dark else "#f7f7f7",
        role.ToolTipBase: "#353535" if dark else "#ffffdc",
        role.ToolTipText: "#ffffff" if dark else "#000000",
        role.PlaceholderText: "#a0a0a0" if dark else "#707070",
        role.Text: "#ffffff" if dark else "#000000",
        role.Button: "#353535" if dark else "#efefef",
        role.ButtonText: "#ffffff" if dark else "#000000",
        role.BrightText: "#ff0000",
        role.Highlight: "#2a82da" if dark else "#308cc6",
        role.HighlightedText: "#000000" if dark else "#ffffff",
        role.Link: "#56b4ff" if dark else "#0000ff",
    }
    palette = QtGui.QPalette()
    for key, color in colors.items():
        palette.setColor(key, QtGui.QColor(color))
    for key in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, key, QtGui.QColor("#808080"))
    application.setPalette(palette)
    application.styleHints().setColorScheme(scheme)
