"""The command line: the same measurement as the panels, on files and saved scenes, without Slicer's window."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import batchCommand, bidsCommand, studyCommand
from .errors import INTERNAL, sentenceOf
from .examOptions import HelpWithDefaults, LineParser, addExamOptions
from .examSources import examSource
from .provenance import DISCLAIMER, VERSION
from .threads import oneThread

PROGRAM = "als-motor-cortex"
PROFILE_HELP = "measure SH, thickness and SH/Thk of the deep motor cortex beneath hand-drawn pial lines"
PROFILE_EXAMPLE = (
    "profile --image T2star.nii.gz \\\n"
    "    --contour hand_knob_left=left_41.mrk.json --contour hand_knob_left=left_42.mrk.json \\\n"
    "    --references References.seg.nrrd --subject P012 --exam 1 --output P012"
)
PHASE_HELP = "measure the phase shift of regions painted on a phase image, in radians, Hz and ppb"
PHASE_EXAMPLE = (
    "phase --phase phase.nii.gz --encoding siemens --magnitude magnitude.nii.gz --filter homodyne \\\n"
    "    --echo-time-ms 19 --field-strength-t 3 --polarity paramagnetic_negative \\\n"
    "    --regions Regions.seg.nrrd --subject P012 --exam 1 --output P012\n"
    f"  {PROGRAM} phase --real real.nii.gz --imaginary imaginary.nii.gz --filter laplacian ..."
)
RERUN_HELP = "measure what a saved Slicer scene holds, with the settings stored in it"
logger = logging.getLogger(PROGRAM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: all measured or honestly reported; 2: unusable input, one line on stderr."""
    parsed = _parser().parse_args(arguments)
    parsed.arguments = sys.argv[1:] if arguments is None else list(arguments)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logging.raiseExceptions = False  # a reader of the log that has gone away is no error
    try:
        from .mrmlFiles import quietVtk

        quietVtk()
        with oneThread():
            parsed.run(parsed)
    except (Exception, KeyboardInterrupt) as error:
        sentence, code = sentenceOf(error)
        # The last resort: a user gets a sentence, whoever mends it the traceback.
        if code == INTERNAL and os.environ.get("ALS_TRACEBACK"):
            raise
        return _refuse(sentence, code)
    return 0


def _refuse(sentence: str, code: int = 2) -> int:
    sys.stderr.write(f"{PROGRAM}: {' '.join(sentence.split())}\n")
    return code


# Arguments ------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = LineParser(prog=PROGRAM, description=f"Motor cortex in suspected ALS. {DISCLAIMER}")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=LineParser)
    _addDemo(commands)
    for kind, help, example in (
        ("profile", PROFILE_HELP, PROFILE_EXAMPLE),
        ("phase", PHASE_HELP, PHASE_EXAMPLE),
        ("rerun", RERUN_HELP, "rerun P012/scene.mrb --output again"),
    ):
        command = _command(commands, kind, help, example, _runExam)
        addExamOptions(kind, command)
        _addExamOutput(command, withScene=kind != "rerun")
    batchCommand.addArguments(_command(commands, "batch", batchCommand.HELP, batchCommand.EXAMPLE, batchCommand.run))
    bidsCommand.addArguments(_command(commands, "bids", bidsCommand.HELP, bidsCommand.EXAMPLE, bidsCommand.run))
    studyCommand.addArguments(_command(commands, "study", studyCommand.HELP, studyCommand.EXAMPLE, _runStudy))
    return parser


def _command(commands, name, help, example, run):
    command = commands.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}. {DISCLAIMER}",
        epilog=f"example:\n  {PROGRAM} {example}",
        formatter_class=HelpWithDefaults,
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
        "make phantom cases and a cohort, measure and study them, and print what is found beside what is true",
        "demo --output demo-output",
        _runDemo,
    )


def _addExamOutput(command, withScene):
    _addReport(command)
    if withScene:
        command.add_argument(
            "--no-scene", dest="withScene", action="store_false", help="do not save scene.mrb with the results"
        )
    command.add_argument("--no-figures", dest="figures", action="store_false", help="do not draw figures")


def _addReport(command):
    report = command.add_argument_group("report")
    report.add_argument("--report", action="store_true", help="write a page to sign (HTML, PDF) and a DICOM report")
    report.add_argument(
        "--reference-ranges", type=Path, metavar="F.json", help="reference_ranges.json of a study with your controls"
    )
    report.add_argument("--participants", type=Path, metavar="F.tsv", help="with the subject's age, sex and scores")
    report.add_argument("--readings", nargs="+", default=[], type=Path, metavar="F.tsv", help="visual readings")
    report.add_argument(
        "--source-dicom", nargs="+", default=[], type=Path, metavar="F", help="DICOM files or folders of the image"
    )


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("the folder has no name")
    return Path(text)


# Commands -------------------------------------------------------------------------------------------------------


def _runDemo(parsed):
    from . import demo
    from .outputFolder import outputFolder

    with outputFolder(parsed.output) as folder, _progressBar("demo") as bar:
        rows = demo.runDemo(folder, bar.advance)
        study = demo.runDemoStudy(folder, bar.advance)
    logger.info("\n%s\n\n%s", demo.comparisonText(*rows), study)
    logger.info("\nScenes, tables, figures, reports and the study are in %s", parsed.output)


def _runExam(parsed):
    """`profile`, `phase` and `rerun`: one subject's exam."""
    from . import examOutput
    from .examReport import checkFiles, filesOf
    from .mrmlFiles import HeadlessScene
    from .outputFolder import checkNotReplaced, checkWritable, outputFolder

    checkWritable(parsed.output)
    checkNotReplaced(parsed.output, _reportInputs(parsed))
    checkFiles(parsed.participants, parsed.reference_ranges, parsed.readings, parsed.source_dicom)
    source = examSource(parsed)
    headless = HeadlessScene()
    with _progressBar(parsed.command) as bar:
        opened = source.openIn(headless.scene)
        exams = [measure(lambda share: bar.advance(parsed.command, share)) for _, measure in opened]
    report = _reportContext(parsed, exams)
    with outputFolder(parsed.output) as folder:
        files = [*source.inputs(), *filesOf(_reportInputs(parsed))]
        withScene = getattr(parsed, "withScene", True)
        examOutput.writeExams(
            folder, headless.scene, exams, parsed.command, files, withScene, parsed.figures, report, parsed.arguments
        )
    examOutput.logExams(exams)


def _runStudy(parsed):
    with _progressBar("study") as bar:
        studyCommand.run(parsed, bar.advance)


def _reportInputs(parsed) -> list[Path]:
    given = [parsed.reference_ranges, parsed.participants, *parsed.readings, *parsed.source_dicom]
    return [path for path in given if path is not None]


def _reportContext(parsed, exams):
    """What the report says beside the numbers; None if none is asked for."""
    from .examReport import readContext

    if not parsed.report and not _reportInputs(parsed):
        return None
    nodes = exams[0].caseNodes
    return readContext(
        nodes.subject, nodes.exam, parsed.participants, parsed.reference_ranges, parsed.readings, parsed.source_dicom
    )


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


def entry() -> int:
    """`main` for a terminal: what is left of the log after its reader went away (`| head`) is dropped in silence."""
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


if __name__ == "__main__":
    sys.exit(entry())
