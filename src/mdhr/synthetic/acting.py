"""From which action units occur to how a face performs them.

A run of a label track becomes an event: the unit rises within 4 to 12 frames at 25 fps, wavers around the apex of that
event and falls again, more on one side of the face than on the other. The rise begins before the unit counts as
occurring and the fall ends after it, as with real coders, who mark what they can see. Between events there are
twitches too weak to count.

Letters: F frames, N labeled action units, U units of the renderer (``AUS``).
"""

from dataclasses import fields

import numpy as np

from mdhr.action_units import ActionUnitSet
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.label_tracks import LabelStatistics, LabelTracks, run_lengths
from mdhr.synthetic.performance import MAX_INTENSITY, Floats, Performance
from mdhr.synthetic.scene import clip_scene, independent_scene, pulses, smooth_noise

OCCURRENCE_LEVEL = 0.3
"""An action unit occurs (label 1) in exactly the frames where the mean intensity of its two sides is at least this."""

APEX = (0.45, 1.2)
WEAK_AUS = (6, 9, 14)
"""Units that move little skin: they act a quarter stronger, up to ``MAX_INTENSITY``."""
WEAK_GAIN = 1.25
EDGE_SECONDS = (0.16, 0.48)
"""Onset and offset from nothing to apex: 4 to 12 frames at 25 fps."""
WAVER, WAVER_SECONDS = 0.4, 0.25
"""Nobody holds an expression still: how far, and how fast, it strays from its apex."""
LOPSIDED = 0.12
"""Standard deviation, between events, of the share by which the left side is stronger than the mean of both."""

# too weak to count
TWITCHES_A_SECOND = 0.15
TWITCH = (0.08, 0.25)
TWITCH_SECONDS = (0.3, 0.8)

RESTING = (0.25, 0.85)
"""Between which limits a unit keeps contracted in a face that rests so: mostly above ``OCCURRENCE_LEVEL``."""
RESTING_LOPSIDED = 0.08
MOUTH_OPEN = (25, 26)

DISTRACTOR_RATE = 0.4
"""How often a unit outside the labeled set occurs, relative to the real data set that codes it."""
ANTAGONISTS = {23: (25, 26), 24: (25, 26), 25: (23, 24), 26: (23, 24)}
"""Lips cannot be pressed and open: an unlabeled unit yields to a labeled one."""

OF_CLIP = ("resting", "background", "background_seed")
"""Fields of a performance that no frame has for itself."""


class Actor:
    """Performs clips with the label statistics of an action unit set.

    Units of the renderer that the set does not label occur too, now and then, as distractors: mouths open, noses
    wrinkle in every data set, coded or not.
    """

    def __init__(self, au_set: ActionUnitSet) -> None:
        self.labeled = [AUS.index(au) for au in au_set.aus]
        statistics = LabelStatistics.of(au_set.name)
        other = LabelStatistics.of("DISFA" if au_set.name == "BP4D" else "BP4D")
        spare = tuple(au for au in other.aus if au not in au_set.aus)
        self.fps = statistics.fps
        self.distractors = [AUS.index(au) for au in spare]
        self.tracks = LabelTracks(statistics)
        self.distractor_tracks = LabelTracks(other.only(spare, rate_factor=DISTRACTOR_RATE))

    def perform(self, *, rng: np.random.Generator, num_frames: int, stride: int) -> Performance:
        """F frames of a new clip, of which every ``stride``-th of the process at ``fps`` is kept."""
        whole = num_frames * stride
        track = np.zeros((whole, len(AUS)), np.int8)  # F U
        track[:, self.labeled] = self.tracks.draw(rng=rng, num_frames=whole)
        track[:, self.distractors] = self.distractor_tracks.draw(rng=rng, num_frames=whole)
        intensity = np.stack([act(track[:, u], au=au, rng=rng, fps=self.fps) for u, au in enumerate(AUS)], axis=1)
        for u in self.distractors:
            for rival in ANTAGONISTS.get(AUS[u], ()):
                intensity[:, u] *= 1 - np.minimum(1, intensity[:, AUS.index(rival)].mean(-1, keepdims=True))
        scene = clip_scene(rng=rng, num_frames=whole, fps=self.fps)
        return every(stride, Performance(intensity=intensity, resting=np.zeros_like(intensity[0]), **scene))

    def resting(self, identity_seed: int) -> Floats:
        """``(U, 2)`` what the face of a seed keeps at rest, the same in every video.

        Faces rest in something like a weak expression (a frown, a smile, raised brows), so half of the labeled units,
        those that go together as they do in labels, look as if they occurred. Only that they never move says that they
        do not. Lips rest closed.
        """
        rng = np.random.default_rng([identity_seed, 4813])  # apart from the one that shapes the face
        strength = np.zeros(len(AUS))
        strength[self.labeled] = self.tracks.moment(rng) > 0
        strength *= rng.uniform(*RESTING, len(AUS))
        strength[[AUS.index(au) for au in MOUTH_OPEN]] = 0
        return two_sided(strength, RESTING_LOPSIDED * rng.normal(size=len(AUS)))

    def labels(self, performance: Performance) -> np.ndarray:
        """``(F, N)`` int8 occurrence of the labeled units."""
        return occurrence(performance.intensity)[:, self.labeled]


def occurrence(intensity: Floats) -> np.ndarray:
    """``(F, U, 2)`` intensity -> ``(F, U)`` int8 labels, see ``OCCURRENCE_LEVEL``."""
    return (intensity.mean(-1) >= OCCURRENCE_LEVEL).astype(np.int8)


def act(track: np.ndarray, *, au: int, rng: np.random.Generator, fps: float) -> Floats:
    """``(F, 2)`` intensity of the two sides whose occurrence is exactly the ``(F,)`` track."""
    num_frames = len(track)
    gain = WEAK_GAIN if au in WEAK_AUS else 1.0
    both = pulses(rng, num_frames, fps, a_second=TWITCHES_A_SECOND, strength=TWITCH, seconds=TWITCH_SECONDS)
    lopsided = np.full(num_frames, LOPSIDED * rng.normal())
    lengths, labels = run_lengths(track)
    ends = np.cumsum(lengths)
    for start, end in zip((ends - lengths)[labels == 1], ends[labels == 1], strict=True):
        event = _event(rng, num_frames, start=start, end=end, apex=gain * rng.uniform(*APEX), fps=fps)
        lopsided = np.where(event > both, LOPSIDED * rng.normal(), lopsided)
        both = np.maximum(both, event)
    return two_sided(np.minimum(both, MAX_INTENSITY), lopsided)


def random_frame_performance(*, rng: np.random.Generator, num_frames: int) -> Performance:
    """Frames that have nothing to do with each other, to pretrain a backbone on.

    In every frame each unit occurs with probability 0.35 at an intensity from 0.1 to 1.3, else it keeps a residue
    below 0.15; pose, light, blur and noise vary more widely than in the data set.
    """
    active = rng.random((num_frames, len(AUS))) < 0.35
    residue = np.clip(rng.normal(-0.05, 0.08, active.shape), 0, 0.15)
    both = np.where(active, rng.uniform(0.1, 1.3, active.shape), residue)
    lopsided = np.where(rng.random(active.shape) < 0.25, rng.normal(0, 0.25, active.shape), 0)  # F U
    scene = independent_scene(rng=rng, num_frames=num_frames)
    intensity = two_sided(both, lopsided)
    return Performance(intensity=intensity, resting=np.zeros_like(intensity[0]), **scene)


def two_sided(both: np.ndarray, lopsided: np.ndarray) -> Floats:
    """Intensity of the left and the right side whose mean is ``both``, ``lopsided`` in -1 to 1 favors the left.

    Sides never leave 0 to ``MAX_INTENSITY``; where one would, both give way so that their mean is kept.
    """
    difference = np.clip(lopsided, -1, 1) * both
    difference = np.clip(difference, both - MAX_INTENSITY, MAX_INTENSITY - both)
    return np.stack([both + difference, both - difference], axis=-1).astype(np.float32)


def every(stride: int, performance: Performance) -> Performance:
    """Every ``stride``-th frame of a performance."""
    values = {field.name: getattr(performance, field.name) for field in fields(Performance)}
    of_frames = {name: value[::stride] for name, value in values.items() if name not in OF_CLIP}
    return Performance(**{**values, **of_frames})


def _event(rng: np.random.Generator, num_frames: int, *, start: int, end: int, apex: float, fps: float) -> np.ndarray:
    """``(F,)`` intensity of one event, at least ``OCCURRENCE_LEVEL`` in exactly the frames ``start`` to ``end - 1``.

    What occurs in the first frame of a video may have begun long before, likewise at the end.
    """
    begins = start - 0.5 if start > 0 else -0.5 - rng.uniform(0, fps)
    stops = end - 0.5 if end < num_frames else end - 0.5 + rng.uniform(0, fps)
    onset, offset = fps * rng.uniform(*EDGE_SECONDS, size=2)
    frame = np.arange(num_frames)
    course = apex * np.minimum(_edge(frame - begins, onset, apex), _edge(stops - frame, offset, apex))
    waver = np.clip(1 + WAVER * smooth_noise(rng, num_frames, WAVER_SECONDS * fps), 0.5, 1.5)
    above = course - OCCURRENCE_LEVEL
    return OCCURRENCE_LEVEL + above * np.where(above > 0, waver, 1)


def _edge(since: np.ndarray, duration: float, apex: float) -> np.ndarray:
    """Rise from 0 to 1 within ``duration`` frames, so placed that it passes the level of occurrence at ``since`` 0."""
    grid = np.linspace(0, 1, 101)
    passes = np.interp(OCCURRENCE_LEVEL / apex, _smooth_step(grid), grid)
    return _smooth_step(np.clip(since / duration + passes, 0, 1))


def _smooth_step(x: np.ndarray) -> np.ndarray:
    return x * x * (3 - 2 * x)
