"""The options of `profile`, `phase` and `rerun`: what an exam is measured from, and how."""

from __future__ import annotations

import argparse
from pathlib import Path


class LineParser(argparse.ArgumentParser):
    """One line on stderr, exit 2."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


class HelpWithDefaults(argparse.RawDescriptionHelpFormatter):
    """Says the default of every option that has one worth saying."""

    def _get_help_string(self, action):
        text = action.help or ""
        isSaid = type(action.default) in (str, int, float) and action.default not in ("", argparse.SUPPRESS)
        return f"{text} (default: %(default)s)" if isSaid else text


def addExamOptions(kind: str, command) -> None:
    """What the command `profile`, `phase` or `rerun` measures, and how."""
    if kind == "rerun":
        _addScene(command)
        return
    if kind == "profile":
        _addProfileFiles(command)
        addProfileSettings(command)
    else:
        _addPhaseFiles(command)
        addPhaseSettings(command)
    command.add_argument("--subject", default="", help="subject identifier")
    command.add_argument("--exam", default="", help="exam of the subject")


# Profile --------------------------------------------------------------------------------------------------------


def _addProfileFiles(command) -> None:
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


def addProfileSettings(command) -> None:
    command.add_argument("--echo-times-ms", nargs="+", default=[], metavar="TE", help="one per echo, ms")
    command.add_argument(
        "--echo-combination",
        default="mean",
        choices=("mean", "rss", "single", "r2star"),
        help="what one image is made of the echoes: mean, root of the sum of squares, one echo, or a map of R2*",
    )
    command.add_argument("--single-echo-ms", type=float, metavar="TE", help="which echo, for --echo-combination single")
    command.add_argument(
        "--interpolation", default="cubic", choices=("cubic", "linear"), help="between voxels; linear widens thin bands"
    )
    command.add_argument(
        "--align",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="align single profiles before averaging (on)",
    )
    command.add_argument(
        "--voxel-aware", action=argparse.BooleanOptionalAction, default=True, help="model the voxel inside the fit (on)"
    )
    command.add_argument(
        "--literal",
        action="store_true",
        help="the paper's own procedure: plain mean profile and fit; --align and --voxel-aware then have no effect",
    )
    command.add_argument(
        "--window-policy",
        default=None,
        choices=("superficial", "zero_crossing", "whole"),
        help="depths that the fit looks at (superficial; with --literal zero_crossing)",
    )
    command.add_argument(
        "--resamples", type=int, default=1000, metavar="N", help="bootstrap resamples, 0 for no intervals"
    )
    command.add_argument("--seed", type=int, default=None, help="of the bootstrap (20180163)")


def _contour(text: str) -> tuple[str, Path]:
    slug, separator, path = text.partition("=")
    if not separator or not slug or not path:
        raise argparse.ArgumentTypeError(f"'{text}' is not TARGET=F.mrk.json")
    return slug, Path(path)


# Phase ----------------------------------------------------------------------------------------------------------


def _addPhaseFiles(command) -> None:
    image = command.add_argument_group("files (--phase with --encoding, or --real with --imaginary)")
    image.add_argument("--phase", type=Path, metavar="F", help="phase image; or a DICOM file or folder")
    image.add_argument("--real", type=Path, metavar="F", help="real image, as GE stores it")
    image.add_argument("--imaginary", type=Path, metavar="F", help="imaginary image")
    image.add_argument("--magnitude", type=Path, metavar="F", help="magnitude image: weighs the filter, makes the SWI")
    image.add_argument(
        "--regions",
        required=True,
        type=Path,
        metavar="F.seg.nrrd",
        help="segmentation with precentral_gyrus_left, precentral_gyrus_right, frontal_cortex_..., "
        "caudate_nucleus_..., globus_pallidus_..., putamen_..., names of your own, and perhaps a vein, "
        "which checks the polarity",
    )


def addPhaseSettings(command, required: bool = True) -> None:
    """:param required: polarity and filter, which have no defaults, must be given."""
    image = command.add_argument_group("how the phase was stored")
    image.add_argument(
        "--encoding",
        choices=("radians", "siemens", "philips_mrad", "bids", "dicom"),
        help="how the phase is stored: radians; siemens (0..4095 or -4096..4095); philips_mrad (milliradians, GE's "
        "too); bids (as the JSON sidecar says); dicom (as the header says). Never guessed",
    )
    image.add_argument("--echo-time-ms", type=float, metavar="T", help="echo time, ms; a BIDS sidecar or DICOM has it")
    image.add_argument("--field-strength-t", type=float, metavar="B", help="field strength, T; likewise")
    image.add_argument(
        "--polarity",
        required=required,
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
    filters.add_argument("--filter", required=required, choices=("none", "homodyne", "laplacian"), help="high-pass")
    filters.add_argument(
        "--kernel-lines", type=int, default=64, metavar="N", help="central k-space lines that are removed"
    )
    filters.add_argument("--kernel-mm", type=float, metavar="MM", help="instead, the wavelength of the cut-off, mm")
    filters.add_argument("--window", default="hann", choices=("hann", "hamming", "rectangle"), help="of the lines")
    filters.add_argument(
        "--high-pass-sigma-mm", type=float, metavar="MM", help="SD of the Gaussian after laplacian, instead of lines"
    )
    regions = command.add_argument_group("rules of regions")
    regions.add_argument(
        "--resample-regions", action="store_true", help="accept regions painted on another grid than the phase"
    )
    regions.add_argument(
        "--slice-rule",
        default="ranked",
        choices=("ranked", "consecutive"),
        help="keep the most extreme slices, or the most extreme run of adjacent ones",
    )
    regions.add_argument(
        "--pixel-rule",
        action="append",
        default=[],
        metavar="REGION=15-25",
        help="pixels a region may have in a slice, or REGION=free; repeat",
    )
    weighting = command.add_argument_group("susceptibility-weighted image")
    weighting.add_argument("--mask-power", type=float, default=4.0, metavar="N", help="power of the phase mask")
    weighting.add_argument("--slab-mm", type=float, default=8.0, metavar="MM", help="slab of the projection")


# Scene ----------------------------------------------------------------------------------------------------------


def _addScene(command) -> None:
    command.add_argument("scene", type=Path, metavar="SCENE", help="saved scene, .mrb or .mrml")
    command.add_argument("--subject", default="", help="subject identifier, instead of the one in the scene")
    command.add_argument("--exam", default="", help="exam, likewise")
