"""Clips of the general style with any action units, short events and blinks, for coded example videos.

Letters: F frames, U action units of the renderer (``AUS``).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mdhr.action_units import BP4D
from mdhr.action_units.facs import ActionUnit, au_number
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.clip_simulator import BLINK_AU, BLINK_LEVEL
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.general_acting import LIP_AUS, GeneralClipSimulator
from mdhr.synthetic.intensity_curves import OCCURRENCE_LEVEL
from mdhr.synthetic.label_tracks import LabelStatistics, LabelTrackSampler
from mdhr.synthetic.temporal_noise import random_pulses

BLINKS_PER_SECOND, BLINK_SECONDS = 0.6, (0.25, 0.7)
RATE, TIME_SCALE, VIDEO_SHARE = (0.15, 0.25), 0.5, 0.3
"""Range of the occurrence rates, longest time scale in seconds, and largest share of the variance between videos.

Within these limits, an action unit varies as in BP4D or DISFA. The limits make every action unit appear in videos of a
few seconds.
"""
MOUTH_OPENING_RATE = 0.05
"""Rate of AU10, AU25 and AU26, to which smiles and speech add."""
CODED_AUS = (*AUS, BLINK_AU)
"""Action units that a rendered face shows."""


class CodedClipSimulator(GeneralClipSimulator):
    """Simulator of clips in which every action unit of the renderer occurs."""

    def __init__(self, *, fps: float) -> None:
        super().__init__(BP4D)
        statistics = coded_statistics(fps)
        self.fps = fps
        self.distractors = [AUS.index(au) for au in LIP_AUS]  # parted lips suppress them
        self.tracks = LabelTrackSampler(statistics)
        self.independent_tracks = LabelTrackSampler(replace(statistics, correlation=np.eye(len(AUS))))

    def simulate(self, *, rng: np.random.Generator, num_frames: int, stride: int = 1) -> FaceAnimation:
        """Return a clip of F frames that blinks more often than the general style."""
        animation = super().simulate(rng=rng, num_frames=num_frames, stride=stride)
        blink = random_pulses(
            rng, num_frames, self.fps, rate=BLINKS_PER_SECOND, strength=(1.0, 1.0), duration=BLINK_SECONDS
        )
        return replace(animation, blink=blink.astype(np.float32))

    def sample_track(self, rng: np.random.Generator, num_frames: int, tracks: LabelTrackSampler) -> np.ndarray:
        """Return labels ``(F, U)``."""
        return tracks.sample(rng=rng, num_frames=num_frames)

    def suppress_distractors(self, intensity: FloatArray, antagonists: Mapping[int, tuple[int, ...]]) -> None:
        """Weaken lip tightener and lip pressor in ``intensity`` ``(F, U, 2)`` where the lips part, in place."""
        super().suppress_distractors(intensity, dict.fromkeys(LIP_AUS, (25, 26)))


def coded_intensity(animation: FaceAnimation, au: ActionUnit) -> FloatArray:
    """Return the intensity ``(F,)`` of an action unit; one with a side has that side's intensity."""
    if au_number(au) == BLINK_AU:
        return animation.blink
    sides = animation.intensity[:, AUS.index(au_number(au))]
    return sides.mean(-1) if isinstance(au, int) else sides[:, "LR".index(au[0])]


def coded_labels(animation: FaceAnimation, au: ActionUnit) -> np.ndarray:
    """Return int8 labels ``(F,)`` of an action unit."""
    level = BLINK_LEVEL if au_number(au) == BLINK_AU else OCCURRENCE_LEVEL
    return (coded_intensity(animation, au) >= level).astype(np.int8)


def coded_statistics(fps: float) -> LabelStatistics:
    """Return the statistics of ``AUS`` in :meth:`LabelStatistics.combined`, within the limits of this module."""
    statistics = LabelStatistics.combined().select(AUS, rate_factor=1)
    rate = np.clip(statistics.rate, *RATE)
    rate[[AUS.index(au) for au in (10, 25, 26)]] = MOUTH_OPENING_RATE
    return replace(
        statistics,
        fps=fps,
        rate=rate,
        on_run_median=statistics.on_run_median * fps / statistics.fps,
        time_scale=np.minimum(statistics.time_scale / statistics.fps, TIME_SCALE) * fps,
        video_share=np.minimum(statistics.video_share, VIDEO_SHARE),
    )
