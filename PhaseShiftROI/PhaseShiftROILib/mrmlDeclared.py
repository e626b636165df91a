"""What the files behind a loaded volume say of it: DICOM headers, or the BIDS sidecar beside an image file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ALSStudyLib.errors import InputError

INSTANCES_ATTRIBUTE = "DICOM.instanceUIDs"  # Slicer's DICOM module writes it
DICOM, SIDECAR = "DICOM", "sidecar"


@dataclass(frozen=True)
class FileDeclaration:
    """:param source: "DICOM" or "sidecar". component: "magnitude", "phase", "real", "imaginary", or "" if not said.
    :param encoding: one of `encoding.STORED_ENCODINGS`, or "". problem: why something was not taken over.
    """

    source: str
    component: str = ""
    encoding: str = ""
    echoTimeMs: float | None = None
    fieldStrengthT: float | None = None
    problem: str = ""


def sourceKey(volumeNode) -> tuple:
    """Changes when a volume comes from other files."""
    return volumeNode.GetAttribute(INSTANCES_ATTRIBUTE) or "", _fileName(volumeNode)


def fileDeclaration(volumeNode, dicomDatabase=None) -> FileDeclaration | None:
    """What the volume's files say; None without files that say anything.

    :param dicomDatabase: Slicer's, to find the files of a volume loaded with the DICOM module.
    """
    instances = (volumeNode.GetAttribute(INSTANCES_ATTRIBUTE) or "").split()
    if instances and dicomDatabase is not None:
        files = [Path(file) for file in map(dicomDatabase.fileForInstance, instances) if file]
        files = list(dict.fromkeys(file for file in files if file.is_file()))
        if files:
            return _fromDicom(files)
    name = _fileName(volumeNode)
    return _fromSidecar(Path(name)) if name else None


def _fileName(volumeNode) -> str:
    storage = volumeNode.GetStorageNode()
    return (storage.GetFileName() or "") if storage is not None else ""


def _fromDicom(files) -> FileDeclaration:
    from .dicomFiles import declaredEncoding, readHeaders

    try:
        header = readHeaders(files)
    except InputError as error:
        return FileDeclaration(DICOM, problem=str(error))
    encoding = problem = ""
    if header.component == "phase":
        try:
            encoding = declaredEncoding(header)
        except InputError as error:
            problem = str(error)
    return FileDeclaration(DICOM, header.component, encoding, header.echoTimeMs, header.fieldStrengthT, problem)


def _fromSidecar(path: Path) -> FileDeclaration | None:
    from .sidecar import readSidecar, sidecarPath

    if not sidecarPath(path).is_file():
        return None
    try:
        said = readSidecar(path)
    except InputError as error:
        return FileDeclaration(SIDECAR, problem=str(error))
    return FileDeclaration(SIDECAR, "", said.encoding, said.echoTimeMs, said.fieldStrengthT)
