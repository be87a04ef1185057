"""Simulation of face animations: clips with realistic label tracks, and independent frames for pretraining.

Letters: F frames, N labeled action units, U action units of the renderer (``AUS``).
"""

from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.action_units.facs import au_column
from mdhr.errors import InputError
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.intensity_curves import left_right_intensity, occurrence, sample_intensity
from mdhr.synthetic.label_tracks import LabelStatistics, LabelTrackSampler
from mdhr.synthetic.scene import sample_clip_scene, sample_independent_scenes

RESTING = (0.25, 0.85)
"""Range of resting intensities, mostly above ``OCCURRENCE_LEVEL``."""
RESTING_ASYMMETRY = 0.08
MOUTH_OPENING_AUS = (25, 26)
BLINK_AU, BLINK_LEVEL = 45, 0.5
"""Action unit of the blinks of a clip, and the lowest eyelid closure that counts as occurrence."""

DISTRACTOR_RATE = 0.4
"""Occurrence rate of an unlabeled action unit, relative to the real data set that labels it."""
ANTAGONISTS = {23: (25, 26), 24: (25, 26), 25: (23, 24), 26: (23, 24)}
"""Pressed and parted lips exclude each other: an unlabeled action unit is suppressed by its labeled antagonists."""

CLIP_FIELDS = ("resting", "background", "background_seed", "looks")
"""Fields of :class:`FaceAnimation` without a frame axis."""


class ClipSimulator:
    """Simulator of clips with the label statistics of an action unit set.

    Sets other than those of BP4D and DISFA have the statistics of :meth:`LabelStatistics.combined`. Labels of AU45
    follow the blinks, which every clip contains. Some action units outside the set occur at a lower rate as
    distractors, because the faces of real data sets also show action units that are not labeled.

    Raises ``InputError`` if the renderer lacks an action unit of the set.
    """

    def __init__(self, au_set: ActionUnitSet, *, distractor_rate: float = DISTRACTOR_RATE) -> None:
        check_rendered(au_set)
        rendered = tuple(au for au in au_set.aus if isinstance(au, int) and au in AUS)
        self.labeled = [AUS.index(au) for au in rendered]
        self.label_columns = [len(AUS) if au == BLINK_AU else AUS.index(au) for au in au_set.aus]  # type: ignore[arg-type]
        statistics, other = _statistics(au_set, rendered)
        unlabeled = tuple(au for au in other.aus if au not in au_set.aus)
        self.fps = statistics.fps
        self.distractors = [AUS.index(au) for au in unlabeled]
        self.tracks = LabelTrackSampler(statistics)
        self.distractor_tracks = LabelTrackSampler(other.select(unlabeled, rate_factor=distractor_rate))

    def simulate(self, *, rng: np.random.Generator, num_frames: int, stride: int) -> FaceAnimation:
        """Return a clip of F frames: every ``stride``-th frame of a simulation at ``fps``."""
        total = num_frames * stride
        track = self.sample_track(rng, total, self.tracks)
        curves = [sample_intensity(track[:, u], au=au, rng=rng, fps=self.fps) for u, au in enumerate(AUS)]
        intensity = np.stack(curves, axis=1)  # F U 2
        self.suppress_distractors(intensity, ANTAGONISTS)
        scene = sample_clip_scene(rng=rng, num_frames=total, fps=self.fps)
        return subsample(stride, FaceAnimation(intensity=intensity, resting=np.zeros_like(intensity[0]), **scene))

    def sample_track(self, rng: np.random.Generator, num_frames: int, tracks: LabelTrackSampler) -> np.ndarray:
        """Return labels ``(F, U)``: the labeled action units from ``tracks``, and the distractors."""
        track = np.zeros((num_frames, len(AUS)), np.int8)
        track[:, self.labeled] = tracks.sample(rng=rng, num_frames=num_frames)
        track[:, self.distractors] = self.distractor_tracks.sample(rng=rng, num_frames=num_frames)
        return track

    def suppress_distractors(self, intensity: FloatArray, antagonists: Mapping[int, tuple[int, ...]]) -> None:
        """Weaken the distractors in ``intensity`` ``(F, U, 2)`` where their antagonists are active, in place."""
        for u in self.distractors:
            for antagonist in antagonists.get(AUS[u], ()):
                intensity[:, u] *= 1 - np.minimum(1, intensity[:, AUS.index(antagonist)].mean(-1, keepdims=True))

    def with_identity(self, animation: FaceAnimation, identity_seed: int) -> FaceAnimation:
        """Return the animation with the resting intensity of an identity."""
        return replace(animation, resting=self.resting_intensity(identity_seed))

    def resting_intensity(self, identity_seed: int) -> FloatArray:
        """Return the resting intensity ``(U, 2)`` of an identity, equal in all its videos.

        About half of the labeled action units rest at a visible intensity, correlated like the labels, so a face can
        look as if they occurred. Only their lack of movement distinguishes them. The mouth is closed at rest.
        """
        rng = np.random.default_rng([identity_seed, 4813])  # independent of the generator of the face shape
        intensity = np.zeros(len(AUS))
        intensity[self.labeled] = self.tracks.sample_latent(rng) > 0
        intensity *= rng.uniform(*RESTING, len(AUS))
        intensity[[AUS.index(au) for au in MOUTH_OPENING_AUS]] = 0
        return left_right_intensity(intensity, RESTING_ASYMMETRY * rng.normal(size=len(AUS)))

    def labels(self, animation: FaceAnimation) -> np.ndarray:
        """Return int8 labels ``(F, N)`` of the labeled action units."""
        blinks = (animation.blink >= BLINK_LEVEL).astype(np.int8)
        return np.column_stack([occurrence(animation.intensity), blinks])[:, self.label_columns]


def check_rendered(au_set: ActionUnitSet) -> None:
    """Raise ``InputError`` if the renderer lacks an action unit of the set."""
    missing = [au_column(au) for au in au_set.aus if au not in (*AUS, BLINK_AU)]
    if missing:
        raise InputError(
            f"{', '.join(missing)} of {au_set.name} cannot be rendered: expected action units of "
            f"{', '.join(map(str, AUS))} and {BLINK_AU}. Change data.au_set."
        )


def _statistics(au_set: ActionUnitSet, rendered: tuple[int, ...]) -> tuple[LabelStatistics, LabelStatistics]:
    """Return the statistics of the labeled action units, and those from which distractors are selected."""
    if au_set in (BP4D, DISFA):
        return LabelStatistics.load(au_set.name), LabelStatistics.load("DISFA" if au_set == BP4D else "BP4D")
    combined = LabelStatistics.combined()
    return combined.select(rendered, rate_factor=1), combined


def simulate_independent_frames(*, rng: np.random.Generator, num_frames: int) -> FaceAnimation:
    """Return F independent frames for pretraining.

    In each frame, every action unit is active with probability 0.35 at an intensity of 0.1 to 1.3, otherwise its
    intensity is below 0.15. Pose, light, blur, and noise vary more than in clips.
    """
    active = rng.random((num_frames, len(AUS))) < 0.35
    residue = np.clip(rng.normal(-0.05, 0.08, active.shape), 0, 0.15)
    mean = np.where(active, rng.uniform(0.1, 1.3, active.shape), residue)
    asymmetry = np.where(rng.random(active.shape) < 0.25, rng.normal(0, 0.25, active.shape), 0)  # F U
    scenes = sample_independent_scenes(rng=rng, num_frames=num_frames)
    intensity = left_right_intensity(mean, asymmetry)
    return FaceAnimation(intensity=intensity, resting=np.zeros_like(intensity[0]), **scenes)


def subsample(stride: int, animation: FaceAnimation) -> FaceAnimation:
    """Return every ``stride``-th frame of an animation."""
    values = {field.name: getattr(animation, field.name) for field in fields(FaceAnimation)}
    frame_values = {
        name: value[::stride] for name, value in values.items() if name not in CLIP_FIELDS and value is not None
    }
    return FaceAnimation(**{**values, **frame_values})
