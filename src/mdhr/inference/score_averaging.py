"""Frame scores from clip scores: the mean over all clips that contain a frame."""

from collections.abc import Sequence

import numpy as np

from mdhr.data.faces.face_track import FaceTracks
from mdhr.inference.clip_cropping import ClipFrames


class ClipScores:
    """Collected scores of the clips of a video.

    Args:
        num_aus: N.
    """

    def __init__(self, num_aus: int) -> None:
        self._num_aus = num_aus
        self._clips: list[ClipFrames] = []
        self._scores: list[np.ndarray] = []

    def add(self, clips: Sequence[ClipFrames], scores: np.ndarray) -> None:
        """Add the scores ``(B, T, N)`` of B clips."""
        self._clips += clips
        self._scores += list(scores)

    def frame_means(self, faces: FaceTracks) -> list[np.ndarray]:
        """Return the mean scores ``(F, N)`` float32 of each track. Scores of padding are ignored."""
        lengths = {number: len(track.time) for number, track in zip(faces.numbers, faces.tracks, strict=True)}
        sums = {number: np.zeros((length, self._num_aus), np.float32) for number, length in lengths.items()}
        counts = {number: np.zeros((length, 1), np.float32) for number, length in lengths.items()}
        for clip, scores in zip(self._clips, self._scores, strict=True):
            if clip.track in lengths:  # clips of a false detection have no track
                positions = clip.positions[~clip.padding]
                sums[clip.track][positions] += scores[~clip.padding]
                counts[clip.track][positions] += 1
        return [sums[number] / counts[number] for number in faces.numbers]
