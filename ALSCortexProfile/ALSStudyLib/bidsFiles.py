"""Images and drawings of a BIDS dataset and its derivatives, found and described by pybids."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .errors import InputError
from .jsonText import parsedJson

logger = logging.getLogger("als-motor-cortex")

DESCRIPTION_NAME = "dataset_description.json"
CONTOUR, SEGMENTATION = ("contour", ".mrk.json"), ("dseg", ".seg.nrrd")  # suffix and extension of a drawing
IMAGE_EXTENSIONS = (".nii", ".nii.gz")
METADATA = ("EchoTime", "MagneticFieldStrength", "Units")
_AT_ONCE = 25  # subjects: pybids keeps every field of every sidecar in memory
_OTHER_TECHNIQUES = re.compile(
    r"^/sub-[^/]+(/ses-[^/]+)?/(beh|dwi|eeg|emg|fmap|func|ieeg|meg|micr|motion|mrs|nirs|perf|pet)$"
)
_NO_DRAWINGS = re.compile(r"/[^/]*\.[^/]*(?<!\.mrk\.json)(?<!\.seg\.nrrd)$")
_MEANT_NOTHING = {"subject", "datatype", "suffix", "extension"}  # in a folder's name: no sidecar is chosen by them


@dataclass(frozen=True)
class DatasetFile:
    """
    :param relative: path below the dataset, or derivative, `dataset`. entities: as pybids reads them from it.
    :param metadata: of its sidecar, and of those further up that it inherits from; of images only.
    :param problem: why its metadata cannot be known.
    """

    path: Path
    relative: str
    dataset: Path
    entities: Mapping[str, object]
    metadata: Mapping[str, object] = field(default_factory=dict)
    problem: str = ""

    @property
    def isFetched(self) -> bool:
        """False for a link to nothing, as DataLad leaves it for a file that is not fetched."""
        return self.path.exists()


@dataclass(frozen=True)
class DatasetFiles:
    """:param skipped: folders in `derivatives` without a dataset_description.json, which nobody looked into."""

    images: Sequence[DatasetFile]
    drawings: Sequence[DatasetFile]
    skipped: Sequence[Path]


def readFiles(
    folder: Path, derivatives: Sequence[Path] = (), suffixes: Collection[str] = (), subjects: Collection[str] = ()
) -> DatasetFiles:
    """
    :param derivatives: folders; without any, all in the dataset's own `derivatives`.
    :param suffixes: of the images that are wanted. subjects: labels of those that are wanted; all without any.
    :raises InputError: no BIDS dataset, or a derivative that is none; pybids is not installed.
    """
    folder = Path(folder).absolute()
    _checkDataset(folder, "Dataset")
    chosen, skipped = _derivativeFolders(folder, derivatives)
    pybids = _Pybids(suffixes, subjects)
    raw = pybids.read(folder, withMetadata=True)
    drawings = [file for file in raw if _isDrawing(file)]
    for path in chosen:
        drawings += [file for file in pybids.read(path) if _isDrawing(file)]
    return DatasetFiles([file for file in raw if isImage(file.entities, suffixes)], drawings, skipped)


def isImage(entities: Mapping[str, object], suffixes: Collection[str]) -> bool:
    return entities.get("extension") in IMAGE_EXTENSIONS and entities.get("suffix") in suffixes


def _isDrawing(file: DatasetFile) -> bool:
    return (file.entities.get("suffix"), file.entities.get("extension")) in (CONTOUR, SEGMENTATION)


def _checkDataset(folder: Path, what: str) -> None:
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise InputError(f"{what} '{folder}': found {found}; expected a BIDS dataset; check the path.")
    path = folder / DESCRIPTION_NAME
    if not path.is_file():
        raise InputError(
            f"{what} '{folder}' has no {DESCRIPTION_NAME}; expected the top folder of a BIDS dataset, which has one; "
            "give that folder, or add the file (Name and BIDSVersion)."
        )
    try:
        readable = isinstance(parsedJson(path.read_text(encoding="utf-8")), dict)
    except ValueError:
        readable = False
    if not readable:
        raise InputError(f"'{path}' is not JSON with fields; expected Name and BIDSVersion; correct it.")


def _derivativeFolders(folder: Path, given: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Derivative datasets, and folders that are passed over."""
    if not given:
        inside = [path for path in sorted(folder.glob("derivatives/[!.]*")) if path.is_dir()]
        chosen = [path for path in inside if (path / DESCRIPTION_NAME).is_file()]
        return chosen, [path for path in inside if path not in chosen]
    chosen = []
    for path in (Path(path).absolute() for path in given):
        within = (
            [path] if (path / DESCRIPTION_NAME).is_file() else [f.parent for f in path.glob(f"*/{DESCRIPTION_NAME}")]
        )
        if not within:
            _checkDataset(path, "Derivative")
        chosen += sorted(within)
    return list(dict.fromkeys(chosen)), []


class _Pybids:
    """pybids, imported when it is needed, with its rules for names."""

    def __init__(self, suffixes: Collection[str], subjects: Collection[str]):
        try:
            import bids.layout
        except ImportError as error:
            raise InputError(
                "The package pybids is not installed; expected it for BIDS datasets; run: pip install pybids"
            ) from error
        self._layout = bids.layout
        self._suffixes = list(suffixes)
        self._folders = {f"sub-{label}" for label in subjects}

    @cached_property
    def _entities(self):
        configs = [self._layout.Config.load(name) for name in ("bids", "derivatives")]
        return [entity for config in configs for entity in config.entities.values()]

    def _parsed(self, relative: str) -> dict:
        return self._layout.parse_file_entities(f"/{relative}", entities=self._entities)

    def read(self, folder: Path, withMetadata: bool = False) -> list[DatasetFile]:
        """Every file of a dataset that may matter; metadata of the images among them."""
        if withMetadata:
            self._checkFolderName(folder)
        names = [path.name for path in sorted(folder.glob("sub-*")) if path.is_dir()]
        names = [name for name in names if not self._folders or name in self._folders]
        some = (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))
        return [file for part in some for file in self._readSome(folder, part, withMetadata)]

    def _readSome(self, folder: Path, names: Sequence[str], withMetadata: bool) -> list[DatasetFile]:
        wanted = "|".join(map(re.escape, names))
        ignored = [_OTHER_TECHNIQUES, re.compile(rf"^/(?!({wanted})$)[^/.]+$")]
        ignored += [] if withMetadata else [_NO_DRAWINGS]
        unreadable: list[Path] = []
        try:
            layout = self._indexed(folder, ignored, withMetadata)
        except Exception as error:
            sidecars = [*folder.glob("*.json"), *(path for name in names for path in (folder / name).rglob("*.json"))]
            unreadable = [path for path in sidecars if _isBadSidecar(path)]
            if not unreadable:
                raise InputError(
                    f"Dataset '{folder}' cannot be indexed by pybids ({type(error).__name__}: {str(error)[:200]}); "
                    "expected a valid BIDS dataset; run the BIDS validator on it."
                ) from error
            bad = [re.compile(f"^/{re.escape(path.relative_to(folder).as_posix())}$") for path in unreadable]
            layout = self._indexed(folder, [*ignored, *bad], withMetadata)
        paths = sorted(map(Path, layout.get_files(scope="self")))
        return [self._file(path, folder, layout if withMetadata else None, unreadable) for path in paths]

    def _file(self, path: Path, folder: Path, layout, unreadable: Sequence[Path]) -> DatasetFile:
        """:param layout: with its metadata, or None."""
        relative = path.relative_to(folder).as_posix()
        entities = self._parsed(relative)
        if layout is None or not isImage(entities, self._suffixes):
            return DatasetFile(path, relative, folder, entities)
        metadata = layout.get_metadata(str(path), scope="self")
        metadata = {name: metadata[name] for name in METADATA if name in metadata}
        return DatasetFile(
            path, relative, folder, entities, metadata, self._sidecarProblem(path, entities, folder, unreadable)
        )

    def _indexed(self, folder: Path, ignored: list, withMetadata: bool):
        filters = {"suffix": self._suffixes, "extension": list(IMAGE_EXTENSIONS)} if withMetadata else {}
        indexer = self._layout.BIDSLayoutIndexer(validate=False, ignore=ignored, index_metadata=withMetadata, **filters)
        return self._layout.BIDSLayout(str(folder), validate=False, is_derivative=not withMetadata, indexer=indexer)

    def _checkFolderName(self, folder: Path) -> None:
        """pybids reads whole paths: an echo in the name of a folder above would be that of every image.

        :raises InputError: such a folder.
        """
        meant = {name: text for name, text in self._parsed(f"{folder}/x").items() if name not in _MEANT_NOTHING}
        if meant:
            name, text = next(iter(meant.items()))
            raise InputError(
                f"Dataset '{folder}' lies below a folder whose name reads as {name} '{text}' of BIDS, and pybids would "
                "take it for that of every image; expected another name; rename the folder, or give a link to it."
            )

    def _sidecarProblem(self, path, entities, folder, unreadable) -> str:
        """That a sidecar which may describe an image cannot be read: its values must not come from one further up."""
        for sidecar in unreadable:
            said = self._parsed(sidecar.relative_to(folder).as_posix())
            if sidecar.parent in path.parents and all(
                entities.get(name) == value for name, value in said.items() if name not in ("extension", "datatype")
            ):
                return f"Sidecar '{sidecar}' is not JSON with fields; expected a BIDS sidecar; correct it."
        return ""


def _isBadSidecar(path: Path) -> bool:
    try:
        return not isinstance(parsedJson(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return True
