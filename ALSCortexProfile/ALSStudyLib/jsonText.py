"""JSON from files that anyone may have written."""

from __future__ import annotations

import json


def parsedJson(text: str | bytes):
    """:raises ValueError: no JSON, or nested deeper than any of our files."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
