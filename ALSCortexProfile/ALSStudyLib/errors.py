"""The one error that means "this input cannot be used"."""


class InputError(ValueError):
    """Unusable input, in one sentence a clinician can act on: what was found, what was expected, what to do."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))
