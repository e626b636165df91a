"""The blind visual reading: who saw what, in which order, before any number was shown.

Donatelli et al., AJNR 2018;39:63: two readers judge each region pathologic or nonpathologic, in two sessions. The score
of 0 to 2 per region is that of the motor cortex low intensity (MCLI) sign.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from .errors import InputError
from .tables import Column

PATHOLOGIC, NONPATHOLOGIC = "pathologic", "nonpathologic"
VERDICTS = (NONPATHOLOGIC, PATHOLOGIC)
SCORES = (0, 1, 2)
SESSIONS = (1, 2)

READING_COLUMNS = (
    Column("subject", "Subject identifier", isText=True),
    Column("exam", "Exam of the subject", isText=True),
    Column("reader", "Who read", isText=True),
    Column("session", "First or second reading"),
    Column("target", "Place in the motor cortex", isText=True),
    Column("reading", "pathologic or nonpathologic", isText=True),
    Column("score", "Visual score of the region: 0 none, 1 slight, 2 marked hypointensity"),
    Column("position", "Place in the shuffled order of this reading, from 1"),
    Column("seed", "Seed of that order"),
    Column("blind", "yes if no number of the target had been shown in this scene before, else no", isText=True),
)


@dataclass(frozen=True)
class ReadingSession:
    """One reader's pass through the targets of one exam."""

    subject: str
    exam: str
    reader: str
    session: int
    seed: int

    def __post_init__(self):
        for name in ("subject", "exam", "reader"):
            object.__setattr__(self, name, " ".join(getattr(self, name).split()))  # as the table keeps them

    def order(self, targets: Sequence[str]) -> list[str]:
        """The targets shuffled: the same for the same reader, session, exam and seed, whatever their given order."""
        key = "\n".join((self.subject, self.exam, self.reader.casefold(), str(self.session))).encode()
        rng = np.random.default_rng([self.seed, zlib.crc32(key)])
        names = sorted(targets)
        return [names[index] for index in rng.permutation(len(names))]


@dataclass(frozen=True)
class Reading:
    """What a reader saw in one target.

    :raises InputError: no reader, or a verdict, score or session that there is not.
    """

    subject: str
    exam: str
    reader: str
    session: int
    target: str
    reading: str
    score: int
    position: int
    seed: int
    blind: str = "yes"

    def __post_init__(self):
        if not self.reader.strip():
            raise InputError("The reading has no reader; expected a name or initials; enter them.")
        for name, allowed in (("reading", VERDICTS), ("score", SCORES), ("session", SESSIONS)):
            if getattr(self, name) not in allowed:
                choices = ", ".join(map(str, allowed))
                raise InputError(f"The {name} is '{getattr(self, name)}'; expected one of {choices}; choose one.")

    def isOf(self, session: ReadingSession) -> bool:
        """Whether it was made in a session; the seed does not matter, a target is read once."""
        names = ("subject", "exam", "session")
        return self.reader.casefold() == session.reader.casefold() and all(
            getattr(self, name) == getattr(session, name) for name in names
        )

    @property
    def row(self) -> dict:
        return asdict(self)


def newReading(
    session: ReadingSession,
    targets: Sequence[str],
    target: str,
    verdict: str,
    score: int,
    earlier: Sequence[Reading],
    isBlind: bool = True,
) -> Reading:
    """A reading at its place in the session's order.

    :param targets: all targets of the exam. earlier: all readings there are. isBlind: no number of it was shown before.
    :raises InputError: a target that was read before in this session: the number has been seen since.
    """
    if any(reading.target == target and reading.isOf(session) for reading in earlier):
        raise InputError(
            f"Target '{target}' was read by {session.reader} in session {session.session} already; expected one "
            "reading per session, for its number has been shown since; begin session 2."
        )
    position = session.order(targets).index(target) + 1
    return Reading(
        session.subject,
        session.exam,
        session.reader,
        session.session,
        target,
        verdict,
        score,
        position,
        session.seed,
        "yes" if isBlind else "no",
    )


def nextTarget(session: ReadingSession, targets: Sequence[str], earlier: Sequence[Reading]) -> str:
    """The target to read next; "" when all are read."""
    read = {reading.target for reading in earlier if reading.isOf(session)}
    return next((target for target in session.order(targets) if target not in read), "")
