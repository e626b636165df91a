"""An output folder that is never half-written: files are made beside it and moved in when all are there."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError
from .provenance import PROVENANCE_NAME

STUDY_KEY = "counts"  # only the provenance of a study has it


def checkWritable(folder: Path, isStudy: bool = False) -> None:
    """Find out before the work whether the result could be written.

    :raises InputError: a file in the way, a folder that cannot be made or written to, or one with an exam's results
        where a study is to go, or the other way round: they would be taken for those of an earlier run, and removed.
    """
    folder = Path(folder)
    record = _earlierRecord(folder)
    if record and isStudy != (STUDY_KEY in record):
        held, wanted = ("an exam", "a study") if isStudy else ("a study", "an exam")
        raise InputError(
            f"Output '{folder}' holds the results of {held}; expected a folder of its own for {wanted}; choose another."
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"Output '{folder}' is a file; expected a folder; choose another name.")
    nearest = _nearestExisting(folder)
    if not nearest.is_dir():
        raise InputError(f"Output '{folder}' lies below the file '{nearest}'; expected a folder; choose another name.")
    try:
        with tempfile.TemporaryDirectory(dir=nearest, prefix=".als-"):
            pass
    except OSError as error:
        raise InputError(
            f"Output '{folder}' cannot be written ({error.strerror}); expected a writable folder; choose another."
        ) from error


def _earlierRecord(folder: Path) -> dict:
    try:
        record = json.loads((folder / PROVENANCE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _earlierOutputs(folder: Path) -> set[Path]:
    """Files that an earlier run says it wrote here: left over, they would pass for results of this one."""
    names = _earlierRecord(folder).get("outputs")
    if not isinstance(names, list):
        return set()
    inside = folder.resolve()
    files = {folder / name for name in names if isinstance(name, str)}
    return {file for file in files if file.is_file() and file.resolve().is_relative_to(inside)}


def checkNotReplaced(folder: Path, inputs: Sequence[Path]) -> None:
    """What an earlier run wrote into a folder goes when the next one is written: a run must not lose its own input.

    :raises InputError: such a folder.
    """
    earlier = {path.resolve() for path in _earlierOutputs(Path(folder))}
    lost = next((path for path in inputs if Path(path).resolve() in earlier), None)
    if lost is not None:
        raise InputError(
            f"Output '{folder}' holds earlier results that are read now ({Path(lost).name}); expected another folder; "
            "choose one, or they would be replaced."
        )


def _checkNotInTheWay(targets: list[Path]) -> None:
    """Before the first file is moved: nothing of another kind has the name of one."""
    for target in targets:
        if target.is_dir() or (target.parent.exists() and not target.parent.is_dir()):
            wrong = target if target.is_dir() else target.parent
            kind = "a folder" if wrong.is_dir() else "a file"
            raise InputError(
                f"Output '{wrong}' is {kind} that is in the way; expected none; move it or choose another."
            )


def _nearestExisting(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())


@contextmanager
def outputFolder(folder: Path, isStudy: bool = False) -> Iterator[Path]:
    """A temporary folder whose content replaces files of the same names in `folder` when the block ends well."""
    folder = Path(folder)
    checkWritable(folder, isStudy)
    beside = Path(tempfile.mkdtemp(dir=_nearestExisting(folder), prefix=".als-"))
    try:
        yield beside
        beside.chmod(0o755)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.exists():
            os.replace(beside, folder)
        else:
            sources = sorted(path for path in beside.rglob("*") if path.is_file())
            targets = [folder / source.relative_to(beside) for source in sources]
            _checkNotInTheWay(targets)
            for old in _earlierOutputs(folder) - set(targets):
                old.unlink(missing_ok=True)
            for source, target in zip(sources, targets, strict=True):
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
