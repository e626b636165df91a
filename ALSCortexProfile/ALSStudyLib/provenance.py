"""How a result came about: what was measured, with which software and settings, and which bytes went in."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from importlib import import_module, metadata
from pathlib import Path

from .jsonText import parsedJson

VERSION = "0.1.0"
PROVENANCE_NAME = "provenance.json"
DISCLAIMER = "Research use. Supportive, not diagnostic."
_MODULES = ("numpy", "scipy", "vtk", "SimpleITK")


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fileEntries(paths: Iterable[Path]) -> list[dict]:
    """Each file once, with its SHA-256."""
    return [{"path": str(path), "sha256": sha256(path)} for path in dict.fromkeys(map(Path, paths))]


def softwareVersions() -> dict[str, str]:
    """Versions of what computes; `slicer-core` is absent inside the Slicer application."""
    versions = {"python": platform.python_version(), "als-motor-cortex": VERSION}
    for name in _MODULES:
        module = import_module(name)
        versions[name] = getattr(module, "__version__", None) or module.Version_VersionString()
    try:
        versions["slicer-core"] = metadata.version("slicer-core")
    except metadata.PackageNotFoundError:
        pass
    return versions


def provenance(command: str, settings: Mapping, inputs: Iterable[Path], hashed: Sequence[Mapping] = (), **more) -> dict:
    """
    :param inputs: files that went in. hashed: those whose entries, path and sha256, are known already.
    :param more: what else belongs to the record (echoes, targets, ...).
    """
    return {
        "name": "ALSMotorCortex",
        "version": VERSION,
        "command": command,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "disclaimer": DISCLAIMER,
        "settings": dict(settings),
        "seed": settings.get("seed"),
        # A profile has no phase: polarity and filter are there so that every record has the same keys.
        "polarity": more.pop("polarity", None),
        "filter": more.pop("filter", None),
        "inputs": [*fileEntries(inputs), *hashed],
        "software": softwareVersions(),
        **more,
    }


def readRecord(folder: Path) -> dict:
    """The record that a run left in a folder; empty where there is none."""
    try:
        record = parsedJson((folder / PROVENANCE_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def recordedOutputs(folder: Path) -> set[str]:
    """Files that a run says it wrote into a folder, as far as they are there and below it; relative names."""
    names = readRecord(folder).get("outputs")
    if not isinstance(names, list):
        return set()
    inside = folder.resolve()
    files = {folder / name for name in names if isinstance(name, str)}
    found = {file for file in files if file.is_file() and file.resolve().is_relative_to(inside)}
    return {file.relative_to(folder).as_posix() for file in found}


def writeJson(path: Path, content) -> None:
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
