"""The one error that means "this input cannot be used", and what a user reads of any other."""

from __future__ import annotations

UNUSABLE, INTERNAL, INTERRUPTED = 2, 1, 130


class InputError(ValueError):
    """Unusable input, in one sentence a clinician can act on: what was found, what was expected, what to do."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))


def sentenceOf(error: BaseException) -> tuple[str, int]:
    """One sentence for a user, and the exit code of a command that ends with this error."""
    if isinstance(error, InputError):
        return str(error), UNUSABLE
    if isinstance(error, OSError):
        where = f"'{error.filename}': " if error.filename else ""
        return f"{where}{error.strerror or error}; expected a usable file or folder; check it.", UNUSABLE
    if isinstance(error, UnicodeError):
        return "A name holds bytes that are no text; expected Unicode; rename the subject or the file.", UNUSABLE
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted; no results were written.", INTERRUPTED
    if isinstance(error, MemoryError):
        return "The image does not fit into memory; expected a smaller one; crop it to the motor cortex.", UNUSABLE
    found = f"internal problem ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
    return f"{found}; expected none; please report it (ALS_TRACEBACK=1 shows where).", INTERNAL
