"""An output folder that is never half-written: it holds the old result or the new one, whatever happens."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError
from .folderSwap import claimed, commit, newFolder
from .provenance import readRecord, recordedOutputs

# What a folder may hold, and what only that kind has in its provenance.
KINDS = {"study": ("a study", "counts"), "batch": ("a batch", "cases"), "exam": ("an exam", "")}
FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def checkWritable(folder: Path, holds: str = "exam") -> None:
    """Find out before the work whether the result could be written; what a killed run left there is undone.

    :param holds: "exam", "study" or "batch".
    :raises InputError: a file in the way, a folder that cannot be made or written to, or is being written to, or one
        with results of another kind: they would be taken for those of an earlier run, and removed.
    """
    with _ready(Path(folder), holds):
        pass


@contextmanager
def outputFolder(folder: Path, holds: str = "exam") -> Iterator[Path]:
    """A temporary folder that takes the place of `folder` when the block ends well.

    Of what was there, results of an earlier run go, and the user's own files stay.

    :param holds: "exam", "study" or "batch".
    :raises InputError: as `checkWritable`; a full disk. What was there is unchanged.
    """
    folder = Path(folder)
    with _ready(folder, holds) as (target, work):
        beside = newFolder(target, work)
        with _ownErrors(folder, beside):
            yield beside
        commit(target, work)


@contextmanager
def _ready(folder: Path, holds: str) -> Iterator[tuple[Path, Path]]:
    """The folder itself, where a link leads to, and the one to work in."""
    target = Path(os.path.realpath(folder))
    nearest = next(parent for parent in (target, *target.parents) if parent.exists())
    if target.exists() and not target.is_dir():
        raise InputError(f"Output '{folder}' is a file; expected a folder; choose another name.")
    if not nearest.is_dir():
        raise InputError(f"Output '{folder}' lies below the file '{nearest}'; expected a folder; choose another name.")
    try:
        with claimed(target) as work:
            _checkKind(folder, target, holds)
            yield target, work
    except _OthersError as error:
        raise error.__cause__ from None
    except OSError as error:
        raise _refusal(folder, error) from error


class _OthersError(Exception):
    """Carries a system's error that is not about the output, as of an input that cannot be read."""


@contextmanager
def _ownErrors(folder: Path, beside: Path) -> Iterator[None]:
    """Errors while results are made: those of the output name `folder`, not the temporary one."""
    try:
        yield
    except (OSError, InputError) as error:
        found = error if isinstance(error, OSError) else error.__cause__  # a writer may have made a sentence of it
        if isinstance(found, OSError) and _isOfOutput(found, beside):
            raise _refusal(folder, found) from error
        if isinstance(error, OSError):
            raise _OthersError from error
        if str(beside) not in str(error):
            raise
        raise InputError(str(error).replace(str(beside), str(folder))) from error


def _isOfOutput(error: OSError, beside: Path) -> bool:
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))]
    return error.errno in (*FULL, errno.EROFS) or any(Path(name).is_relative_to(beside) for name in names)


def _checkKind(folder: Path, target: Path, holds: str) -> None:
    record = readRecord(target)
    held = next(kind for kind, (_name, key) in KINDS.items() if not key or key in record)
    if record and held != holds:
        raise InputError(
            f"Output '{folder}' holds the results of {KINDS[held][0]}; expected a folder of its own for "
            f"{KINDS[holds][0]}; choose another."
        )


def checkNotReplaced(folder: Path, inputs: Sequence[Path]) -> None:
    """What an earlier run wrote into a folder goes when the next one is written: a run must not lose its own input.

    :raises InputError: such a folder.
    """
    earlier = {(Path(folder) / name).resolve() for name in recordedOutputs(Path(folder))}
    lost = next((path for path in inputs if Path(path).resolve() in earlier), None)
    if lost is not None:
        raise InputError(
            f"Output '{folder}' holds earlier results that are read now ({Path(lost).name}); expected another folder; "
            "choose one, or they would be replaced."
        )


def _refusal(folder: Path, error: OSError) -> InputError:
    reason = error.strerror or error
    if error.errno in FULL:
        return InputError(
            f"Output '{folder}' cannot be written ({reason}), and is as before; expected room for the results, "
            "there and in the folder for temporary files; make room or choose another."
        )
    return InputError(f"Output '{folder}' cannot be written ({reason}); expected a writable folder; choose another.")
