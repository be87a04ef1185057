"""Frame scores from clip scores: the mean over all clips that contain a frame."""

from collections.abc import Sequence

import numpy as np

from mdhr.data.faces.face_track import FaceTracks
from mdhr.inference.clip_cropping import ClipFrames


class FrameScores:
    """Accumulator of the scores of all frames of all tracks.

    Args:
        faces: tracks of the video.
        num_aus: N.
    """

    def __init__(self, faces: FaceTracks, num_aus: int) -> None:
        lengths = [len(track.time) for track in faces.tracks]
        self._sums = [np.zeros((length, num_aus), np.float32) for length in lengths]
        self._counts = [np.zeros((length, 1), np.float32) for length in lengths]

    def add(self, clips: Sequence[ClipFrames], scores: np.ndarray) -> None:
        """Add the scores ``(B, T, N)`` of B clips; scores of padding are ignored."""
        for clip, clip_scores in zip(clips, scores, strict=True):
            positions = clip.positions[~clip.padding]
            self._sums[clip.track][positions] += clip_scores[~clip.padding]
            self._counts[clip.track][positions] += 1

    def means(self) -> list[np.ndarray]:
        """Return the mean scores ``(F, N)`` float32 of each track."""
        return [total / count for total, count in zip(self._sums, self._counts, strict=True)]
