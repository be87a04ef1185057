"""Face tracks: the position of a face in consecutive frames of a video."""

from dataclasses import dataclass

import numpy as np

from mdhr.data.faces.cropping import fill_gaps, smooth_boxes


@dataclass(frozen=True)
class FaceTrack:
    """Track of one face over F consecutive frames of a video."""

    first: int
    """Index of the first frame of the track in the video."""
    time: np.ndarray
    """``(F,)`` time stamps in seconds."""
    detections: np.ndarray
    """``(F, 9)`` detections as in :attr:`~mdhr.data.faces.upright_detection.FaceDetection.values`, before smoothing.
    Rows are NaN where the face was not detected."""
    crop: np.ndarray
    """``(F, 4)`` smoothed crop boxes: center x, center y and size in source pixels, roll in degrees. A frame without a
    detection has the box of the nearest frame with one."""
    box: np.ndarray
    """``(F, 4)`` smoothed face boxes, filled in like ``crop``: x and y of the upper left corner, width, height."""

    @classmethod
    def from_detections(cls, first: int, time: np.ndarray, detections: np.ndarray, *, sigma: float) -> "FaceTrack":
        """Return the track of ``(F, 9)`` detections, smoothed by a Gaussian of ``sigma`` frames.

        At least one row must not be NaN.
        """
        boxes = smooth_boxes(fill_gaps(detections[:, :8]), sigma=sigma)
        return cls(first, time, detections, crop=boxes[:, :4], box=boxes[:, 4:])

    @property
    def face_found(self) -> np.ndarray:
        """``(F,)`` boolean: whether the face was detected in the frame."""
        return ~np.isnan(self.detections[:, 0])

    @property
    def confidence(self) -> np.ndarray:
        """``(F,)`` detector confidence, 0 to 1; NaN without a detection or if the detector reports none."""
        return self.detections[:, 8]

    @property
    def end(self) -> int:
        """Index in the video of the frame after the last one of the track."""
        return self.first + len(self.time)


@dataclass(frozen=True)
class FaceTracks:
    """All face tracks of a video of F frames."""

    time: np.ndarray
    """``(F,)`` time stamps in seconds."""
    tracks: list[FaceTrack]
    """Tracks in the order of their first frame, larger faces first; empty if no face was detected."""
    numbers: list[int]
    """Number of each track in the order in which the tracker found them, false detections included."""
