"""The command line: the same measurement as the panels, on files and saved scenes, without Slicer's window."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import InputError
from .provenance import DISCLAIMER, VERSION

PROGRAM = "als-motor-cortex"
logger = logging.getLogger(PROGRAM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: all measured or honestly reported; 2: unusable input, one line on stderr."""
    parsed = _parser().parse_args(arguments)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        from .mrmlFiles import quietVtk

        quietVtk()
        parsed.run(parsed)
    except InputError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"'{error.filename}': {error.strerror}; expected a usable file or folder; check it.")
    except UnicodeError:
        return _refuse("A name holds bytes that are no text; expected Unicode; rename the subject or the file.")
    except KeyboardInterrupt:
        return _refuse("interrupted; no results were written.", code=130)
    except MemoryError:
        return _refuse("The image does not fit into memory; expected a smaller one; crop it to the motor cortex.")
    except Exception as error:
        # The last resort: a user gets a sentence, whoever mends it the traceback.
        if os.environ.get("ALS_TRACEBACK"):
            raise
        found = f"internal problem ({type(error).__name__}: {str(error)[:200]})"
        return _refuse(f"{found}; expected none; please report it (ALS_TRACEBACK=1 shows where).", code=1)
    return 0


def _refuse(sentence: str, code: int = 2) -> int:
    sys.stderr.write(f"{PROGRAM}: {' '.join(sentence.split())}\n")
    return code


# Arguments ------------------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """One line on stderr, exit 2."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description=f"Motor cortex in suspected ALS. {DISCLAIMER}")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    _addDemo(commands)
    _addProfile(commands)
    _addRerun(commands)
    return parser


def _command(commands, name, help, example, run):
    command = commands.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}. {DISCLAIMER}",
        epilog=f"example:\n  {PROGRAM} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    command.add_argument(
        "--output", required=True, type=_folder, metavar="DIR", help="folder for results, made if missing"
    )
    return command


def _addDemo(commands):
    _command(
        commands,
        "demo",
        "make phantom cases, save them as Slicer scenes, measure them and print measured beside true",
        "demo --output demo-output",
        _runDemo,
    )


def _addProfile(commands):
    command = _command(
        commands,
        "profile",
        "measure SH, thickness and SH/Thk of the deep motor cortex beneath hand-drawn pial lines",
        "profile --image T2star.nii.gz \\\n"
        "    --contour hand_knob_left=left_41.mrk.json --contour hand_knob_left=left_42.mrk.json \\\n"
        "    --references References.seg.nrrd --subject P012 --exam 1 --output P012",
        _runProfile,
    )
    command.add_argument(
        "--image",
        required=True,
        nargs="+",
        type=Path,
        metavar="F",
        help="magnitude image; several files or one 4D file for echoes",
    )
    command.add_argument(
        "--contour",
        required=True,
        action="append",
        type=_contour,
        metavar="TARGET=F.mrk.json",
        help="pial line of a target (hand_knob_left, hand_knob_right, paracentral_left, paracentral_right, or a name "
        "of your own); repeat for more slices and targets",
    )
    command.add_argument(
        "--references",
        required=True,
        type=Path,
        metavar="F.seg.nrrd",
        help="segmentation with Splenium and White matter",
    )
    command.add_argument("--echo-times-ms", nargs="+", default=[], metavar="TE", help="one per echo, ms")
    command.add_argument("--echo-combination", default="mean", choices=("mean", "rss", "single", "r2star"))
    command.add_argument("--single-echo-ms", type=float, metavar="TE", help="which echo, for --echo-combination single")
    command.add_argument("--subject", default="", help="subject identifier")
    command.add_argument("--exam", default="", help="exam of the subject")
    command.add_argument("--interpolation", default="cubic", choices=("cubic", "linear"))
    command.add_argument(
        "--align", action=argparse.BooleanOptionalAction, default=True, help="align single profiles before averaging"
    )
    command.add_argument(
        "--voxel-aware", action=argparse.BooleanOptionalAction, default=True, help="model the voxel inside the fit"
    )
    command.add_argument("--literal", action="store_true", help="the paper's own wording: plain mean profile and fit")
    command.add_argument("--window-policy", default=None, choices=("superficial", "zero_crossing", "whole"))
    command.add_argument(
        "--resamples", type=int, default=1000, metavar="N", help="bootstrap resamples, 0 for no intervals"
    )
    command.add_argument("--seed", type=int, default=None, help="of the bootstrap")
    command.add_argument(
        "--no-scene", dest="scene", action="store_false", help="do not save scene.mrb with the results"
    )


def _addRerun(commands):
    command = _command(
        commands,
        "rerun",
        "measure what a saved Slicer scene holds, with the settings stored in it",
        "rerun P012/scene.mrb --output again",
        _runRerun,
    )
    command.add_argument("scene", type=Path, metavar="SCENE", help="saved scene, .mrb or .mrml")


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("the folder has no name")
    return Path(text)


def _contour(text: str) -> tuple[str, Path]:
    slug, separator, path = text.partition("=")
    if not separator or not slug or not path:
        raise argparse.ArgumentTypeError(f"'{text}' is not TARGET=F.mrk.json")
    return slug, Path(path)


def _echoTimes(texts: Sequence[str]) -> list[float]:
    """Echo times as numbers; commas between them are fine."""
    words = [word for text in texts for word in text.replace(",", " ").split()]
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise InputError(
            f"Echo times are '{' '.join(words)}'; expected numbers in ms; correct --echo-times-ms."
        ) from error


def _profileSettings(parsed):
    from ALSCortexProfileLib.settings import ProfileSettings

    base = (
        ProfileSettings.paper()
        if parsed.literal
        else ProfileSettings(align=parsed.align, voxelAware=parsed.voxel_aware)
    )
    return base.with_(
        interpolation=parsed.interpolation,
        echoCombination=parsed.echo_combination,
        singleEchoMs=parsed.single_echo_ms,
        resamples=parsed.resamples,
        **({"windowPolicy": parsed.window_policy} if parsed.window_policy else {}),
        **({"seed": parsed.seed} if parsed.seed is not None else {}),
    )


# Commands -------------------------------------------------------------------------------------------------------


def _runDemo(parsed):
    from . import demo
    from .outputFolder import outputFolder

    with outputFolder(parsed.output) as folder, _progressBar("demo") as bar:
        rows = demo.runDemo(folder, bar.advance)
    logger.info("\n%s\n\nScenes, tables and figures are in %s", demo.comparisonText(rows), parsed.output)


def _runProfile(parsed):
    from . import caseIO
    from .mrmlFiles import HeadlessScene

    files = caseIO.ProfileFiles(parsed.image, parsed.contour, parsed.references, _echoTimes(parsed.echo_times_ms))
    settings = _profileSettings(parsed)
    headless = HeadlessScene()
    _measureAndWrite(
        parsed,
        headless.scene,
        lambda: caseIO.loadProfileCase(headless.scene, files, parsed.subject, parsed.exam, settings),
        files.all,
        parsed.scene,
    )


def _runRerun(parsed):
    from . import caseIO
    from .mrmlFiles import HeadlessScene

    headless = HeadlessScene()
    _measureAndWrite(
        parsed, headless.scene, lambda: caseIO.openProfileCase(headless.scene, parsed.scene), [parsed.scene], True
    )


def _measureAndWrite(parsed, scene, load, inputs, withScene):
    from ALSCortexProfileLib import mrml

    from . import caseIO
    from .outputFolder import checkWritable, outputFolder

    checkWritable(parsed.output)
    caseNodes = load()
    with _progressBar(parsed.command) as bar:
        measurements = mrml.measureCase(
            caseNodes, lambda index, count, share: bar.advance(parsed.command, (index + share) / count)
        )
    with outputFolder(parsed.output) as folder:
        caseIO.writeCase(folder, scene, caseNodes, measurements, parsed.command, inputs, withScene)
    caseIO.logCase(caseNodes, measurements)


class _progressBar:
    """tqdm on a terminal, nothing elsewhere."""

    def __init__(self, name: str):
        from tqdm import tqdm

        self._bar = tqdm(total=100, desc=name, bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed}", disable=None)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._bar.close()

    def advance(self, name: str, share: float) -> None:
        self._bar.set_description(name, refresh=False)
        self._bar.n = round(100 * share)
        self._bar.refresh()


if __name__ == "__main__":
    sys.exit(main())
