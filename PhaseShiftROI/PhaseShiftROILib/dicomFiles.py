"""Magnitude, phase, real and imaginary volumes from DICOM files: which is which, in which unit, and where.

Scanners mix components and echoes in one series or even one file, and each frame has its own rescale; readers of
ITK stack them all and apply the first frame's. Only what the header says counts here, never the range of the values.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import LPS_TO_RAS
from ALSStudyLib.readerOutput import quietReaders

COMPONENTS = ("magnitude", "phase", "real", "imaginary")
# As ComplexImageComponent, ImageType, FrameType and Philips' private image type spell them.
COMPONENT_OF = {spelling: name for name in COMPONENTS for spelling in (name.upper(), name[0].upper())}
COMPONENT_OF["PHASE MAP"] = "phase"
# Where an enhanced file keeps, per frame or shared, what a classic file has at its top.
FUNCTIONAL_GROUPS = {
    "MRImageFrameTypeSequence": ("ComplexImageComponent", "FrameType"),
    "MREchoSequence": ("EffectiveEchoTime",),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SpacingBetweenSlices"),
}
SPACING_TOLERANCE = 0.01  # of the slice spacing
SAME_PLACE_MM = 0.01
SAME_PLANE = 1e-3  # a direction cosine, or mm of pixel spacing
SAME_ECHO_MS = 0.05  # between what a user types and the header's 7.001
MOST_PACKED = 1100  # bytes that a compressed one stands for
MOST_RESCALE = 1e9
NO_RESCALE = (None, (1.0, 0.0))
NO_UNIT = ("", "US", "UNSPECIFIED")


@dataclass(frozen=True, eq=False)
class DicomVolume:
    """One component of one echo of one series."""

    component: str  # one of COMPONENTS
    values_KJI: np.ndarray  # (nK, nJ, nI) after slope and intercept: int16 or int32 if both are whole, else float32
    ijkToRAS: np.ndarray  # (4, 4), voxel index (i, j, k) to RAS mm
    echoTimeMs: float | None
    fieldStrengthT: float | None
    vendor: str  # "siemens", "philips", "ge" or ""
    rescaleType: str  # as in the header, "" if absent; of a real-world mapping with the same rescale, its unit
    rescale: tuple[float, float] | None  # slope and intercept of the first slice, None if the header has none
    name: str  # series number or file name, for messages: a description is free text, which may name the patient


@dataclass(frozen=True, eq=False)
class _Frame:
    """One slice as stored."""

    file: Path
    series: str
    stored_JI: np.ndarray
    position_LPS: np.ndarray
    orientation_LPS: np.ndarray  # (6,), direction of i, then of j
    spacingMm_JI: np.ndarray
    sliceSpacingMm: float  # only for a lone slice: the header's spacing between slices, 1 if it has none
    said: dict  # those attributes of a DicomVolume that the header gives; component "" if it does not say


def isDicom(path: Path) -> bool:
    """A DICOM file, with or without a preamble, or a folder that holds one at any depth."""
    path = Path(path)
    return any(map(_isDicomFile, _filesIn(path) if path.is_dir() else [path]))


def readDicom(path: Path) -> list[DicomVolume]:
    """Every volume of one file (classic: one slice; enhanced: all frames) or of all files below a folder.

    In order of component and echo time. Frames whose header does not say which component they are (such as field
    maps) are left out, unless there are no others. A lone slice has the header's spacing between slices, else 1 mm.

    :raises InputError: nothing there, not DICOM, not whole, without pixels or geometry, in color, a mosaic, or frames
        of one component, echo and series that are not one even stack of parallel slices.
    """
    path = Path(path)
    frames = [frame for file in _dicomFiles(path) for frame in _framesOf(file, skipOthers=path.is_dir())]
    if not frames:
        raise InputError(f"Folder '{path}' holds DICOM files but no image; expected MR images; choose another folder.")
    groups: dict[tuple, list[_Frame]] = {}
    for frame in frames:
        if frame.said["component"]:
            groups.setdefault((frame.series, frame.said["component"], frame.said["echoTimeMs"]), []).append(frame)
    if not groups:
        raise InputError(
            f"DICOM '{frames[0].said['name']}' does not say whether it is magnitude, phase, real or imaginary; "
            "expected that in ComplexImageComponent, ImageType or the vendor's tags; export it with all its tags."
        )
    order = sorted(groups, key=lambda group: (COMPONENTS.index(group[1]), group[2] or 0.0))
    return [_volumeOf(groups[group]) for group in order]


def readHeaders(files: Sequence[Path]) -> DicomVolume:
    """What the headers of one loaded volume's files say, without its pixels and place.

    :raises InputError: a file that is not whole, or frames that do not agree in what they say.
    """
    said = [one for file in files for one in _saidIn(Path(file))]
    for name, what in (
        ("component", "component"),
        ("echoTimeMs", "echo time"),
        ("fieldStrengthT", "field strength"),
        ("rescaleType", "unit (RescaleType)"),
    ):
        if len({one[name] for one in said}) > 1:
            raise InputError(
                f"DICOM '{said[0]['name']}' differs from frame to frame in its {what}; expected one volume; load "
                "magnitude, phase and echoes apart from each other."
            )
    rescales = {one["rescale"] for one in said}
    if len(rescales) > 1 and len(files) == 1:  # readers give all frames of a file the rescale of its first
        raise InputError(
            f"DICOM '{said[0]['name']}' has {len(rescales)} different rescales in one file; expected one, for the "
            "values as loaded would be wrong; measure it with als-motor-cortex phase --encoding dicom."
        )
    return DicomVolume(values_KJI=np.empty((0, 0, 0)), ijkToRAS=np.eye(4), **said[0])


@contextmanager
def _quietly() -> Iterator[None]:
    """pydicom warns of values that are none of their kind, and prints them: a patient's name among them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_quietly()
def _saidIn(file: Path) -> list[dict]:
    import pydicom

    try:
        dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
        nFrames = len(dataset.get("PerFrameFunctionalGroupsSequence") or ()) or 1
        return [_frame(dataset, file, index, np.empty((0, 0))).said for index in range(nFrames)]
    except InputError:
        raise
    except Exception as error:  # a damaged header fails in pydicom or in the conversion of any of its values
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> InputError:
    """Without the error's own words: they quote values, and of a damaged file any may be the patient's name."""
    return InputError(
        f"DICOM file '{file}' is broken off or damaged ({type(error).__name__}); expected a whole one; export it again."
    )


def chooseVolume(volumes: Sequence[DicomVolume], component: str, echoTimeMs: float | None = None) -> DicomVolume:
    """The one volume of a component, at an echo time in ms if there are several.

    :raises InputError: no such component, no such echo, or more than one that fits.
    """
    found = [volume for volume in volumes if volume.component == component]
    if not found:
        others = " and ".join(name for name in COMPONENTS if name in {volume.component for volume in volumes})
        raise InputError(
            f"DICOM input holds {others or 'no volume'}; expected {component}; add the {component} of the same scan."
        )
    timesMs = sorted({volume.echoTimeMs for volume in found if volume.echoTimeMs is not None})
    listed = f"{component} at the echo times {', '.join(f'{timeMs:g}' for timeMs in timesMs)} ms"
    if echoTimeMs is not None and timesMs:  # a header without echo time cannot contradict the user's
        nearestMs = min(timesMs, key=lambda timeMs: abs(timeMs - echoTimeMs))
        if abs(nearestMs - echoTimeMs) > SAME_ECHO_MS:
            raise InputError(f"DICOM input holds {listed}; expected {echoTimeMs:g} ms; choose one that is there.")
        found = [volume for volume in found if volume.echoTimeMs == nearestMs]
    elif len(timesMs) > 1:
        raise InputError(f"DICOM input holds {listed}; expected one echo; choose one of these times.")
    if len(found) > 1:
        names = ", ".join(f"'{volume.name}'" for volume in found)
        raise InputError(
            f"DICOM input holds {len(found)} {component} volumes that no echo time tells apart ({names}); "
            "expected one; give the folder of one series."
        )
    return found[0]


def declaredEncoding(volume: DicomVolume) -> str:
    """How the header says that phase is stored: "siemens", "philips_mrad" or "radians".

    Siemens is 0 to 4095, or that after slope 2 and intercept -4096; GE stores milliradians, as Philips does.

    :raises InputError: not a phase, or a header that does not declare the unit.
    """
    if volume.component != "phase":
        raise InputError(f"DICOM '{volume.name}' is {volume.component}; expected phase; choose the phase images.")
    unit = volume.rescaleType.upper()
    if unit in ("MRAD", "RAD"):
        return "philips_mrad" if unit == "MRAD" else "radians"
    if unit in NO_UNIT and volume.vendor == "siemens" and volume.rescale in (*NO_RESCALE, (2.0, -4096.0)):
        return "siemens"
    if unit in NO_UNIT and volume.vendor == "ge" and volume.rescale in NO_RESCALE:
        return "philips_mrad"
    found = f"RescaleType {volume.rescaleType}" if volume.rescaleType else "no RescaleType"
    found += f", slope {volume.rescale[0]:g}, intercept {volume.rescale[1]:g}" if volume.rescale else ""
    advice = "give --encoding as the scanner's documentation states it"
    if volume.vendor == "philips" and unit in NO_UNIT:
        advice = "give --encoding philips_mrad if the scanner's documentation says milliradians"
    raise InputError(
        f"Phase '{volume.name}': its RescaleType declares no unit ({found}); expected RescaleType mrad or rad, or the "
        f"usual scaling of Siemens or GE; {advice}."
    )


def _filesIn(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith("."))


def _isDicomFile(file: Path) -> bool:
    import pydicom

    try:
        with open(file, "rb") as opened:
            start = opened.read(132)
        if start[128:] == b"DICM":
            return True
        if start[:2] not in (b"\2\0", b"\x08\0"):  # a data set without preamble starts with group 2 or 8
            return False
        with _quietly():
            return "SOPClassUID" in pydicom.dcmread(file, stop_before_pixels=True, force=True)
    except Exception:  # pydicom raises anything at files that are not DICOM
        return False


def _dicomFiles(path: Path) -> list[Path]:
    files = list(_filesIn(path)) if path.is_dir() else [path]
    found = [file for file in files if _isDicomFile(file)]
    if not found:
        state = ("holds no DICOM file" if files else "is empty") if path.is_dir() else "is missing or no DICOM file"
        raise InputError(f"'{path}' {state}; expected DICOM images, or a folder of them; check the path.")
    return found


@_quietly()
def _framesOf(file: Path, skipOthers: bool) -> list[_Frame]:
    """The frames of one file; none for a report, a presentation state or the like if these are skipped."""
    import pydicom

    try:
        dataset = pydicom.dcmread(file, force=True)
        kind = dataset.file_meta.get("MediaStorageSOPClassUID") or dataset.get("SOPClassUID")
        if skipOthers and "Rows" not in dataset and kind and "Image Storage" not in kind.name:
            return []
        stored_KJI = _storedValues(dataset, file)
        nDescribed = len(dataset.get("PerFrameFunctionalGroupsSequence") or stored_KJI)
        if nDescribed != len(stored_KJI):
            raise InputError(
                f"DICOM file '{file}' describes {nDescribed} frames and holds {len(stored_KJI)}; expected as many; "
                "export it again."
            )
        return [_frame(dataset, file, index, stored_JI) for index, stored_JI in enumerate(stored_KJI)]
    except InputError:
        raise
    except Exception as error:  # a damaged header fails in pydicom or in the conversion of any of its values
        raise _damaged(file, error) from error


def _storedValues(dataset, file: Path) -> np.ndarray:
    """(nFrames, nJ, nI), before slope and intercept."""
    if "PixelData" not in dataset:
        raise InputError(
            f"DICOM file '{file}' has no pixel data or is broken off before it; expected an MR image; export it again."
        )
    color = dataset.get("PhotometricInterpretation", "MONOCHROME2")
    known = re.findall(r"^(?:RGB|PALETTE COLOR|YBR_\w{3,11}|MONOCHROME[12])$", color)
    if dataset.get("SamplesPerPixel", 1) != 1 or not color.startswith("MONOCHROME"):
        raise InputError(
            f"DICOM file '{file}' is in color ({known[0] if known else 'of an unknown kind'}); expected one gray value "
            "per pixel; choose the original images, not screenshots or color maps."
        )
    if "MOSAIC" in _words(dataset.get("ImageType")):
        raise InputError(
            f"DICOM file '{file}' is a mosaic of slices; expected one slice per frame; export it as enhanced DICOM."
        )
    if "TransferSyntaxUID" not in dataset.file_meta:  # no preamble, so not compressed: pixels are little endian
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    syntax, shape = dataset.file_meta.TransferSyntaxUID, (-1, dataset.Rows, dataset.Columns)
    claimed = int(dataset.get("NumberOfFrames") or 1) * dataset.Rows * dataset.Columns * dataset.BitsAllocated // 8
    if not 0 < claimed <= MOST_PACKED * len(dataset.PixelData):  # before the decoder takes the memory
        raise InputError(
            f"DICOM file '{file}' claims {claimed} bytes of pixels and holds {len(dataset.PixelData)}, is broken off "
            "or damaged; expected a whole file; export it again."
        )
    try:
        return dataset.pixel_array.reshape(shape)
    except Exception as error:  # too few bytes, no decoder, or one that failed: said in many ways
        if not syntax.is_encapsulated:
            raise
        try:
            return _decodedByGdcm(dataset).reshape(shape)
        except (RuntimeError, ValueError):
            raise InputError(
                f"DICOM file '{file}' is compressed ({syntax.name}) and cannot be decoded here, or is damaged; "
                "expected pixels that pydicom or SimpleITK can read; export it uncompressed."
            ) from error


def _decodedByGdcm(dataset) -> np.ndarray:
    """Stored values, from a copy of nothing but the pixels: SimpleITK would apply the first frame's rescale to all."""
    import pydicom
    import SimpleITK as sitk

    bare = dataset[0x00280002:0x00280104]  # samples per pixel to pixel representation
    bare["PixelData"] = dataset["PixelData"]
    isMulti = int(dataset.get("NumberOfFrames") or 1) > 1
    bare.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7" + (".3" if isMulti else "")  # secondary capture
    bare.SOPInstanceUID = pydicom.uid.generate_uid()
    bare.file_meta = pydicom.dataset.FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "bare.dcm"
        pydicom.dcmwrite(copy, bare, enforce_file_format=True)
        with quietReaders() as said:
            image = sitk.ReadImage(str(copy))
    if said:  # of damaged data; the pixels are given all the same
        raise ValueError("the decoder complains")
    return sitk.GetArrayFromImage(image)


def _frame(dataset, file: Path, index: int, stored_JI: np.ndarray) -> _Frame:
    shared, perFrame = (dataset.get(f"{name}FunctionalGroupsSequence") for name in ("Shared", "PerFrame"))
    groups = ([shared[0]] if shared else []) + ([perFrame[index]] if perFrame else [])
    header = {keyword: dataset.get(keyword) for keywords in FUNCTIONAL_GROUPS.values() for keyword in keywords}
    for group in groups:
        for sequence, keywords in FUNCTIONAL_GROUPS.items():
            for item in group.get(sequence) or ():
                header.update({keyword: item.get(keyword) for keyword in keywords if keyword in item})

    def vector(keyword, length):
        numbers = np.array([float(number) for number in header[keyword] or ()])
        if numbers.shape != (length,) or not np.isfinite(numbers).all():
            raise InputError(f"DICOM file '{file}' has no valid {keyword}; expected {length} numbers; export it again.")
        return numbers

    def positive(value):
        return float(value) if value and float(value) > 0 else None

    manufacturer = str(dataset.get("Manufacturer") or "").lower()
    vendor = "".join(re.findall(r"siemens|philips|^ge\b", manufacturer)[:1])
    slope, intercept = header["RescaleSlope"], header["RescaleIntercept"]
    hasRescale = slope is not None or intercept is not None
    rescale = (float(1 if slope is None else slope), float(intercept or 0)) if hasRescale else None
    if rescale and not (0 < abs(rescale[0]) < MOST_RESCALE and abs(rescale[1]) < MOST_RESCALE):
        raise InputError(f"DICOM file '{file}' has no valid rescale; expected a slope and intercept; export it again.")
    return _Frame(
        file=file,
        series=str(dataset.get("SeriesInstanceUID")),
        stored_JI=stored_JI,
        position_LPS=vector("ImagePositionPatient", 3),
        orientation_LPS=vector("ImageOrientationPatient", 6),
        spacingMm_JI=vector("PixelSpacing", 2),
        sliceSpacingMm=positive(header["SpacingBetweenSlices"]) or 1.0,
        said={
            "component": _component(dataset, groups, header, vendor, file),
            "echoTimeMs": positive(header["EffectiveEchoTime"]) or positive(dataset.get("EchoTime")),
            "fieldStrengthT": positive(dataset.get("MagneticFieldStrength")),
            "vendor": vendor,
            "rescaleType": _unit(str(header["RescaleType"] or "").strip(), rescale, groups or [dataset]),
            "rescale": rescale,
            "name": f"series {number}"
            if re.fullmatch(r"\d{1,9}", number := str(dataset.get("SeriesNumber")))
            else file.name,
        },
    )


def _unit(rescaleType: str, rescale, places: list) -> str:
    """RescaleType; where that says nothing, the UCUM unit of a real-world mapping that is the same rescale."""
    for place in places if rescaleType.upper() in NO_UNIT and rescale else ():
        for mapping in place.get("RealWorldValueMappingSequence") or ():
            same = (mapping.get("RealWorldValueSlope"), mapping.get("RealWorldValueIntercept"))
            codes = mapping.get("MeasurementUnitsCodeSequence") or ()
            if None not in same and np.allclose(np.array(same, dtype=float), rescale, rtol=1e-6) and len(codes) == 1:
                if codes[0].get("CodingSchemeDesignator") == "UCUM":
                    return str(codes[0].CodeValue)
    return rescaleType


def _component(dataset, groups: list, header: dict, vendor: str, file: Path) -> str:
    """What all places of the header that speak of it agree on, "" if none does."""
    words = _words(header["ComplexImageComponent"])
    words += _words(header["FrameType"] if groups else dataset.get("ImageType"))
    for place in groups or [dataset]:
        if vendor == "ge":
            code = _private(place, 0x0043, "GEMS_PARM_01", 0x2F)
            code = int.from_bytes(code, "little") if isinstance(code, bytes) else code
            words += [COMPONENTS[code].upper()] if code in range(len(COMPONENTS)) else []
        if vendor == "philips":
            # In an enhanced file, the header that the frame would have as a classic one is nested.
            for nested in (place, *(_private(place, 0x2005, "Philips MR Imaging DD 005", 0x0F) or ())):
                words += _words(_private(nested, 0x2005, "Philips MR Imaging DD 001", 0x11))
    found = {COMPONENT_OF[word] for word in words if word in COMPONENT_OF}
    if len(found) > 1:
        raise InputError(
            f"DICOM file '{file}' calls one frame both {' and '.join(sorted(found))}; expected one component; "
            "export it again from the scanner."
        )
    return "".join(found)


def _words(value) -> list[str]:
    """The values of a text element, which pydicom gives as text or as a list."""
    return [str(word).strip().upper() for word in ([value] if isinstance(value, str) else value or ())]


def _private(dataset, group: int, creator: str, offset: int):
    try:
        return dataset.private_block(group, creator)[offset].value
    except KeyError:
        return None


def _volumeOf(frames: list[_Frame]) -> DicomVolume:
    said = frames[0].said
    what = f"DICOM '{said['name']}' ({said['component']})"
    if differing := next(filter(None, (_difference(frames[0], frame) for frame in frames[1:])), ""):
        raise InputError(
            f"{what}: slices differ in {differing}; expected a stack of alike slices; give the folder of one scan."
        )
    orientation_LPS = frames[0].orientation_LPS
    across_LPS = np.cross(orientation_LPS[:3], orientation_LPS[3:])
    if abs(np.linalg.norm(across_LPS) - 1) > SAME_PLANE:
        raise InputError(f"{what}: rows and columns are not perpendicular; expected unit vectors; export it again.")
    frames = sorted(frames, key=lambda frame: float(frame.position_LPS @ across_LPS))
    ijkToLPS = np.eye(4)
    ijkToLPS[:3, 0] = orientation_LPS[:3] * frames[0].spacingMm_JI[1]
    ijkToLPS[:3, 1] = orientation_LPS[3:] * frames[0].spacingMm_JI[0]
    ijkToLPS[:3, 2] = across_LPS * _sliceSpacingMm(frames, across_LPS, what)
    ijkToLPS[:3, 3] = frames[0].position_LPS
    return DicomVolume(values_KJI=_rescaled(frames), ijkToRAS=LPS_TO_RAS @ ijkToLPS, **frames[0].said)


def _difference(first: _Frame, frame: _Frame) -> str:
    if frame.stored_JI.shape != first.stored_JI.shape:
        return "size"
    planes = [np.concatenate([one.orientation_LPS, one.spacingMm_JI]) for one in (first, frame)]
    if not np.allclose(*planes, rtol=0, atol=SAME_PLANE):
        return "orientation or pixel spacing"
    units = [(one.said["rescaleType"], one.said["rescale"] is None) for one in (first, frame)]
    return "the unit that the header declares (RescaleType, or a rescale in some only)" if units[0] != units[1] else ""


def _sliceSpacingMm(frames: list[_Frame], across_LPS: np.ndarray, what: str) -> float:
    """Distance between the centers of neighboring slices, checked; the slice thickness leaves out gaps."""
    if len(frames) == 1:
        return frames[0].sliceSpacingMm
    steps_LPS = np.diff([frame.position_LPS for frame in frames], axis=0)
    stepsMm = steps_LPS @ across_LPS
    worst = int(np.argmin(stepsMm))
    if stepsMm[worst] < SAME_PLACE_MM:
        names = " and ".join(dict.fromkeys(frame.file.name for frame in frames[worst : worst + 2]))
        raise InputError(
            f"{what}: two frames at one position ({names}), such as several time points, repetitions or coils; "
            "expected one frame per slice; give one time point."
        )
    usualMm = float(np.sort(stepsMm)[(len(stepsMm) - 1) // 2])  # of two different steps, a missing slice made the other
    offMm = np.linalg.norm(steps_LPS - usualMm * across_LPS, axis=1)
    worst = int(np.argmax(offMm))
    if offMm[worst] > SPACING_TOLERANCE * usualMm:
        raise InputError(
            f"{what}: slices {worst + 1} and {worst + 2} of {len(frames)} are {stepsMm[worst]:.4g} mm apart or shifted "
            f"sideways; expected {usualMm:.4g} mm along the normal, as usual here; export all slices of the scan again."
        )
    return float(stepsMm.mean())


def _rescaled(frames: list[_Frame]) -> np.ndarray:
    """(nK, nJ, nI), each frame with its own slope and intercept."""
    stored_KJI = np.stack([frame.stored_JI for frame in frames])
    rescales = np.array([frame.said["rescale"] or (1.0, 0.0) for frame in frames])
    values_KJI = stored_KJI * rescales[:, 0, None, None] + rescales[:, 1, None, None]  # double holds 32 bit exactly
    isWhole = stored_KJI.dtype.kind in "iu" and (rescales == np.round(rescales)).all()
    for kind in (np.int16, np.int32) if isWhole else ():
        if np.iinfo(kind).min <= values_KJI.min() and values_KJI.max() <= np.iinfo(kind).max:
            return values_KJI.astype(kind)
    return values_KJI.astype(np.float32)
