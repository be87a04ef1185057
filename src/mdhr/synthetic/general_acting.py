"""Clips of the general style: toothy smiles, speech, open mouths, independent action units, and varied looks.

The general style resembles real videos more closely than the bench style of :mod:`mdhr.synthetic.clip_simulator`: there
is no artificial defocus, and resting expressions are light.

Letters: F frames, U action units of the renderer (``AUS``), M mouth movements (``MOUTH_MOVEMENTS``).
"""

from dataclasses import fields, replace

import numpy as np

from mdhr.action_units import ActionUnitSet
from mdhr.synthetic.animation import MAX_INTENSITY, FaceAnimation
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.clip_simulator import CLIP_FIELDS, ClipSimulator, simulate_independent_frames, subsample
from mdhr.synthetic.face_units import AUS, MOUTH_MOVEMENTS
from mdhr.synthetic.intensity_curves import GENERAL_CURVES, left_right_intensity, sample_intensity
from mdhr.synthetic.label_tracks import LabelTrackSampler, run_lengths
from mdhr.synthetic.looks import sample_clip_looks, sample_identity_looks
from mdhr.synthetic.scene import sample_clip_scene
from mdhr.synthetic.speech import sample_speech

INDEPENDENT_CLIPS = 0.4
"""Share of the clips whose action units occur independently of each other, each at its published rate."""
SPEAKING_CLIPS = 0.45
DISTRACTOR_RATE = 0.8
ANTAGONISTS = {17: (26,), 23: (25, 26), 24: (25, 26), 25: (23, 24), 26: (17, 23, 24)}

TOOTHY_SMILES, LAUGHS = 0.5, 0.3
"""Share of the smiles that bare the teeth, and of these smiles those that also drop the jaw."""
GRIN, PARTED, LAUGHING_JAW = (0.5, 1.2), (0.35, 0.9), (0.3, 1.0)
"""Ranges of a toothy smile at AU12 of intensity 1: movement ``grin``, AU25, and AU26 of a laugh."""
PARTED_BY = {10: 0.4, 26: 0.6}
"""AU25 per unit of other action units: a raised upper lip and a dropped jaw part the lips."""

RESTING_SHARE, RESTING = 0.3, (0.03, 0.2)
"""Share and range of the action units that are slightly contracted at rest."""

LIP_AUS = (23, 24)

FRAMES_PER_LOOK = 4
"""Number of independent frames with the same looks."""
INDEPENDENT_FPS = 8.0
"""Frame rate that determines how fast occluders and shadows move over independent frames."""
MOUTH_MOVEMENT_RATE = 0.2


class GeneralClipSimulator(ClipSimulator):
    """Simulator of clips of the general style.

    Labels follow what is visible: the lips that a smile or speech parts count as AU25, the jaw that they drop as AU26.
    """

    def __init__(self, au_set: ActionUnitSet) -> None:
        super().__init__(au_set, distractor_rate=DISTRACTOR_RATE)
        statistics = self.tracks.statistics
        self.independent_tracks = LabelTrackSampler(replace(statistics, correlation=np.eye(len(statistics.aus))))

    def simulate(self, *, rng: np.random.Generator, num_frames: int, stride: int) -> FaceAnimation:
        """Return a clip of F frames: every ``stride``-th frame of a simulation at ``fps``."""
        total = num_frames * stride
        tracks = self.independent_tracks if rng.random() < INDEPENDENT_CLIPS else self.tracks
        track = self.sample_track(rng, total, tracks)
        curves = [
            sample_intensity(track[:, u], au=au, rng=rng, fps=self.fps, style=GENERAL_CURVES)
            for u, au in enumerate(AUS)
        ]
        intensity = np.stack(curves, axis=1)  # F U 2
        mouth = np.zeros((total, len(MOUTH_MOVEMENTS)), np.float32)
        bare_teeth(rng, intensity, mouth, smiles=track[:, AUS.index(12)])
        if rng.random() < SPEAKING_CLIPS:
            speech = sample_speech(rng, total, self.fps)
            _raise(intensity, 25, speech.parted)
            _raise(intensity, 26, speech.jaw)
            mouth = np.maximum(mouth, speech.mouth)
        for au, share in PARTED_BY.items():
            _raise(intensity, 25, share * intensity[:, AUS.index(au)].mean(-1))
        self.suppress_distractors(intensity, ANTAGONISTS)
        press_lips(intensity, mouth)
        scene = sample_clip_scene(rng=rng, num_frames=total, fps=self.fps, style="general")
        animation = FaceAnimation(intensity=intensity, resting=np.zeros_like(intensity[0]), mouth=mouth, **scene)
        looks = sample_clip_looks(rng, num_frames=num_frames, fps=self.fps / stride)
        return replace(subsample(stride, animation), looks=looks)

    def resting_intensity(self, identity_seed: int) -> FloatArray:
        """Return the resting intensity ``(U, 2)`` of an identity, too weak to be labeled."""
        rng = np.random.default_rng([identity_seed, 4813])
        mean = (rng.random(len(AUS)) < RESTING_SHARE) * rng.uniform(*RESTING, len(AUS))
        mean[[AUS.index(au) for au in (25, 26)]] = 0
        return left_right_intensity(mean, rng.normal(0, 0.2, len(AUS)))

    def with_identity(self, animation: FaceAnimation, identity_seed: int) -> FaceAnimation:
        """Return the animation with the resting intensity, wrinkles, glasses, and hair of an identity."""
        assert animation.looks is not None
        worn = sample_identity_looks(identity_seed)
        return replace(super().with_identity(animation, identity_seed), looks=replace(animation.looks, worn=worn))


def simulate_independent_clips(*, rng: np.random.Generator, num_frames: int) -> list[FaceAnimation]:
    """Return F independent frames of the general style for pretraining, as clips of ``FRAMES_PER_LOOK`` frames.

    Action units and scenes are those of :func:`simulate_independent_frames`, with mouth movements and looks.
    """
    frames = simulate_independent_frames(rng=rng, num_frames=num_frames)
    shape = (num_frames, len(MOUTH_MOVEMENTS))
    mouth = np.where(rng.random(shape) < MOUTH_MOVEMENT_RATE, rng.random(shape), 0).astype(np.float32)
    press_lips(frames.intensity, mouth)
    frames = replace(frames, mouth=mouth)
    clips = []
    for start in range(0, num_frames, FRAMES_PER_LOOK):
        chosen = slice(start, start + FRAMES_PER_LOOK)
        values = {
            field.name: getattr(frames, field.name)[chosen]
            for field in fields(FaceAnimation)
            if field.name not in CLIP_FIELDS
        }
        looks = sample_clip_looks(rng, num_frames=len(mouth[chosen]), fps=INDEPENDENT_FPS)
        worn = sample_identity_looks(int(rng.integers(2**31)))
        color, seed = rng.uniform(0.1, 0.8, size=3).astype(np.float32), int(rng.integers(2**31))
        clips.append(replace(frames, **values, looks=replace(looks, worn=worn), background=color, background_seed=seed))
    return clips


def press_lips(intensity: FloatArray, mouth: FloatArray) -> None:
    """Suppress mouth movements ``(F, M)`` while AU23 or AU24 closes the lips, also against AU10, in place."""
    pressed = intensity[:, [AUS.index(au) for au in LIP_AUS]].mean(-1).max(-1)
    mouth *= 1 - np.minimum(1, pressed)[:, None]
    mouth[:, list(MOUTH_MOVEMENTS).index("seal")] = np.minimum(pressed, intensity[:, AUS.index(10)].mean(-1))


def bare_teeth(rng: np.random.Generator, intensity: FloatArray, mouth: FloatArray, *, smiles: np.ndarray) -> None:
    """Turn some smiles into toothy ones, in place.

    Args:
        rng: random generator.
        intensity: ``(F, U, 2)``.
        mouth: ``(F, M)``.
        smiles: label track ``(F,)`` of AU12.
    """
    lengths, labels = run_lengths(smiles)
    middles = (np.cumsum(lengths) - lengths / 2)[labels == 1]
    if len(middles) == 0:
        return
    toothy = rng.random(len(middles)) < TOOTHY_SMILES
    laughing = toothy & (rng.random(len(middles)) < LAUGHS)
    nearest = np.abs(np.arange(len(smiles))[:, None] - middles).argmin(1)  # F
    smile = intensity[:, AUS.index(12)].mean(-1)
    grin, parted, jaw = (rng.uniform(*limits, len(middles)) for limits in (GRIN, PARTED, LAUGHING_JAW))
    grinning = (toothy * grin)[nearest] * smile
    mouth[:, list(MOUTH_MOVEMENTS).index("grin")] = np.minimum(grinning, MAX_INTENSITY)
    _raise(intensity, 25, (toothy * parted)[nearest] * smile)
    _raise(intensity, 26, (laughing * jaw)[nearest] * smile)


def _raise(intensity: FloatArray, au: int, mean: FloatArray) -> None:
    """Raise both sides of an action unit to at least ``mean`` ``(F,)``, in place."""
    u = AUS.index(au)
    intensity[:, u] = np.maximum(intensity[:, u], np.minimum(mean, MAX_INTENSITY)[:, None])
