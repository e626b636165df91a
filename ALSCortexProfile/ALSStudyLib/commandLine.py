"""The command line: the same measurement as the panels, on files and saved scenes, without Slicer's window."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import studyCommand
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
    logging.raiseExceptions = False  # a reader of the log that has gone away is no error
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
    _addPhase(commands)
    _addRerun(commands)
    studyCommand.addArguments(_command(commands, "study", studyCommand.HELP, studyCommand.EXAMPLE, _runStudy))
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
        "make phantom cases and a cohort, measure and study them, and print what is found beside what is true",
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
    _addWho(command)
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


def _addWho(command):
    command.add_argument("--subject", default="", help="subject identifier")
    command.add_argument("--exam", default="", help="exam of the subject")
    _addReport(command)
    command.add_argument(
        "--no-scene", dest="scene", action="store_false", help="do not save scene.mrb with the results"
    )
    _addNoFigures(command)


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


def _addNoFigures(command):
    command.add_argument("--no-figures", dest="figures", action="store_false", help="do not draw figures")


def _addPhase(commands):
    command = _command(
        commands,
        "phase",
        "measure the phase shift of regions painted on a phase image, in radians, Hz and ppb",
        "phase --phase phase.nii.gz --encoding siemens --magnitude magnitude.nii.gz --filter homodyne \\\n"
        "    --echo-time-ms 19 --field-strength-t 3 --polarity paramagnetic_negative \\\n"
        "    --regions Regions.seg.nrrd --subject P012 --exam 1 --output P012\n"
        f"  {PROGRAM} phase --real real.nii.gz --imaginary imaginary.nii.gz --filter laplacian ...",
        _runPhase,
    )
    image = command.add_argument_group("image (--phase with --encoding, or --real with --imaginary)")
    image.add_argument("--phase", type=Path, metavar="F", help="phase image; or a DICOM file or folder")
    image.add_argument(
        "--encoding",
        choices=("radians", "siemens", "philips_mrad", "bids", "dicom"),
        help="how the phase is stored: radians; siemens (0..4095 or -4096..4094); philips_mrad (milliradians, GE's "
        "too); bids (as the JSON sidecar says); dicom (as the header says). Never guessed",
    )
    image.add_argument("--real", type=Path, metavar="F", help="real image, as GE stores it")
    image.add_argument("--imaginary", type=Path, metavar="F", help="imaginary image")
    image.add_argument("--magnitude", type=Path, metavar="F", help="magnitude image: weighs the filter, makes the SWI")
    image.add_argument("--echo-time-ms", type=float, metavar="T", help="echo time, ms; a BIDS sidecar or DICOM has it")
    image.add_argument("--field-strength-t", type=float, metavar="B", help="field strength, T; likewise")
    image.add_argument(
        "--polarity",
        required=True,
        choices=("paramagnetic_negative", "paramagnetic_positive", "unknown"),
        help="sign of a paramagnetic shift (iron, veins) in this image",
    )
    image.add_argument(
        "--correct-sign-flips", action="store_true", help="add pi to every second slice (GE's alternating signs)"
    )
    image.add_argument(
        "--already-filtered", action="store_true", help="the scanner has high-passed this phase ('corrected phase')"
    )
    image.add_argument(
        "--filtered-lines", type=int, metavar="N", help="central k-space lines of the scanner's filter, if known"
    )
    filters = command.add_argument_group("filter")
    filters.add_argument("--filter", required=True, choices=("none", "homodyne", "laplacian"))
    filters.add_argument(
        "--kernel-lines", type=int, default=64, metavar="N", help="central k-space lines that are removed (64)"
    )
    filters.add_argument("--kernel-mm", type=float, metavar="MM", help="instead, the wavelength of the cut-off, mm")
    filters.add_argument("--window", default="hann", choices=("hann", "hamming", "rectangle"), help="of the lines")
    filters.add_argument(
        "--high-pass-sigma-mm", type=float, metavar="MM", help="SD of the Gaussian after laplacian, instead of lines"
    )
    regions = command.add_argument_group("regions")
    regions.add_argument(
        "--regions",
        required=True,
        type=Path,
        metavar="F.seg.nrrd",
        help="segmentation with precentral_gyrus_left, precentral_gyrus_right, frontal_cortex_..., "
        "caudate_nucleus_..., globus_pallidus_..., putamen_..., names of your own, and perhaps a vein, "
        "which checks the polarity",
    )
    regions.add_argument(
        "--resample-regions", action="store_true", help="accept regions painted on another grid than the phase"
    )
    regions.add_argument("--slice-rule", default="ranked", choices=("ranked", "consecutive"))
    regions.add_argument(
        "--pixel-rule",
        action="append",
        default=[],
        metavar="REGION=15-25",
        help="pixels a region may have in a slice, or REGION=free; repeat",
    )
    weighting = command.add_argument_group("susceptibility-weighted image")
    weighting.add_argument("--mask-power", type=float, default=4.0, metavar="N", help="power of the phase mask (4)")
    weighting.add_argument("--slab-mm", type=float, default=8.0, metavar="MM", help="slab of the projection (8)")
    _addWho(command)


def _addRerun(commands):
    command = _command(
        commands,
        "rerun",
        "measure what a saved Slicer scene holds, with the settings stored in it",
        "rerun P012/scene.mrb --output again",
        _runRerun,
    )
    command.add_argument("scene", type=Path, metavar="SCENE", help="saved scene, .mrb or .mrml")
    _addReport(command)
    _addNoFigures(command)


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


def _phaseFiles(parsed):
    from .phaseExam import PhaseFiles

    given = [name for name in ("phase", "real", "imaginary") if getattr(parsed, name) is not None]
    if given not in (["phase"], ["real", "imaginary"]):
        found = " and ".join(f"--{name}" for name in given) or "no image"
        raise InputError(f"Given is {found}; expected --phase with --encoding, or --real with --imaginary; give those.")
    if parsed.phase is not None and parsed.encoding is None:
        raise InputError(
            f"Phase '{parsed.phase}' is given without --encoding; expected radians, siemens, philips_mrad, bids or "
            "dicom; say how the scanner stored it: radians are never guessed from the range."
        )
    if parsed.phase is None and parsed.encoding is not None:
        raise InputError("--encoding is given for real and imaginary images, which need none; leave it out.")
    return PhaseFiles(parsed.regions, parsed.phase, parsed.real, parsed.imaginary, parsed.magnitude)


def _declaredAcquisition(parsed):
    from PhaseShiftROILib.mrml import BY_SCANNER, UNFILTERED, Acquisition

    lines = parsed.filtered_lines
    if lines is not None and lines < 4:
        raise InputError(f"--filtered-lines is {lines}; expected at least 4; correct it or leave it out.")
    return Acquisition(
        encoding=parsed.encoding or "",
        echoTimeMs=parsed.echo_time_ms,
        fieldStrengthT=parsed.field_strength_t,
        polarity=parsed.polarity,
        filter=BY_SCANNER if parsed.already_filtered or lines is not None else UNFILTERED,
        filteredLines=lines,
    )


def _phaseSettings(parsed):
    from PhaseShiftROILib.settings import PhaseSettings

    return PhaseSettings(
        filter=parsed.filter,
        kernelLines=parsed.kernel_lines,
        kernelMm=parsed.kernel_mm,
        window=parsed.window,
        highPassSigmaMm=parsed.high_pass_sigma_mm,
        correctSignFlips=parsed.correct_sign_flips,
        sliceRule=parsed.slice_rule,
        pixelRules=";".join(parsed.pixel_rule),
        resampleRegions=parsed.resample_regions,
        maskPower=parsed.mask_power,
        slabMm=parsed.slab_mm,
    )


# Commands -------------------------------------------------------------------------------------------------------


def _runDemo(parsed):
    from . import demo
    from .outputFolder import outputFolder

    with outputFolder(parsed.output) as folder, _progressBar("demo") as bar:
        rows = demo.runDemo(folder, bar.advance)
        study = demo.runDemoStudy(folder, bar.advance)
    logger.info("\n%s\n\n%s", demo.comparisonText(*rows), study)
    logger.info("\nScenes, tables, figures, reports and the study are in %s", parsed.output)


def _runProfile(parsed):
    from .profileExam import ProfileExam, ProfileFiles, loadProfileCase

    files = ProfileFiles(parsed.image, parsed.contour, parsed.references, _echoTimes(parsed.echo_times_ms))
    settings = _profileSettings(parsed)

    def measure(scene, progress):
        return [ProfileExam(loadProfileCase(scene, files, parsed.subject, parsed.exam, settings), progress)]

    _measureAndWrite(parsed, measure, files.all, parsed.scene)


def _runPhase(parsed):
    from .phaseExam import PhaseExam, loadPhaseCase

    files, declared = _phaseFiles(parsed), _declaredAcquisition(parsed)
    settings = _phaseSettings(parsed)

    def measure(scene, progress):
        return [PhaseExam(loadPhaseCase(scene, files, declared, parsed.subject, parsed.exam, settings), progress)]

    _measureAndWrite(parsed, measure, lambda: files.all, parsed.scene)


def _runRerun(parsed):
    from . import caseIO

    _measureAndWrite(parsed, lambda scene, progress: caseIO.measureScene(scene, parsed.scene, progress), [parsed.scene])


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


def _measureAndWrite(parsed, measure, inputs, withScene=True):
    """:param measure: function (scene, progress) to exams. inputs: files, or a function to them."""
    from . import examOutput
    from .examReport import checkFiles, filesOf
    from .mrmlFiles import HeadlessScene
    from .outputFolder import checkNotReplaced, checkWritable, outputFolder

    checkWritable(parsed.output)
    checkNotReplaced(parsed.output, _reportInputs(parsed))
    checkFiles(parsed.participants, parsed.reference_ranges, parsed.readings, parsed.source_dicom)
    headless = HeadlessScene()
    with _progressBar(parsed.command) as bar:
        exams = measure(headless.scene, lambda share: bar.advance(parsed.command, share))
    report = _reportContext(parsed, exams)
    with outputFolder(parsed.output) as folder:
        files = [*(inputs() if callable(inputs) else inputs), *filesOf(_reportInputs(parsed))]
        examOutput.writeExams(folder, headless.scene, exams, parsed.command, files, withScene, parsed.figures, report)
    examOutput.logExams(exams)


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
