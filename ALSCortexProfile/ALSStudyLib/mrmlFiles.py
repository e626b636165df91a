"""Files to nodes and back, through Slicer's own storage nodes, without a running Slicer.

Each file is first looked at with SimpleITK or as JSON: a storage node that fails says so in several lines on the
console, and reads the first frame of a 4D file without a word.
"""

from __future__ import annotations

import re
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from .errors import InputError
from .image import LPS_TO_RAS
from .imageHeader import KINDS, checkImageHeader
from .jsonText import parsedJson
from .mrmlNodes import ECHO_TIME_ATTRIBUTE, addVolumeNode, nodesOfClass
from .niftiCheck import checkNifti
from .readerOutput import quietReaders
from .sceneFiles import sceneFiles, unpackBundle

LOGIC_CLASSES = (
    slicer.vtkSlicerMarkupsLogic,
    slicer.vtkSlicerSegmentationsModuleLogic,
    slicer.vtkSlicerSequencesLogic,
    slicer.vtkSlicerTablesLogic,
    slicer.vtkSlicerPlotsLogic,
    slicer.vtkSlicerTextsLogic,
)
SEGMENTATION = "a segmentation as Slicer saves it (.seg.nrrd)"
COMPRESSIBLE = 0.75  # of its size at most: a volume is compressed
SAMPLES, SAMPLE_VOXELS = 16, 4096  # that it is judged by
MOST_MM = 1e5  # of a point
CURVE_CLASSES = {"Curve": "vtkMRMLMarkupsCurveNode", "ClosedCurve": "vtkMRMLMarkupsClosedCurveNode"}


class HeadlessScene:
    """A MRML scene with the logics that Slicer's own nodes rely on; `scene` is the vtkMRMLScene."""

    def __init__(self):
        self.scene = slicer.vtkMRMLScene()
        self.applicationLogic = slicer.vtkMRMLApplicationLogic()
        self.applicationLogic.SetMRMLScene(self.scene)
        self._addSelection()
        _forgetConversions()
        # Logics register the node and storage classes of their modules, without which a scene is saved with holes.
        self._logics = [logicClass() for logicClass in LOGIC_CLASSES]
        for logic in self._logics:
            logic.SetMRMLScene(self.scene)

    def _addSelection(self) -> None:
        self.scene.AddNode(slicer.vtkMRMLSelectionNode())  # without it the markups logic complains

    def clear(self) -> None:
        """Empty, to be used again."""
        self.scene.Clear(True)
        self._addSelection()


def _forgetConversions() -> None:
    """Every new segmentations logic registers its rules once more in the whole process, and each segmentation copies
    all: of each rule one is enough, or every scene is slower than the one before.
    """
    names = slicer.vtkSegmentationConverter
    surface = names.GetClosedSurfaceRepresentationName()
    for labelmap in (names.GetBinaryLabelmapRepresentationName(), names.GetFractionalLabelmapRepresentationName()):
        for pair in ((surface, labelmap), (labelmap, surface)):
            slicer.vtkSegmentationConverterFactory.GetInstance().DisableConverterRule(*pair)


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
    readers = [_imageInformation(path, "Image", KINDS) for path in paths]
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
    count = _frameCount(path, _imageInformation(path, what, KINDS), what)
    checkNifti(path)
    if count > 1:
        raise InputError(f"{what} '{path}' is 4D with {count} volumes; expected one 3D volume; split it.")
    return _loadVolume(scene, path)


def _imageInformation(path: Path, what: str, expected: str) -> sitk.ImageFileReader:
    """Header of an image file, read before Slicer's own reader is let near it."""
    checkImageHeader(path, what, expected)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quietReaders():
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
    with quietReaders():
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
    kinds = _markupsKinds(path, "Contour", expected)
    if len(kinds) != 1 or kinds[0] not in CURVE_CLASSES:
        raise InputError(f"Contour '{path}' holds {', '.join(map(str, kinds)) or 'nothing'}; {expected}")
    node = scene.AddNewNodeByClass(CURVE_CLASSES[kinds[0]], _baseName(path))
    _readInto(scene, node, slicer.vtkMRMLMarkupsJsonStorageNode(), path, "Contour")
    return node


def _markupsKinds(path: Path, what: str, expected: str) -> list:
    """Kinds of the markups in a file, whose points are looked at.

    :raises InputError: no markups file, or points without a plausible place.
    """
    try:
        markups = parsedJson(path.read_text(encoding="utf-8"))["markups"]
        kinds = [str(markup["type"]) for markup in markups]
        points = [point for markup in markups for point in markup.get("controlPoints") or ()]
        places = [point["position"] for point in points if point.get("positionStatus", "defined") == "defined"]
        places += [point["position"] for point in points if point.get("position") is not None]
        numbers = [number for place in places for number in place]
        isPlausible = all(type(number) in (int, float) and abs(number) <= MOST_MM for number in numbers)
        isPlausible = isPlausible and len(numbers) == 3 * len(places) and all(len(place) == 3 for place in places)
    except (ValueError, LookupError, TypeError, AttributeError, MemoryError) as error:
        raise InputError(f"{what} '{path}' is not a markups file; {expected}") from error
    if not isPlausible:
        raise InputError(f"{what} '{path}' has points without a place in mm; {expected}")
    return kinds


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
    with quietReaders():
        isRead = storage.ReadData(node)
    if not isRead:
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
    for node in nodesOfClass(scene, "vtkMRMLScalarVolumeNode"):
        if node.GetSaveWithScene():
            node.GetStorageNode().SetUseCompression(_isCompressible(node.GetImageData()))
    with quietReaders():
        isWritten = scene.WriteToMRB(str(path))
    if not isWritten:
        raise InputError(f"Scene '{path}' could not be written; expected a writable folder with space; check it.")


def _isCompressible(image: vtk.vtkImageData | None) -> bool:
    """Whether a volume is worth the time: compressing noise is nine tenths of saving, and wins a tenth of its size."""
    scalars = image.GetPointData().GetScalars() if image is not None else None
    if scalars is None:
        return True
    values = vtk_to_numpy(scalars).ravel()  # of colors and tensors, too
    count = max(len(values) // SAMPLE_VOXELS, 1)
    sample = b"".join(
        values[start : start + SAMPLE_VOXELS].tobytes()
        for start in np.linspace(0, max(len(values) - SAMPLE_VOXELS, 0), min(count, SAMPLES)).astype(int)
    )
    return len(zlib.compress(sample, 1)) <= COMPRESSIBLE * len(sample)


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
        isBundle = path.suffix.lower() == ".mrb"
        mrmlPath = unpackBundle(path, Path(folder)) if isBundle else path
        for file in sceneFiles(mrmlPath, Path(folder) if isBundle else None):
            _checkFileOfScene(file)
        messages = slicer.vtkMRMLMessageCollection()
        scene.SetURL(str(mrmlPath))
        # Import leaves nodes of other modules' classes out, and says so; what this measurement needs is checked later.
        with quietReaders():
            isRead = scene.Import(messages)
        if not isRead:
            text = " ".join((messages.GetAllMessagesAsString() or "").split())
            raise InputError(
                f"Scene '{path}' could not be read{' (' + text[:200] + ')' if text else ''}; "
                "expected a scene that Slicer saved; save it again."
            )


def _checkFileOfScene(file: Path) -> None:
    """Slicer's segmentation reader ends the whole program at a broken file, so it is not let near one."""
    name = file.name.lower()
    if name.endswith((".nrrd", ".nhdr", ".nii", ".nii.gz", ".hdr", ".mha", ".mhd")):
        checkImageHeader(file)
    if name.endswith(".seg.nrrd"):
        _readWhole(file, "References", SEGMENTATION)
    if name.endswith((".mrk.json", ".fcsv.json")):
        _markupsKinds(file, "Markups", "expected a file that Slicer saved; save the scene again.")


def _readWhole(path: Path, what: str, expected: str) -> None:
    """Read a file to its end once, to know that it has one."""
    try:
        with quietReaders():
            sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{what} '{path}' is broken off or damaged; expected {expected}; export it again.") from error


def quietVtk() -> None:
    """No console chatter of VTK and ITK: a command's errors are one line of its own."""
    vtk.vtkObject.GlobalWarningDisplayOff()
    vtk.vtkOutputWindow.GetInstance().SetDisplayModeToNever()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
