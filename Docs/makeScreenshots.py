"""Pictures of the tutorials, made in Slicer as a reader makes them: clicks in the panels, the mouse in the views.

Run it in the folder of the repository, on a screen of at least 1300 x 960 pixels; it takes about two minutes:

    Slicer --no-splash --additional-module-paths ALSCortexProfile PhaseShiftROI --python-script Docs/makeScreenshots.py

The pictures in Resources/Screenshots are replaced, the numbers on them are printed, and Slicer closes. The pictures of
the reports need Chromium (or Chrome) on the path, or stay as they are; and reportlab, or Slicer asks for it.
"""

import shutil
import subprocess
import tempfile
import time
import traceback
from pathlib import Path

import qt
import slicer
import vtk
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).resolve().parent.parent / "Resources" / "Screenshots"
ORANGE = (214, 96, 0)
COLORS = 256

# Where a reader clicks who follows the border of cerebrospinal fluid and cortex by eye, and
# paints the middle of what the phantom has as references; not the phantom's own points.
BORDER_RAS = (
    *((-16.8, 29.7, 61.9), (-19.1, 29.2, 61.5), (-21.5, 28.6, 61.1), (-23.4, 27.6, 60.6), (-24.8, 26.2, 60.1)),
    *((-25.6, 24.2, 59.6), (-25.6, 21.7, 59.0), (-25.6, 19.2, 58.5), (-25.6, 16.9, 57.9)),
)
HAND_KNOB_RAS = (-22.0, 24.0, 60.0)
SPLENIUM_RAS = (1.2, 5.2, 54.4)
WHITE_MATTER_RAS = (-17.3, 20.8, 59.9)
PARACENTRAL_RAS = (-2.4, 25.8, 66.9)
STROKE_MM = ((-1.5, 1.5), (1.5, 1.5), (1.5, 0.0), (-1.5, 0.0), (-1.5, -1.5), (1.5, -1.5))
PLACED_SLICES = (9, 10, 11, 12)


# The window -----------------------------------------------------------------------------------------------------


def pump(seconds=0.5):
    """Let Slicer work and draw."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.01)


def settle(*timers):
    """Wait until a panel has measured."""
    pump(0.3)
    while any(timer.isPending for timer in timers):
        pump(0.05)
    pump()


def resize(width, height):
    slicer.util.mainWindow().setGeometry(0, 0, width, height)
    pump()


def rectOf(widget):
    """(left, top, right, bottom) in the main window: of a widget; of (table, row); around a list of them."""
    if isinstance(widget, list):
        boxes = list(zip(*map(rectOf, widget), strict=True))
        return min(boxes[0]), min(boxes[1]), max(boxes[2]), max(boxes[3])
    if isinstance(widget, tuple):
        table, row = widget
        first, last = table.item(row, 0), table.item(row, table.columnCount - 1)
        rect, widget = table.visualItemRect(first).united(table.visualItemRect(last)), table.viewport()
    else:
        rect = widget.rect
    corner = widget.mapToGlobal(rect.topLeft()) - slicer.util.mainWindow().mapToGlobal(qt.QPoint(0, 0))
    return corner.x(), corner.y(), corner.x() + rect.width(), corner.y() + rect.height()


def shot(name, marks=(), right=None, bottom=None):
    """Save the main window, down and right to the end of these widgets, with a frame around each of the marks."""
    slicer.util.forceRenderAllViews()
    pump()
    window, path = slicer.util.mainWindow(), FOLDER / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    window.grab().save(str(path))
    image = Image.open(path).convert("RGB")
    draw, scale = ImageDraw.Draw(image), image.width / window.width
    for number, mark in enumerate(marks, start=1):
        margin = -1 if isinstance(mark, tuple) else 2
        box = [scale * (at + by * margin) for at, by in zip(rectOf(mark), (-1, -1, 1, 1), strict=True)]
        draw.rounded_rectangle(box, radius=4, outline=ORANGE, width=2)
        if len(marks) > 1:
            x, y = badgePlace(mark, box, scale)
            draw.ellipse((x - 10, y - 10, x + 10, y + 10), fill=ORANGE, outline="white")
            draw.text((x, y), str(number), fill="white", anchor="mm", font=ImageFont.load_default(size=14))
    width = scale * (rectOf(right)[2] + 2) if right else image.width
    height = scale * (rectOf(bottom)[3] + 2) if bottom else image.height
    save(image.crop((0, 0, min(int(width), image.width), min(int(height), image.height))), path)


def badgePlace(mark, box, scale):
    """Where a number stands so that it covers no text: beside a row, on the corner of a button, else inside."""
    right, middle, bottom = box[2], (box[1] + box[3]) / 2, box[3]
    if isinstance(mark, tuple):
        return right + 9 * scale, middle
    if isinstance(mark, list):
        return right + scale, middle
    if mark.inherits("QPushButton"):
        return right - 2, bottom
    return right - 10 * scale, middle


def save(image, path):
    image.quantize(COLORS, kmeans=1, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(FOLDER)}: {image.width} x {image.height}, {path.stat().st_size // 1024} KB", flush=True)


def reveal(widget):
    """Scroll the panel until a widget is at its top."""
    pump(0.2)
    for area in slicer.util.findChildren(slicer.util.mainWindow(), className="QScrollArea"):
        if area.isAncestorOf(widget):
            area.verticalScrollBar().setValue(widget.mapTo(area.widget(), qt.QPoint(0, 0)).y() - 8)
    pump(0.2)


def openModule(name):
    slicer.util.selectModule(name)
    panel = slicer.util.getModuleWidget(name)
    for button in slicer.util.findChildren(slicer.util.mainWindow(), className="ctkCollapsibleButton"):
        if button.text == "Data Probe":
            button.collapsed = True
    pump()
    return panel


def openSample(name, picture):
    """A click in Sample Data."""
    panel = openModule("SampleData")
    buttons = slicer.util.findChildren(panel.parent, className="QToolButton")
    buttons = [button for button in buttons if button.text.startswith("ALSMotorCortex")]
    reveal(min(buttons, key=lambda button: rectOf(button)[1]))
    button = next(button for button in buttons if button.text == name)
    button.click()
    pump(1.0)
    shot(picture, [button], right=red(), bottom=max(buttons, key=lambda button: rectOf(button)[1]))


def moduleSelector():
    return slicer.util.findChildren(slicer.util.mainWindow(), name="ModuleSelectorToolBar")[0]


# The views ------------------------------------------------------------------------------------------------------


def red():
    return slicer.app.layoutManager().sliceWidget("Red")


def maximize(view):
    """The button of a view's bar that makes it fill the window, and small again."""
    slicer.util.findChildren(view, name="MaximizeViewButton")[0].click()
    pump()


def lookAt(point_RAS, fieldMm):
    """Scroll, pan and zoom the red view."""
    node = red().mrmlSliceNode()
    across, up, through = node.GetFieldOfView()
    node.SetFieldOfView(fieldMm, fieldMm * up / across, through)
    node.JumpSliceByCentering(*point_RAS)
    pump(0.3)


def click(points_RAS, drag=False):
    """Click in the red view on each place; or press on the first, move over the others, and let go."""
    node, interactor = red().mrmlSliceNode(), red().sliceView().interactor()
    toView = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(node.GetXYToRAS(), toView)
    for index, point_RAS in enumerate(points_RAS):
        x, y = toView.MultiplyPoint((*point_RAS, 1.0))[:2]
        interactor.SetEventInformation(round(x), round(y))
        interactor.MouseMoveEvent()
        pump(0.1)
        if not drag or index == 0:
            interactor.LeftButtonPressEvent()
        if not drag or index == len(points_RAS) - 1:
            interactor.LeftButtonReleaseEvent()
        pump(0.2)


def rightClick():
    interactor = red().sliceView().interactor()
    interactor.SetEventInformation(50, 50)
    interactor.MouseMoveEvent()  # without one, Slicer opens the view's menu
    pump(0.2)
    interactor.RightButtonPressEvent()
    interactor.RightButtonReleaseEvent()
    pump(0.3)


def stroke(center_RAS):
    """Places in the slice around a center, for the brush."""
    axes = red().mrmlSliceNode().GetSliceToRAS()
    return [
        [center_RAS[row] + x * axes.GetElement(row, 0) + y * axes.GetElement(row, 1) for row in range(3)]
        for x, y in STROKE_MM
    ]


# ALS Cortex Profile ---------------------------------------------------------------------------------------------


def profileTutorial():
    resize(1280, 680)
    openSample("ALSMotorCortexPhantom", "Tutorial/profile-1")
    resize(1280, 950)
    panel = openModule("ALSCortexProfile")
    exam, ui = panel.exam, panel.ui
    rest = (exam.live, exam.references)

    def tell(what):
        columns = ("slices", "sh", "thickness", "ratio", "status")
        rows = [[exam.targets.text(target, column) for column in columns] for target in exam.measurements]
        print(what, *rows, ui.spleniumStateLabel.text, ui.whiteMatterStateLabel.text, sep="\n    ", flush=True)

    settle(*rest)
    reveal(ui.examCollapsibleButton)
    tell("As loaded")
    shot("Tutorial/profile-2", [moduleSelector(), ui.targetsTable], right=red(), bottom=red())

    exam.targets.click("hand_knob_left")
    ui.showChartButton.click()
    lookAt(HAND_KNOB_RAS, 34.0)
    row = (ui.targetsTable, 0)
    shot("Tutorial/profile-3", [row], bottom=red())
    shot("ALSCortexProfilePanel", bottom=red())

    resize(1060, 800)
    while ui.deleteLineButton.enabled:
        ui.deleteLineButton.click()
        pump(0.2)
    maximize(red())
    lookAt(HAND_KNOB_RAS, 30.0)
    ui.drawButton.click()
    click(BORDER_RAS[:6])
    settle()
    shot("Tutorial/profile-4", [ui.deleteLineButton, ui.drawButton], bottom=ui.referencesCollapsibleButton)
    click(BORDER_RAS[6:])
    rightClick()
    settle(*rest)
    tell("Drawn anew")
    shot("Tutorial/profile-5", [row, ui.targetMessageLabel])
    ui.copyUpButton.click()
    settle(*rest)
    tell("Copied")
    shot("Tutorial/profile-6", [ui.copyUpButton, row])
    referencesSteps(ui, rest, tell)
    readingSteps(ui, exam, rest)
    reportPicture(exam.results.report, "Tutorial/profile-10")


def referencesSteps(ui, rest, tell):
    """Both references painted anew, with the brush as it comes."""
    ui.referencesSelector.setCurrentNode(None)
    pump()
    ui.paintSpleniumButton.click()
    reveal(ui.referencesCollapsibleButton)
    lookAt(SPLENIUM_RAS, 60.0)
    click(stroke(SPLENIUM_RAS), drag=True)
    settle(*rest)
    shot("Tutorial/profile-7", [ui.referencesSelector, [ui.paintSpleniumButton, ui.spleniumStateLabel]])
    lookAt(WHITE_MATTER_RAS, 60.0)
    ui.paintWhiteMatterButton.click()
    click(stroke(WHITE_MATTER_RAS), drag=True)
    settle(*rest)
    shot("Tutorial/profile-8", [[ui.paintWhiteMatterButton, ui.whiteMatterStateLabel]])
    ui.paintWhiteMatterButton.click()
    tell("References painted anew")


def readingSteps(ui, exam, rest):
    """One target scored blind."""
    resize(1180, 820)
    for button in (ui.referencesCollapsibleButton, ui.profileCollapsibleButton):
        button.collapsed = True
    ui.readingCollapsibleButton.collapsed = False
    ui.readingModeCheckBox.click()
    ui.readerLineEdit.text = "R1"
    settle(*rest)
    reveal(ui.examCollapsibleButton)
    lookAt(PARACENTRAL_RAS, 60.0)
    first = exam.reading.target
    exam.reading.score("pathologic", 2)
    marks = [ui.readingModeCheckBox, ui.readerLineEdit, ui.pathologicRadioButton, ui.saveReadingButton]
    shot("Tutorial/profile-9", marks)
    ui.saveReadingButton.click()
    settle(*rest)
    print("Scored:", first, exam.targets.text(first, "sh"), flush=True)
    ui.readingModeCheckBox.click()
    settle(*rest)


def reportPicture(write, name):
    """The page that the button Report... writes."""
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if browser is None:
        print("No Chromium: the picture of the report stays as it is")
        return
    with tempfile.TemporaryDirectory() as folder:
        write(folder)
        (page,) = Path(folder).glob("*/report.html")
        picture = Path(folder) / "page.png"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=900,1160"]
        command = [browser, *options, f"--screenshot={picture}", page.as_uri()]
        environment = slicer.util.startupEnvironment()
        subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment)  # noqa: S603
        save(Image.open(picture).convert("RGB"), FOLDER / f"{name}.png")


# Phase Shift ROI ------------------------------------------------------------------------------------------------


def phaseTutorial():
    slicer.mrmlScene.Clear()
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    resize(1280, 680)
    openSample("ALSMotorCortexPhasePhantom", "Tutorial/phase-1")
    resize(1280, 950)
    panel = openModule("PhaseShiftROI")
    exam, ui = panel.exam, panel.ui
    reveal(ui.phaseCollapsibleButton)
    declared = [ui.encodingComboBox, ui.echoTimeSpinBox, ui.fieldStrengthSpinBox]
    shot("Tutorial/phase-2", [declared, ui.polarityComboBox, ui.prepareButton], right=red(), bottom=red())
    ui.prepareButton.click()
    settle(exam.live)
    ui.phaseCollapsibleButton.collapsed = False
    reveal(ui.phaseCollapsibleButton)
    print(ui.statusLabel.text, ui.polarityChecksLabel.text, sep="\n", flush=True)
    shot("Tutorial/phase-3", [ui.polarityChecksLabel, ui.statusLabel], right=red(), bottom=red())

    def tell(what):
        columns = ("region", "side", "slice", "pixels", "rad", "hz")
        rows = [[exam.regions.table.text(key, column) for column in columns] for key in exam.regions.table.keys]
        print(what, *rows, sep="\n    ", flush=True)

    tell("As loaded")
    ui.phaseCollapsibleButton.collapsed = True
    slug = "precentral_gyrus_left"
    exam.regions.table.click(slug)
    state, image = exam.session.states[slug], exam.session.image
    centers = {value.slice: state.centerOf_RAS(image, value.slice) for value in state.values}
    ui.chartButton.click()
    lookAt(centers[12], 60.0)
    reveal(ui.prepareButton)
    shot("PhaseShiftROIPanel", bottom=red())

    ui.addRegionsButton.click()
    settle(exam.live)
    resize(1060, 800)
    maximize(red())
    exam.regions.table.click(slug)
    reveal(ui.regionsCollapsibleButton)
    ui.placeButton.click()
    for slice in PLACED_SLICES:
        lookAt(centers[slice], 40.0)
        click([centers[slice]])
        settle(exam.live)
    marks = [ui.addRegionsButton, (ui.regionsTable, 1), ui.placeButton]
    shot("Tutorial/phase-4", marks, bottom=ui.slicesCollapsibleButton)
    rightClick()
    tell("Placed")
    maximize(red())
    maximize(slicer.app.layoutManager().plotWidget(0))
    resize(1060, 700)
    reveal(ui.slicesCollapsibleButton)
    shot("Tutorial/phase-5", [[ui.slicesTable], ui.chartButton])
    ui.regionsSelector.setCurrentNode(slicer.util.getNode("Regions"))
    settle(exam.live)
    reportPicture(exam.results.reportTo, "Tutorial/phase-6")


def main():
    slicer.util.findChildren(slicer.util.mainWindow(), className="QStatusBar")[0].hide()
    profileTutorial()
    phaseTutorial()


def run():
    code = 0
    try:
        main()
    except Exception:
        traceback.print_exc()
        code = 1
    slicer.util.exit(code)


qt.QTimer.singleShot(1500, run)
