"""Saved scenes, looked at before Slicer's reader is: unpacked without leaving their folder, each file a plausible one.

Slicer's readers follow a file name anywhere, and some end the whole program at a broken file.
"""

from __future__ import annotations

import errno
import html
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote
from xml.parsers import expat

from .errors import InputError

MOST_FILES = 10_000
FREE_BYTES = 64 << 20  # left over on the disk
# Of storage nodes; lists of files have a number at the end.
_FILE_ATTRIBUTE = re.compile(r"fileName|fileListMember\d+")
_ENDING = re.compile(r"\w[\w.]{0,15}")
_ADDRESS_ATTRIBUTE = re.compile(r"uri|uriListMember\d+")


def unpackBundle(path: Path, folder: Path) -> Path:
    """The .mrml file of a bundle (.mrb), unpacked; Slicer's own unpacking reads what it can of a broken one.

    :raises InputError: not a whole bundle; entries that lead out of the folder, are no files, or do not fit.
    """
    unreadable = f"Scene '{path}' could not be read; expected a whole .mrb that Slicer saved; save it again."
    try:
        with zipfile.ZipFile(path) as bundle:
            _checkEntries(path, bundle, shutil.disk_usage(folder).free - FREE_BYTES)
            if bundle.testzip() is not None:
                raise InputError(unreadable)
            bundle.extractall(folder)
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        UnicodeError,
        zlib.error,
    ) as error:
        raise InputError(unreadable) from error
    found = sorted(folder.rglob("*.mrml"))
    if not found:
        raise InputError(f"Scene '{path}' holds no .mrml file; expected a .mrb that Slicer saved; save it again.")
    return found[0]


def _checkEntries(path: Path, bundle: zipfile.ZipFile, freeBytes: int) -> None:
    entries = bundle.infolist()
    for entry in entries:
        mode = entry.external_attr >> 16
        isOther = stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR)
        if isOther or _leadsOut(entry.filename) or _leadsOut(entry.orig_filename):
            raise InputError(
                f"Scene '{path}' has the entry '{_shown(entry.filename)}', which leads out of it; expected files "
                "inside; do not use it unless you know who made it, and save it again in Slicer."
            )
    # What is unpacked, before anything is: the sizes that a bundle states are those that its reader holds it to.
    size = sum(entry.file_size for entry in entries)
    if size > freeBytes or len(entries) > MOST_FILES:
        raise InputError(
            f"Scene '{path}' unpacks to {len(entries)} files of {size / 1e9:.3g} GB; expected at most "
            f"{MOST_FILES}, and {max(freeBytes, 0) / 1e9:.3g} GB that are free; make room, or do not use it."
        ) from (OSError(errno.ENOSPC, "no room to unpack") if size > freeBytes else None)


def _leadsOut(name: str) -> bool:
    """Whether a relative name of a file is none, or leads above where it starts; also as Windows reads it."""
    windows = PureWindowsPath(name)
    if windows.drive or windows.root or "\0" in name or "://" in name:
        return True
    depth = 0
    for part in windows.parts:
        depth += -1 if part == ".." else part != "."
        if depth < 0:
            return True
    return False


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)[:80]


def sceneFiles(mrmlPath: Path, bundleFolder: Path | None = None) -> list[Path]:
    """The files that the nodes of a scene name, those that exist.

    :param bundleFolder: what they have to lie below. A scene that is no bundle may name any file.
    :raises InputError: no scene; entities of XML; an address on a network; a file that is not in the bundle.
    """
    files = []
    for attribute, text in _attributes(mrmlPath):
        # As the reader of XML gives it, and as Slicer decodes it once more.
        names = dict.fromkeys((text, unquote(text), html.unescape(text), unquote(html.unescape(text))))
        if _ADDRESS_ATTRIBUTE.fullmatch(attribute) and text.strip():
            raise InputError(
                f"Scene '{mrmlPath.name}' names the address '{_shown(text)}'; expected files only, for nothing is "
                "read from a network; load it in Slicer and save it with its data."
            )
        if attribute == "defaultWriteFileExtension" and not _ENDING.fullmatch(text):
            raise InputError(  # without one, Slicer's writer ends the whole program
                f"Scene '{mrmlPath.name}' names the file ending '{_shown(text)}'; expected one as nrrd; save it again "
                "in Slicer."
            )
        if not _FILE_ATTRIBUTE.fullmatch(attribute):
            continue
        for name in names:
            if bundleFolder is not None:
                _checkInside(mrmlPath, name, bundleFolder)
            try:
                file = mrmlPath.parent / name
                if file.is_file():
                    files.append(file)
            except (OSError, ValueError):  # too long for a name, or with a zero in it
                continue
    return list(dict.fromkeys(files))


def _checkInside(mrmlPath: Path, name: str, folder: Path) -> None:
    inside = folder.resolve()
    up = "/".join([".."] * len(mrmlPath.parent.resolve().relative_to(inside).parts))
    # Above the scene file, but still in the bundle: the same name, from the top.
    fromTop = "/".join(filter(None, (*["x"] * up.count(".."), name)))
    if _leadsOut(fromTop) or PureWindowsPath(name).is_absolute() or PureWindowsPath(name).root:
        raise InputError(
            f"Scene '{mrmlPath.name}' of the bundle names the file '{_shown(name)}', which is not in it; expected "
            "files of the bundle; do not use it unless you know who made it, and save it again in Slicer."
        )


def _attributes(mrmlPath: Path) -> Iterator[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    parser = expat.ParserCreate()

    def refuse(*_unused):
        raise InputError(
            f"Scene '{mrmlPath.name}' defines entities of XML; expected none, as Slicer writes it; do not use it "
            "unless you know who made it, and save it again in Slicer."
        )

    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda _name, attributes: found.extend(attributes.items())
    try:
        parser.Parse(mrmlPath.read_bytes(), True)
    except (expat.ExpatError, OSError, ValueError, LookupError) as error:  # an encoding of no name among them
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"Scene '{mrmlPath.name}' could not be read; expected a scene that Slicer saved; save it again."
        ) from error
    return iter(found)
