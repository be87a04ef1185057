"""Agreement of action unit scores with blendshapes: rank correlation over the frames of a video.

Blendshapes are estimates of another network, not labels. A low correlation does not show which of the two is wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from mdhr.action_units import ActionUnitSet
from mdhr.action_units.facs import ActionUnit, au_column, au_number

MIN_RANGE = 0.05
"""A blendshape with a smaller range (maximum - minimum) over the frames of a video mostly contains noise."""
MIN_FRAMES = 30
"""Frames that a correlation requires, about one second."""

CHANCE_QUANTILE = 0.95
"""Share of shifted score series whose absolute correlation is at most the chance level."""

FEW_FRAMES = f"fewer than {MIN_FRAMES} frames"
UNSIDED = ("browInnerUp", "jawOpen", "mouthRollUpper", "mouthRollLower", "mouthShrugLower")
"""Blendshapes that exist for both sides together only."""
SMALL_RANGE = f"blendshape range below {MIN_RANGE}"
CONSTANT_SCORE = "constant score"
NO_COUNTERPART = "no corresponding blendshape"
REASONS = (NO_COUNTERPART, FEW_FRAMES, SMALL_RANGE, CONSTANT_SCORE)
"""Reasons why an action unit of a video has no correlation, in the order in which they are checked."""


@dataclass(frozen=True)
class Counterpart:
    """Blendshapes that correspond to an action unit.

    Attributes:
        shapes: names without ``Left`` and ``Right``; the mean of both sides counts.
            A shape with a side counts alone. Empty if there is no counterpart.
        combination: ``mean`` or ``max`` over ``shapes``.
        note: why these, and what differs; empty if the correspondence is obvious.
    """

    shapes: tuple[str, ...]
    combination: str = "mean"
    note: str = ""

    def __str__(self) -> str:
        """Return the formula: ``browInnerUp`` or ``max(mouthUpperUp, jawOpen)``."""
        if not self.shapes:
            return "none"
        return self.shapes[0] if len(self.shapes) == 1 else f"{self.combination}({', '.join(self.shapes)})"

    def value(self, blendshapes: Mapping[str, float]) -> float:
        """Return the strength, 0 to 1, in one frame."""
        if not self.shapes:
            return np.nan
        values = [_both_sides(shape, blendshapes) for shape in self.shapes]
        return max(values) if self.combination == "max" else float(np.mean(values))


COUNTERPARTS: dict[ActionUnit, Counterpart] = {
    1: Counterpart(("browInnerUp",)),
    2: Counterpart(("browOuterUp",)),
    4: Counterpart(("browDown",)),
    6: Counterpart(("cheekSquint",), note="MediaPipe's estimate is nearly constant. eyeSquint belongs to AU7"),
    7: Counterpart(("eyeSquint",), note="narrows the eye without closing it, as AU7; eyeBlink is AU45"),
    9: Counterpart(("noseSneer",), note="MediaPipe's estimate is nearly constant"),
    10: Counterpart(("mouthUpperUp",), note="noseSneer also raises the upper lip, but wrinkles the nose as AU9 does"),
    12: Counterpart(("mouthSmile",)),
    14: Counterpart(("mouthDimple",)),
    15: Counterpart(("mouthFrown",)),
    17: Counterpart(("mouthShrugLower",), note="the chin pushes the lower lip up"),
    23: Counterpart(
        ("mouthRollUpper", "mouthRollLower"),
        note="weak: no blendshape tightens the lips. Rolled lips (AU28) are narrower as well; mouthPucker is AU18",
    ),
    24: Counterpart(("mouthPress",)),
    25: Counterpart(
        ("mouthLowerDown", "mouthUpperUp", "jawOpen"), "max", "the lips part if any of the three movements occurs"
    ),
    26: Counterpart(("jawOpen",), note="AU26 and AU27 together"),
    45: Counterpart(("eyeBlink",)),
}
"""Counterparts of two-sided action units."""


def counterpart(au: ActionUnit) -> Counterpart:
    """Return the counterpart of an action unit, for one-sided coding of this side; without shapes if there is none."""
    both = COUNTERPARTS.get(au_number(au), Counterpart(()))
    if isinstance(au, int):
        return both
    side = {"L": "Left", "R": "Right"}[au[0]]
    if not set(both.shapes).isdisjoint(UNSIDED):
        return Counterpart(())
    return replace(both, shapes=tuple(f"{shape}{side}" for shape in both.shapes))


def counterpart_values(frames: Sequence[Mapping[str, float] | None], au_set: ActionUnitSet) -> np.ndarray:
    """Return the strengths ``(F, N)`` of the counterparts, NaN in frames without blendshapes."""
    values = np.full((len(frames), len(au_set.aus)), np.nan)
    for row, blendshapes in zip(values, frames, strict=True):
        if blendshapes is not None:
            row[:] = [counterpart(au).value(blendshapes) for au in au_set.aus]
    return values


def measure_agreement(scores: np.ndarray, values: np.ndarray, au_set: ActionUnitSet) -> pd.DataFrame:
    """Return the rank correlation of each action unit over the frames of one video.

    Columns: ``au``; ``blendshapes``, the formula; ``frames`` in which both estimates exist; ``blendshape_range`` and
    ``score_range`` over these frames, empty without any; ``correlation``, Spearman's, -1 to 1; ``chance``, see
    :func:`chance_level`; ``left_out``, empty or one of :data:`REASONS`, in which case both are empty.

    Args:
        scores: ``(F, N)`` scores of a model, NaN in frames without a face.
        values: ``(F, N)`` from :func:`counterpart_values`.
    """
    rows = []
    for n, au in enumerate(au_set.aus):
        both = np.isfinite(scores[:, n]) & np.isfinite(values[:, n])
        score, value = scores[both, n].astype(float), values[both, n]
        score_range, value_range = (float(np.ptp(each)) if len(each) else np.nan for each in (score, value))
        reasons = (not counterpart(au).shapes, len(score) < MIN_FRAMES, value_range < MIN_RANGE, score_range == 0)
        left_out = next((reason for reason, applies in zip(REASONS, reasons, strict=True) if applies), "")
        rows.append({
            "au": au_column(au),
            "blendshapes": str(counterpart(au)),
            "frames": len(score),
            "blendshape_range": value_range,
            "score_range": score_range,
            "correlation": np.nan if left_out else float(spearmanr(score, value).statistic),
            "chance": np.nan if left_out else chance_level(score, value),
            "left_out": left_out,
        })  # fmt: skip
    return pd.DataFrame(rows)


def chance_level(score: np.ndarray, value: np.ndarray) -> float:
    """Return the absolute rank correlation that unrelated series of the same smoothness rarely exceed, 0 to 1.

    The scores are shifted in time against the blendshapes, with the end continued at the start. A shift by at least a
    tenth of the video removes the relation and keeps the smoothness, so the level is higher for slow movements, for
    which a video contains few independent observations. It is the quantile :data:`CHANCE_QUANTILE` over all these shifts.
    Of simulated unrelated series (noise smoothed by a Gaussian of 6 frames), 3 % of those with 2000 frames
    and 6 % of those with 120 frames have a correlation above it.

    Args:
        score: ``(F,)``, not constant.
        value: ``(F,)``, not constant.
    """
    num_frames = len(score)
    first, second = ((rank - rank.mean()) / rank.std() for rank in (rankdata(score), rankdata(value)))
    by_shift = np.fft.irfft(np.fft.rfft(first).conj() * np.fft.rfft(second), num_frames) / num_frames
    far = by_shift[num_frames // 10 : num_frames - num_frames // 10 + 1]
    return float(np.quantile(abs(far), CHANCE_QUANTILE))


def mean_over_videos(agreement: pd.DataFrame) -> pd.DataFrame:
    """Return one row per action unit: mean correlation over videos, and numbers of videos.

    Columns: ``au``; ``blendshapes``; ``correlation``; ``videos`` with a correlation; ``above chance``, videos whose
    correlation is above the chance level; and videos left out by reason of :data:`REASONS`.

    Args:
        agreement: concatenated tables of :func:`measure_agreement`.
    """
    is_above = agreement["correlation"] > agreement["chance"]
    groups = agreement.assign(is_above=is_above).groupby(["au", "blendshapes"], sort=False)
    table = groups["correlation"].agg(correlation="mean", videos="count")
    table["above chance"] = groups["is_above"].sum()
    for reason in REASONS:
        table[reason] = groups["left_out"].agg(lambda left_out, reason=reason: int((left_out == reason).sum()))
    return table.reset_index()


def _both_sides(shape: str, blendshapes: Mapping[str, float]) -> float:
    if shape in blendshapes:
        return blendshapes[shape]
    return (blendshapes[f"{shape}Left"] + blendshapes[f"{shape}Right"]) / 2
