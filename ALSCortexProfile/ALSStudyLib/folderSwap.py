"""A finished folder takes another's place: whole and in one step, or file by file with a way back.

A run works in a hidden folder beside its target, which it locks; who finds that folder unlocked knows that its run was
killed. In it: `lock`, `new` (the results so far), `old` (what was there), `journal.json` (while files move in place).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError
from .provenance import PROVENANCE_NAME, recordedOutputs

INSIDE = ".als-writing"  # the hidden folder of a target that must stay where it is
NEW, OLD, LOCK, JOURNAL = "new", "old", "lock", "journal.json"
ATTEMPTS = 100


@contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """The hidden folder to work in, for this run alone; what killed runs left is undone and removed before.

    :param folder: without links in its path; it need not exist.
    :raises InputError: another run writes there. OSError: it cannot be written to.
    """
    made = [parent for parent in folder.parents if not parent.exists()]
    beside, inside = _hiddenFolders(folder)
    try:
        work, handle = _lockedWork(folder, beside, inside)
        try:
            other = inside if work == beside else beside
            if other.is_dir():  # of a run that was, or is, elsewhere
                _unlock(other, _lock(other, folder))
            _recover(folder, beside, inside)
            if folder.is_dir() and work == beside:
                inside.mkdir(mode=0o700)  # the one sure way to know that it is writable
                inside.rmdir()
            yield work
        finally:
            with suppress(OSError, InputError):  # what cannot be removed now is removed by the next run
                _recover(folder, beside, inside)
            _unlock(work, handle)
    finally:
        with suppress(OSError):  # the first one that is not empty ends it
            for parent in made:
                parent.rmdir()


def newFolder(folder: Path, work: Path) -> Path:
    """Where the results go until they are complete: with the owner and rights of the folder that it replaces."""
    new = work / NEW
    new.mkdir()
    if folder.is_dir():
        found = folder.stat()
        with suppress(OSError, AttributeError):
            os.chown(new, found.st_uid, found.st_gid)
        shutil.copystat(folder, new)
    return new


def commit(folder: Path, work: Path) -> None:
    """`work/new` becomes the content of `folder`; of what is there only the user's own files are kept.

    A kill leaves the old or the new folder. Where a folder cannot be swapped, files move one by one: a kill then leaves
    one without provenance.json, which the next run there makes the old one again.

    :raises InputError: something of another kind has the name of a result. OSError: all is as before.
    """
    new = work / NEW
    names = _filesBelow(new)
    _synchronize(new)
    if not folder.exists():
        os.rename(new, folder)
        _synchronizeFolder(folder.parent)
        return
    _checkNotInTheWay(folder, names)
    if work.parent == folder or not _swap(folder, work, names):
        _moveIn(folder, new, names)


# The hidden folder ----------------------------------------------------------------------------------------------


def _hiddenFolders(folder: Path) -> tuple[Path, Path]:
    """Beside the folder, a user's own; and inside it."""
    owner = os.getuid() if hasattr(os, "getuid") else 0
    key = hashlib.sha256(os.fsencode(f"{owner} {folder.name}")).hexdigest()[:8]
    return folder.parent / f".als-{folder.name[:40]}-{key}", folder / INSIDE


def _lockedWork(folder: Path, beside: Path, inside: Path) -> tuple[Path, int]:
    if folder.is_dir() and _isPinned(folder):
        return inside, _lock(inside, folder)
    try:
        return beside, _lock(beside, folder)
    except OSError:
        if not folder.is_dir():
            raise
        return inside, _lock(inside, folder)


def _isPinned(folder: Path) -> bool:
    """Whether nothing can take its place: a mounted one, or one that this process is in."""
    try:
        here = Path(os.path.realpath(os.getcwd()))
    except FileNotFoundError:  # removed meanwhile
        here = None
    return os.path.ismount(folder) or (here is not None and here.is_relative_to(folder))


def _lock(work: Path, folder: Path) -> int:
    """The system takes the lock from a process that ends, however it ends."""
    for attempt in range(ATTEMPTS):
        try:
            work.mkdir(mode=0o700, parents=True, exist_ok=True)
            if work.is_symlink() or (hasattr(os, "getuid") and os.getuid() not in (0, work.stat().st_uid)):
                raise InputError(f"'{work}' is another user's; expected no such name; choose another output.")
            handle = os.open(work / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # a run that has just ended removed it
            if attempt == ATTEMPTS - 1:
                raise
            continue
        isFree = tryLock(handle)
        with suppress(FileNotFoundError):
            if isFree and os.path.samestat(os.stat(work / LOCK), os.fstat(handle)):
                return handle
        os.close(handle)
        if not isFree:
            break
    raise InputError(
        f"Output '{folder}' is being written by another run; expected one at a time; wait for it, or choose another."
    )


def tryLock(handle: int) -> bool:
    """False where another process has it; file systems without locks let everybody pass."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass
    return True


def _unlock(work: Path, handle: int) -> None:
    if os.name == "nt":  # which removes no open file
        os.close(handle)
    with suppress(OSError):
        (work / LOCK).unlink()
        work.rmdir()
    if os.name != "nt":
        os.close(handle)


def _recover(folder: Path, beside: Path, inside: Path) -> None:
    """Undo what was not finished, and remove what is left.

    :raises InputError: somebody has made the folder anew while its content was set aside.
    """
    aside = beside / OLD
    if aside.is_dir() and not folder.exists():
        os.rename(aside, folder)
    elif aside.is_dir() and (beside / NEW).exists():
        raise InputError(
            f"Output '{folder}' was made anew after a run was killed that was replacing it; expected one of the two; "
            f"its earlier content is in '{aside}': move it where it is wanted."
        )
    if (inside / JOURNAL).is_file():
        _moveBack(folder)
    for work in (beside, inside):
        for path in list(work.iterdir()) if work.is_dir() else ():
            if path.name != LOCK:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for work in (beside, inside):
        with suppress(OSError):  # the one in use has its lock, the other one is empty
            work.rmdir()


# All in one step ------------------------------------------------------------------------------------------------


def _swap(folder: Path, work: Path, names: Collection[str]) -> bool:
    """False where it cannot be done, with nothing changed.

    Not done either with a folder of another owner, which would be lost, and with one that holds more of the user's own
    than of results: that is their place (Documents, say), which others have open.
    """
    new, dropped = work / NEW, recordedOutputs(folder) | set(names)
    ofResults = {name.split("/")[0] for name in dropped}
    own = [name for name in os.listdir(folder) if name not in ofResults]
    before, after = folder.stat(), new.stat()
    if len(own) > len(ofResults) or (before.st_uid, before.st_gid) != (after.st_uid, after.st_gid):
        return False
    try:
        linked = _linkOwn(folder, new, dropped)
        if _exchange(new, folder):
            old = new
        else:
            old = work / OLD
            os.rename(folder, old)
            try:
                os.rename(new, folder)
            except OSError:
                os.rename(old, folder)
                raise
    except OSError:
        return False
    _synchronizeFolder(folder.parent)
    # What somebody has saved there meanwhile. The record is read again: another run's results are not somebody's own.
    for name in set(_filesBelow(old)) - linked - dropped - recordedOutputs(old):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(old / name, folder / name)
    return True


def _linkOwn(folder: Path, new: Path, dropped: Collection[str]) -> set[str]:
    """Second names for the user's own files, which stay the same files; returns them.

    :raises OSError: where there are no hard links, or a part that is mounted, or another's.
    """
    linked = set()
    folders = [Path(root) for root, _folders, _files in os.walk(folder, onerror=_raise)]
    for here in folders:
        there = new / here.relative_to(folder)
        entries = list(os.scandir(here))
        if not entries:
            there.mkdir(parents=True, exist_ok=True)
        for entry in entries:
            name = Path(entry.path).relative_to(folder).as_posix()
            if name in dropped or (entry.is_dir(follow_symlinks=False)):
                continue
            there.mkdir(parents=True, exist_ok=True)
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), there / entry.name, target_is_directory=entry.is_dir())
            else:
                os.link(entry.path, there / entry.name)
            linked.add(name)
    for here in reversed(folders):
        there = new / here.relative_to(folder)
        if there.is_dir():
            if not os.access(here, os.W_OK):  # its files could not be removed from the old folder
                raise PermissionError(here)
            shutil.copystat(here, there)
            _synchronizeFolder(there)
    return linked


def _raise(error: OSError) -> None:
    raise error


def _exchange(first: Path, second: Path) -> bool:
    """Two folders change places in one step, where system and file system can; False: nothing has changed."""
    import ctypes

    try:
        library, names = ctypes.CDLL(None), (os.fsencode(first), os.fsencode(second))
        if sys.platform == "darwin":
            return library.renamex_np(*names, 2) == 0  # RENAME_SWAP
        return library.renameat2(-100, names[0], -100, names[1], 2) == 0  # AT_FDCWD, RENAME_EXCHANGE
    except (AttributeError, OSError, TypeError):  # not in this system's library; Windows
        return False


# File by file ---------------------------------------------------------------------------------------------------


def _moveIn(folder: Path, new: Path, names: Collection[str]) -> None:
    """With a journal of what to undo; removing it is the one step that makes the new results the folder's."""
    inside = folder / INSIDE
    inside.mkdir(mode=0o700, exist_ok=True)
    if new.parent != inside:  # another file system, perhaps
        for name in names:
            (inside / NEW / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(new / name, inside / NEW / name)
        new = inside / NEW
        _synchronize(new)
    leaving = {name for name in recordedOutputs(folder) | set(names) if os.path.lexists(folder / name)}
    parents = {parent for name in names for parent in (folder / name).parents if not parent.exists()}
    record = {
        "added": sorted(set(names) - leaving),
        "folders": sorted(parent.relative_to(folder).as_posix() for parent in parents),
    }
    (inside / "unread").write_text(json.dumps(record), encoding="utf-8")
    _synchronizeFile(inside / "unread")
    os.replace(inside / "unread", inside / JOURNAL)
    _synchronizeFolder(inside)
    for name in _provenanceLast(leaving)[::-1]:
        (inside / OLD / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(folder / name, inside / OLD / name)
    emptied = {parent for name in leaving for parent in Path(name).parents if parent.name}
    for parent in sorted(emptied, reverse=True):
        if not any((folder / parent).iterdir()):
            (folder / parent).rmdir()
    for name in _provenanceLast(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(new / name, folder / name)
    for parent in {(folder / name).parent for name in {*leaving, *names}}:
        _synchronizeFolder(parent)
    (inside / JOURNAL).unlink()
    _synchronizeFolder(inside)


def _moveBack(folder: Path) -> None:
    """The old files are put back, the new ones removed; can be interrupted and begun again."""
    inside = folder / INSIDE
    record = json.loads((inside / JOURNAL).read_text(encoding="utf-8"))
    moved = _filesBelow(inside / OLD)
    for name in _provenanceLast({*record["added"], *moved})[::-1]:
        (folder / name).unlink(missing_ok=True)
    for name in _provenanceLast(moved):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(inside / OLD / name, folder / name)
    for name in reversed(record["folders"]):
        with suppress(OSError):  # never made, or used since
            (folder / name).rmdir()
    _synchronizeFolder(folder)
    (inside / JOURNAL).unlink()


def _provenanceLast(names: Collection[str]) -> list[str]:
    return sorted(names, key=lambda name: (name == PROVENANCE_NAME, name))


# ----------------------------------------------------------------------------------------------------------------


def _checkNotInTheWay(folder: Path, names: Collection[str]) -> None:
    """Before anything is replaced: nothing of another kind has the name of a result, or of a folder that it is in."""
    for name in names:
        target = folder / name
        above = [folder / parent for parent in Path(name).parents if parent.name]
        wrong = [target] if target.is_dir() else []
        wrong += [path for path in above if path.is_symlink() or (path.exists() and not path.is_dir())]
        if wrong:
            kind = "a link" if wrong[0].is_symlink() else "a folder" if wrong[0].is_dir() else "a file"
            raise InputError(
                f"Output '{wrong[0]}' is {kind} that is in the way; expected none; move it or choose another."
            )


def _filesBelow(folder: Path) -> list[str]:
    """Everything that is no folder, as names relative to it."""
    found = [
        (Path(root) / name).relative_to(folder).as_posix()
        for root, folders, files in (os.walk(folder, onerror=_raise) if folder.exists() else ())
        for name in [*files, *(name for name in folders if (Path(root) / name).is_symlink())]
    ]
    return sorted(found)


def _synchronize(folder: Path) -> None:
    """To the disk itself: a power cut after the swap must not find empty files."""
    found = [(Path(root), files) for root, _folders, files in os.walk(folder, onerror=_raise)]
    with ThreadPoolExecutor(8) as pool:  # together they share the disk's turns
        list(pool.map(_synchronizeFile, [root / name for root, files in found for name in files]))
        list(pool.map(_synchronizeFolder, [root for root, _files in found]))


def _synchronizeFile(path: Path) -> None:
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _synchronizeFolder(path: Path) -> None:
    with suppress(OSError):  # not every system knows this for folders
        _synchronizeFile(path)
