"""A case as the arguments of the command that would measure it alone, and those arguments parsed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from .caseList import PATH_SEPARATOR, Case
from .errors import InputError
from .examOptions import addExamOptions, addPhaseSettings, addProfileSettings

REPEATED = ("pixel_rule",)  # options given once per value
YES, NO = ("yes", "true", "1"), ("no", "false", "0")
SETTINGS = {"profile": addProfileSettings, "phase": lambda command: addPhaseSettings(command, required=False)}
# By kind of exam: columns of files, and the option of each.
FILE_OPTIONS = {
    "profile": {"image": "image", "contours": "contour", "references": "references"},
    "phase": {name: name for name in ("phase", "real", "imaginary", "magnitude", "regions")},
}
SCENE_COLUMN = "scene"


class _RaisingParser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(
            f"A setting cannot be used ({message}); expected what --help of the command {self.prog} lists; correct it "
            "in the case list or on the command line."
        )


def addSettings(command) -> None:
    """The settings of both kinds of exam, for all exams that do not give their own."""
    for add in SETTINGS.values():
        add(command)


@cache
def _defaults(kind: str) -> Mapping[str, object]:
    parser = _RaisingParser(add_help=False)
    SETTINGS[kind](parser)
    return MappingProxyType(vars(parser.parse_args([])))


def settingNames() -> list[str]:
    """Columns of a case list that are settings."""
    return [name for kind in SETTINGS for name in _defaults(kind)]


def chosenSettings(parsed) -> dict[str, dict]:
    """By kind, the settings of a command that has `addSettings`."""
    return {kind: {name: getattr(parsed, name) for name in _defaults(kind)} for kind in SETTINGS}


def givenSettings(parsed) -> dict[str, dict[str, list[str]]]:
    """By kind and setting, arguments for what is not the default."""
    given: dict[str, dict[str, list[str]]] = {}
    for kind, chosen in chosenSettings(parsed).items():
        defaults = _defaults(kind)
        changed = {name: value for name, value in chosen.items() if value != defaults[name]}
        given[kind] = {name: _asArguments(name, value, defaults[name]) for name, value in changed.items()}
    return given


def _asArguments(name: str, value, default) -> list[str]:
    option = name.replace("_", "-")
    if isinstance(default, bool):
        return [f"--{option}"] if value else [f"--no-{option}"] if default else []
    if isinstance(value, (list, tuple)):
        return [f"--{option}={one}" for one in value] if name in REPEATED else [f"--{option}={','.join(value)}"]
    return [f"--{option}={value}"]


def _fromCell(name: str, cell: str, default) -> list[str]:
    """Arguments from the text of a cell.

    :raises InputError: neither yes nor no where one of them is due.
    """
    if isinstance(default, bool):
        if cell.casefold() not in (*YES, *NO):
            raise InputError(f"Column {name} has '{cell}'; expected yes or no; correct it.")
        return _asArguments(name, cell.casefold() in YES, default)
    if isinstance(default, list):
        separator = PATH_SEPARATOR if PATH_SEPARATOR in cell else None
        return _asArguments(name, [text.strip() for text in cell.split(separator) if text.strip()], default)
    return _asArguments(name, cell, default)


def kindsOf(case: Case) -> list[str]:
    """Kinds of exam that the files of a case are for; none for a scene, which says it itself."""
    return [kind for kind, columns in FILE_OPTIONS.items() if set(columns) & set(case.values)]


def argumentsOf(case: Case, given: Mapping[str, Mapping[str, Sequence[str]]]) -> list[tuple[str, ...]]:
    """(command, argument, ...) of each command that measures the case: `rerun`; or `profile`, `phase`, or both.

    :param given: see `givenSettings`. :raises InputError: no file, or scene and files.
    """
    if case.problem:
        raise InputError(case.problem)
    who = [f"--{name}={text}" for name, text in (("subject", case.subject), ("exam", case.exam)) if text]
    kinds = kindsOf(case)
    if SCENE_COLUMN in case.values:
        if kinds:
            raise InputError(f"{case.source} has a scene and files beside it; expected one of them; leave one out.")
        return [("rerun", *who, "--", case.values[SCENE_COLUMN])]
    if not kinds:
        raise InputError(
            f"{case.source} names no file; expected scene, or image, contours and references, or phase and regions; "
            "fill them in."
        )
    return [(kind, *_files(case, kind), *_settings(case, kind, given[kind]), *who) for kind in kinds]


def _files(case: Case, kind: str) -> list[str]:
    arguments = []
    missing = [name for name in ("contours", "references", "image") if kind == "profile" and name not in case.values]
    missing += ["regions"] if kind == "phase" and "regions" not in case.values else []
    if missing:
        raise InputError(f"{case.source} has no {' and no '.join(missing)}; expected every file; fill it in.")
    for column, option in FILE_OPTIONS[kind].items():
        pairs = case.targetsAndPaths(column)
        if column == "image" and len(pairs) > 1:
            arguments += [f"--{option}", *(path for _, path in pairs)]
        else:
            arguments += [f"--{option}={target}={path}" if target else f"--{option}={path}" for target, path in pairs]
    return arguments


def _settings(case: Case, kind: str, given: Mapping[str, Sequence[str]]) -> list[str]:
    defaults = _defaults(kind)
    own = {name: _fromCell(name, case.values[name], defaults[name]) for name in defaults if name in case.values}
    if "real" in case.values:
        given = {name: arguments for name, arguments in given.items() if name != "encoding"}  # they need none
    return [argument for arguments in {**given, **own}.values() for argument in arguments]


@cache
def _parserOf(command: str) -> argparse.ArgumentParser:
    parser = _RaisingParser(prog=command, add_help=False, allow_abbrev=False)
    addExamOptions(command, parser)
    return parser


def parseArguments(arguments: Sequence[str]):
    """The parsed options of one of the commands, as `examSources.examSource` takes them.

    :raises InputError: arguments that the command refuses.
    """
    kind, *rest = arguments
    parsed = _parserOf(kind).parse_args(rest)
    parsed.command = kind
    return parsed
