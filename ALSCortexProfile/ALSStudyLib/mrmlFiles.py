"""Files to nodes and back, through Slicer's own storage nodes, without a running Slicer.

Each file is first looked at with SimpleITK or as JSON: a storage node that fails says so in several lines on the
console, and reads the first frame of a 4D file without a word.
"""

from __future__ import annotations

import html
import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from .errors import InputError
from .image import LPS_TO_RAS
from .mrmlNodes import ECHO_TIME_ATTRIBUTE, addVolumeNode, nodesOfClass
from .niftiCheck import checkNifti

LOGIC_CLASSES = (
    slicer.vtkSlicerMarkupsLogic,
    slicer.vtkSlicerSegmentationsModuleLogic,
    slicer.vtkSlicerSequencesLogic,
    slicer.vtkSlicerTablesLogic,
    slicer.vtkSlicerPlotsLogic,
    slicer.vtkSlicerTextsLogic,
)
SEGMENTATION = "a segmentation as Slicer saves it (.seg.nrrd)"
CURVE_CLASSES = {"Curve": "vtkMRMLMarkupsCurveNode", "ClosedCurve": "vtkMRMLMarkupsClosedCurveNode"}


class HeadlessScene:
    """A MRML scene with the logics that Slicer's own nodes rely on; `scene` is the vtkMRMLScene."""

    def __init__(self):
        self.scene = slicer.vtkMRMLScene()
        self.applicationLogic = slicer.vtkMRMLApplicationLogic()
        self.applicationLogic.SetMRMLScene(self.scene)
        self.scene.AddNode(slicer.vtkMRMLSelectionNode())  # without it the markups logic complains
        # Logics register the node and storage classes of their modules, without which a scene is saved with holes.
        self._logics = [logicClass() for logicClass in LOGIC_CLASSES]
        for logic in self._logics:
            logic.SetMRMLScene(self.scene)


def _existing(path, what: str) -> Path:
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{what} '{path}': found {found}; expected a file; check the path.")
    return path


# Volumes --------------------------------------------------------------------------------------------------------


def loadVolumes(scene, paths: Sequence, echoTimesMs: Sequence[float] = ()) -> list:
    """Scalar volume nodes: one per echo, from one 4D file, several 3D files, or a single 3D file.

    :raises InputError: missing, unreadable, not an image, colors, or 4D without echo times.
    """
    paths = [_existing(path, "Image") for path in paths]
    readers = [_imageInformation(path, "Image", "NIfTI, NRRD or MetaImage") for path in paths]
    frames = [_frameCount(path, reader) for path, reader in zip(paths, readers, strict=True)]
    for path in paths:
        checkNifti(path)
    if len(paths) == 1 and frames[0] > 1:
        if not echoTimesMs:
            raise InputError(
                f"Image '{paths[0]}' is 4D with {frames[0]} volumes; expected one 3D volume, "
                "or its echo times; give --echo-times-ms."
            )
        nodes = _loadFrames(scene, paths[0])
    elif max(frames) > 1:
        raise InputError(
            f"Image '{paths[int(np.argmax(frames))]}' is 4D with {max(frames)} volumes among {len(paths)} files; "
            "expected one 4D file or several 3D files; split it."
        )
    else:
        nodes = [_loadVolume(scene, path) for path in paths]
    if echoTimesMs or len(nodes) > 1:
        if len(echoTimesMs) != len(nodes):
            raise InputError(
                f"{len(echoTimesMs)} echo times given for {len(nodes)} echoes; "
                "expected one time per echo; correct --echo-times-ms."
            )
        for node, time in zip(nodes, echoTimesMs, strict=True):
            node.SetAttribute(ECHO_TIME_ATTRIBUTE, repr(float(time)))
    return nodes


def loadVolume(scene, path, what: str = "Image"):
    """One scalar volume node from a 3D file.

    :param what: what messages call it. :raises InputError: missing, unreadable, not an image, colors, or 4D.
    """
    path = _existing(path, what)
    count = _frameCount(path, _imageInformation(path, what, "NIfTI, NRRD or MetaImage"), what)
    checkNifti(path)
    if count > 1:
        raise InputError(f"{what} '{path}' is 4D with {count} volumes; expected one 3D volume; split it.")
    return _loadVolume(scene, path)


def _imageInformation(path: Path, what: str, expected: str) -> sitk.ImageFileReader:
    """Header of an image file, read before Slicer's own reader is let near it."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(
            f"{what} '{path}' cannot be read as an image; expected {expected}; export it again."
        ) from error
    return reader


def _frameCount(path: Path, reader: sitk.ImageFileReader, what: str = "Image") -> int:
    size = reader.GetSize()
    if reader.GetNumberOfComponents() != 1:
        raise InputError(
            f"{what} '{path}' has {reader.GetNumberOfComponents()} numbers per voxel; expected one; choose another."
        )
    if len(size) < 2 or len(size) > 4:
        raise InputError(f"{what} '{path}' has {len(size)} dimensions; expected 3; choose another.")
    return size[3] if len(size) == 4 else 1


def _loadVolume(scene, path: Path):
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", _baseName(path))
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetSingleFile(True)
    _readInto(scene, node, storage, path, "Image")
    return node


def _loadFrames(scene, path: Path) -> list:
    """One node per volume of a 4D file, read once."""
    image = sitk.ReadImage(str(path))
    nodes = []
    for frame in range(image.GetSize()[3]):
        volume = image[:, :, :, frame]
        ijkToLPS = np.eye(4)
        ijkToLPS[:3, :3] = np.array(volume.GetDirection()).reshape(3, 3) @ np.diag(volume.GetSpacing())
        ijkToLPS[:3, 3] = volume.GetOrigin()
        nodes.append(
            addVolumeNode(
                scene, sitk.GetArrayFromImage(volume), LPS_TO_RAS @ ijkToLPS, f"{_baseName(path)}_echo{frame + 1}"
            )
        )
    return nodes


# Markups and segmentations --------------------------------------------------------------------------------------


def loadCurve(scene, path):
    """A markups curve node, open or closed.

    :raises InputError: missing, not a markups file, or markups of another kind.
    """
    path = _existing(path, "Contour")
    expected = "expected an open markups curve (.mrk.json) as Slicer saves it; draw it with the Open Curve tool."
    try:
        kinds = [markup["type"] for markup in json.loads(path.read_text(encoding="utf-8"))["markups"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"Contour '{path}' is not a markups file; {expected}") from error
    if len(kinds) != 1 or kinds[0] not in CURVE_CLASSES:
        raise InputError(f"Contour '{path}' holds {', '.join(map(str, kinds)) or 'nothing'}; {expected}")
    node = scene.AddNewNodeByClass(CURVE_CLASSES[kinds[0]], _baseName(path))
    _readInto(scene, node, slicer.vtkMRMLMarkupsJsonStorageNode(), path, "Contour")
    return node


def loadSegmentation(scene, path, what: str = "References"):
    """:param what: name of the node, and what messages call the file. :raises InputError: missing, no segmentation."""
    path = _existing(path, what)
    header = _imageInformation(path, what, SEGMENTATION)
    if not any(re.fullmatch(r"Segment\d+_ID", key) for key in header.GetMetaDataKeys()):
        raise InputError(f"{what} '{path}' names no segment; expected {SEGMENTATION}; is it another image?")
    _readWhole(path, what, SEGMENTATION)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", what)
    _readInto(scene, node, slicer.vtkMRMLSegmentationStorageNode(), path, what)
    return node


def _readInto(scene, node, storage, path: Path, what: str) -> None:
    scene.AddNode(storage)
    node.SetAndObserveStorageNodeID(storage.GetID())
    storage.SetFileName(str(path))
    if not storage.ReadData(node):
        raise InputError(
            f"{what} '{path}' could not be read by Slicer's reader; expected an intact file; export it again."
        )


def _baseName(path: Path) -> str:
    return path.name.split(".")[0]


# Scenes ---------------------------------------------------------------------------------------------------------


def saveScene(scene, path) -> None:
    """The whole scene as a Slicer data bundle (.mrb)."""
    path = Path(path).absolute()  # Slicer's writer fails at relative ones
    for node in nodesOfClass(scene, "vtkMRMLStorableNode"):
        # What a node without storage node holds is silently left out of a bundle.
        if node.GetSaveWithScene() and node.GetStorageNode() is None and not node.AddDefaultStorageNode():
            raise InputError(f"Node '{node.GetName()}' cannot be saved: Slicer knows no storage for it; remove it.")
    if not scene.WriteToMRB(str(path)):
        raise InputError(f"Scene '{path}' could not be written; expected a writable folder with space; check it.")


def loadScene(scene, path) -> None:
    """Add what a saved scene (.mrb or .mrml) holds.

    :raises InputError: missing, or not a scene.
    """
    path = _existing(Path(path).absolute(), "Scene")
    if path.suffix.lower() not in (".mrb", ".mrml"):
        raise InputError(
            f"Scene '{path}' is a {path.suffix or 'file without ending'}; expected .mrb or .mrml; save it so."
        )
    with tempfile.TemporaryDirectory() as folder:
        mrmlPath = _unpacked(path, Path(folder)) if path.suffix.lower() == ".mrb" else path
        _checkSegmentationsOf(mrmlPath)
        messages = slicer.vtkMRMLMessageCollection()
        scene.SetURL(str(mrmlPath))
        # Import leaves nodes of other modules' classes out, and says so; what this measurement needs is checked later.
        if not scene.Import(messages):
            text = " ".join((messages.GetAllMessagesAsString() or "").split())
            raise InputError(
                f"Scene '{path}' could not be read{' (' + text[:200] + ')' if text else ''}; "
                "expected a scene that Slicer saved; save it again."
            )


def _unpacked(path: Path, folder: Path) -> Path:
    """The .mrml file of a bundle, unpacked; Slicer's own unpacking reads what it can of a broken one."""
    unreadable = f"Scene '{path}' could not be read; expected a whole .mrb that Slicer saved; save it again."
    try:
        with zipfile.ZipFile(path) as bundle:
            if bundle.testzip() is not None:
                raise InputError(unreadable)
            bundle.extractall(folder)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise InputError(unreadable) from error
    found = sorted(folder.rglob("*.mrml"))
    if not found:
        raise InputError(f"Scene '{path}' holds no .mrml file; expected a .mrb that Slicer saved; save it again.")
    return found[0]


def _checkSegmentationsOf(mrmlPath: Path) -> None:
    """Slicer's segmentation reader ends the whole program at a broken file, so it is not let near one."""
    try:
        text = mrmlPath.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"Scene '{mrmlPath}' could not be read; expected a file; check it.") from error
    for name in re.findall(r'fileName="([^"]+\.seg\.nrrd)"', text):
        file = mrmlPath.parent / unquote(html.unescape(name))
        if file.is_file():
            _readWhole(file, "References", SEGMENTATION)


def _readWhole(path: Path, what: str, expected: str) -> None:
    """Read a file to its end once, to know that it has one."""
    try:
        sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{what} '{path}' is broken off or damaged; expected {expected}; export it again.") from error


def quietVtk() -> None:
    """No console chatter of VTK and ITK: a command's errors are one line of its own."""
    vtk.vtkObject.GlobalWarningDisplayOff()
    vtk.vtkOutputWindow.GetInstance().SetDisplayModeToNever()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
