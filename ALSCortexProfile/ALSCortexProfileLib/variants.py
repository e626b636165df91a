"""The fit of the mean profile, with and without each step beyond the paper.

Donatelli et al., AJNR 2018;39:63, step 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bandModel import NO_RESPONSE
from .doubleSigmoid import BandFit, BandFits, fitManyDoubleSigmoids, singleFit
from .hypointensity import MeanProfile, meanProfile
from .settings import ProfileSettings
from .singleProfiles import SampledProfiles
from .window import Window, chooseWindow

MODEL_ERROR = 0.01  # of the peak: without noise the priors must still outweigh aliasing of the voxel grid


@dataclass(frozen=True)
class VoxelBlur:
    """What the voxel does to a profile: a box of `widthMm`, then `response` (see `BandModel`)."""

    widthMm: float
    response: np.ndarray


@dataclass(frozen=True)
class Variant:
    """One way of measuring the same line; `sh`, `thicknessMm`... are NaN unless `fit.status` is ok."""

    voxelAware: bool
    align: bool
    fit: BandFit

    @property
    def sh(self) -> float:
        return self.fit.peak

    @property
    def thicknessMm(self) -> float:
        return self.fit.widthMm

    @property
    def shThkPerMm(self) -> float:
        return self.fit.peak / self.fit.widthMm

    @property
    def areaMm(self) -> float:
        return self.fit.areaMm


@dataclass(frozen=True)
class FittedVariants:
    """:param variants: the one that the settings ask for first.
    :param mean, window, bandCurve, modelCurve: of that one; curves are NaN outside the window.
    :param refit: arguments of `fitManyDoubleSigmoids` that repeat that one's fit.
    """

    variants: tuple[Variant, ...]
    mean: MeanProfile
    window: Window
    bandCurve: np.ndarray
    modelCurve: np.ndarray
    refit: dict


def fitVariants(
    profiles: SampledProfiles, blocks: np.ndarray, blur: VoxelBlur, settings: ProfileSettings, allVariants: bool
) -> FittedVariants:
    """Fit the mean profile as the settings say and, with `allVariants`, in the three other ways too.

    All share one window, so that they differ in nothing but what they are named for.

    :param blocks: label of the piece of contour of each normal (`bootstrap.blockLabels`).
    """
    aligns = (True, False) if allVariants else (settings.align,)
    means = {
        align: meanProfile(profiles.depthMm, profiles.intensity, profiles.hypointensityOf(align), blocks)
        for align in aligns
    }
    mean = means[settings.align]
    window = chooseWindow(mean, settings)
    depthMm = profiles.depthMm[window.slice]
    rows = np.stack([means[align].hypointensity[window.slice] for align in aligns])
    correlationMm = max(blur.widthMm, settings.depthStepMm)
    common = {
        "superficial": window.superficial,
        "noiseSd": _noiseSd(mean, window, correlationMm / settings.depthStepMm),
        "correlationMm": correlationMm,
    }

    def fit(voxelAware: bool) -> tuple[BandFits, dict]:
        width, response = (blur.widthMm, blur.response) if voxelAware else (0.0, NO_RESPONSE)
        arguments = {**common, "voxelWidthMm": width, "response": response}
        return fitManyDoubleSigmoids(depthMm, rows, **arguments), arguments

    fits, arguments = fit(settings.voxelAware)
    chosen = aligns.index(settings.align)
    variants = [Variant(settings.voxelAware, align, singleFit(fits, row)) for row, align in enumerate(aligns)]
    variants.insert(0, variants.pop(chosen))
    if allVariants:
        others, _ = fit(not settings.voxelAware)
        variants += [Variant(not settings.voxelAware, a, singleFit(others, row)) for row, a in enumerate(aligns)]

    return FittedVariants(
        variants=tuple(variants),
        mean=mean,
        window=window,
        bandCurve=_onGrid(profiles.depthMm, window, fits.curve[chosen]),
        modelCurve=_onGrid(profiles.depthMm, window, fits.total[chosen]),
        refit={**arguments, "start": fits.free[chosen]},
    )


def _noiseSd(mean: MeanProfile, window: Window, correlatedDepths: float) -> float:
    """SD of the mean profile, to weigh data against priors; not below what the model itself can be trusted."""
    variance = np.nanmean(mean.hypointensitySe[window.slice] ** 2) * correlatedDepths
    return float(max(np.sqrt(variance), MODEL_ERROR * np.abs(mean.hypointensity[window.slice]).max(), 1e-4))


def _onGrid(depthMm, window, values):
    curve = np.full(len(depthMm), np.nan)
    curve[window.slice] = values
    return curve
