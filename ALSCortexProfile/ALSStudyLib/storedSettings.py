"""Settings that are stored with a scene or a result, and read back: of both modules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields

from .errors import InputError
from .jsonText import parsedJson


def checkChoices(settings, choices: Mapping[str, Sequence[str]]) -> None:
    """:raises InputError: a field that is none of its allowed values, or no finite number."""
    for name, allowed in choices.items():
        if getattr(settings, name) not in allowed:
            raise InputError(
                f"Setting {name} is '{getattr(settings, name)}'; expected one of {', '.join(allowed)}; choose one."
            )
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"Setting {field.name} is {value}; expected a finite number; correct it.")


def settingsFromDict(settingsClass, values: dict):
    """An instance of a settings dataclass.

    :raises InputError: a name that is no setting, as from a newer version, or a value of another kind.
    """
    known = {field.name for field in fields(settingsClass)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise InputError(
            f"Stored settings name {', '.join(unknown)}; expected {', '.join(sorted(known))}; "
            "was this saved by a newer version?"
        )
    for field in fields(settingsClass):
        value, default = values.get(field.name, field.default), field.default
        kinds = (int, float) if isinstance(default, float) or default is None else type(default)
        optional = default is None and value is None
        if not optional and (not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool)):
            raise InputError(
                f"Stored setting {field.name} is {value!r}; expected a value like {default!r}; correct it."
            )
    return settingsClass(**values)


def settingsFromText(settingsClass, text: str, nodeName: str):
    """As `settingsFromDict`, from the JSON text that a parameter node holds; none gives the defaults."""
    if not text:
        return settingsClass()
    try:
        values = parsedJson(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise InputError(
            f"The settings stored in the scene are '{text[:40]}'; expected what the module {nodeName} writes; "
            f"remove the node {nodeName} to measure with the defaults."
        )
    return settingsFromDict(settingsClass, values)
