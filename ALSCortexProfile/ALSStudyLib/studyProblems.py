"""What a study finds wrong with its input: one sentence each, kept in the audit; nothing is changed silently."""

from __future__ import annotations

from dataclasses import dataclass

REFUSED, SUSPECT = "refused", "suspect"
SIGN_SLIP, UNKNOWN_GROUP = "sign slip", "unknown group"


@dataclass(frozen=True)
class Problem:
    """:param kind: "refused": left out; "suspect": looks like a slip, and is used as it stands.
    :param sentence: what was found, what was expected, what to do. row: index in `StudyData.values` of the value meant;
        -1 for none. cause: what later steps ask for, as SIGN_SLIP; "" otherwise.
    """

    kind: str
    sentence: str
    subject: str = ""
    exam: str = ""
    region: str = ""
    side: str = ""
    measure: str = ""
    row: int = -1
    cause: str = ""

    @property
    def text(self) -> str:
        """The sentence after whom and what it is about."""
        who = ", ".join(
            part
            for part in (
                f"subject {self.subject}" if self.subject else "",
                f"exam {self.exam}" if self.exam else "",
                " ".join(filter(None, (self.region, self.side if self.side != "both" else ""))),
            )
            if part
        )
        return f"{who}: {self.sentence}" if who else self.sentence
