"""Which images of a BIDS dataset a drawing belongs to.

What the name of a drawing does not say (session, acq, run, ...), any image fits; where several do, none is chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .bidsFiles import DatasetFile

# What tells images apart beside echo and part; pybids's names, in the order of BIDS.
SERIES = ("acquisition", "ceagent", "reconstruction", "direction", "run", "flip", "inv", "mt", "space", "chunk")
_SLICE_NUMBERS = ("run", "chunk")  # of drawings, where no image has them
_SAME_SPACE = "orig"  # BIDS's word for the space of the image itself


@dataclass(frozen=True)
class Series:
    """Echoes and parts of one acquisition."""

    entities: Mapping[str, object]
    files: Sequence[DatasetFile]

    def ofPart(self, *parts: str | None) -> list[DatasetFile]:
        """:param parts: None for files that name none."""
        return [file for file in self.files if file.entities.get("part") in parts]


@dataclass(frozen=True)
class Drawn:
    """
    What is drawn on one series; or on several or none, and then nothing is measured.

    :param echo: that the drawings name. vague: drawings that fit this series and others, with all of these.
    """

    series: Sequence[Series]
    drawings: Sequence[DatasetFile]
    echo: int | None = None
    vague: Sequence[tuple[DatasetFile, Sequence[Series]]] = ()

    @property
    def entities(self) -> dict[str, object]:
        """Of the series, if it is one, else of the drawings."""
        entities = self.series[0].entities if len(self.series) == 1 else seriesEntities(self.drawings[0])
        return entities | ({} if self.echo is None else {"echo": self.echo})


def seriesEntities(file: DatasetFile) -> dict[str, object]:
    """Those by which a drawing finds its image."""
    return {name: file.entities[name] for name in ("subject", "session", *SERIES) if name in file.entities}


def allSeries(images: Iterable[DatasetFile]) -> list[Series]:
    groups = defaultdict(list)
    for file in images:
        groups[file.entities["suffix"], tuple(seriesEntities(file).items())].append(file)
    return [Series(seriesEntities(files[0]), files) for files in groups.values()]


def matched(
    drawings: Iterable[DatasetFile], series: Iterable[Series], echoOf: Callable[[DatasetFile], int | None]
) -> list[Drawn]:
    """Drawings by the images they belong to.

    :param echoOf: a drawing's own echo, where that makes it an exam of its own.
    """
    bySubject = defaultdict(list)
    for one in series:
        bySubject[one.entities.get("subject")].append(one)
    own, vague, lost = defaultdict(list), defaultdict(list), defaultdict(list)
    for file in drawings:
        near = [one for one in bySubject[file.entities.get("subject")] if _sameSession(file, one)]
        fitting = [one for one in near if _fits(file, one, near)]
        if len(fitting) == 1:
            own[id(fitting[0]), echoOf(file)].append((file, fitting))
        elif fitting:
            vague[tuple(map(id, fitting))].append((file, fitting))
        else:
            lost[tuple(seriesEntities(file).items())].append(file)
    found, told = [], set()
    for (_, echo), pairs in own.items():
        (one,) = pairs[0][1]
        shared = [pair for group in vague.values() for pair in group if one in pair[1]]
        told.update(file.path for file, _ in shared)
        found.append(Drawn([one], [file for file, _ in pairs], echo, shared))
    for pairs in vague.values():
        left = [file for file, _ in pairs if file.path not in told]
        found += [Drawn(pairs[0][1], left)] if left else []
    return found + [Drawn([], files) for files in lost.values()]


def _sameSession(file: DatasetFile, one: Series) -> bool:
    return file.entities.get("session") in (None, one.entities.get("session"))


def _fits(file: DatasetFile, one: Series, near: Sequence[Series]) -> bool:
    for name, value in seriesEntities(file).items():
        isImages = name not in _SLICE_NUMBERS or any(name in other.entities for other in near)
        isSaid = isImages and not (name == "space" and value == _SAME_SPACE)
        if isSaid and one.entities.get(name) != value:
            return False
    return True
