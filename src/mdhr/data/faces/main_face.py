"""Main face of a video, for data preparation: one track over all frames."""

from collections.abc import Callable, Iterator

import numpy as np

from mdhr.data.faces.cropping import FILL, crop_face
from mdhr.data.faces.detection import Detector
from mdhr.data.faces.face_track import FaceTrack, FaceTracks
from mdhr.data.faces.track_linking import MAX_SIZE_RATIO
from mdhr.data.faces.tracking import SMOOTHING, find_tracks
from mdhr.data.video.frame import median_interval
from mdhr.data.video.frame_source import FrameSource
from mdhr.errors import InputError


def track_main_face(
    source: FrameSource,
    *,
    detector: Detector,
    fill: float = FILL,
    smoothing: float = SMOOTHING,
    progress: Callable[[int], object] = lambda _: None,
) -> FaceTrack:
    """Return the main face of a video as one track over all frames; see :func:`find_tracks` and :func:`main_track`.

    Raises ``InputError`` if the source cannot be read or no face is found.
    """
    found = find_tracks(source, detector=detector, fill=fill, smoothing=smoothing, progress=progress)
    if not found.tracks:
        raise InputError(
            f"{source.name}: no face found in any of the {len(found.time)} frames. Check that the video shows a face, "
            "or choose another detector (data/detector=mediapipe)."
        )
    return main_track(found, smoothing=smoothing)


def main_track(found: FaceTracks, *, smoothing: float = SMOOTHING) -> FaceTrack:
    """Return one track over all frames of a video with at least one face track.

    The main track is the one with the most detections; if several have as many, the one with the largest face. A face
    that returns after more than ``MAX_GAP`` seconds has a new track. Therefore the frames before and after the main
    track use further tracks in the same order, if they overlap none in use and the mean face size differs by a factor
    of at most ``MAX_SIZE_RATIO``. In the remaining frames the face counts as not detected: they have the box of the
    nearest frame with a detection.
    """
    ranked = sorted(found.tracks, key=lambda track: (-track.face_found.sum(), -_mean_size(track)))
    detections = np.full((len(found.time), ranked[0].detections.shape[1]), np.nan)
    covered = np.zeros(len(found.time), dtype=bool)
    for track in ranked:
        frames = slice(track.first, track.end)
        ratio = _mean_size(track) / _mean_size(ranked[0])
        if not covered[frames].any() and 1 / MAX_SIZE_RATIO <= ratio <= MAX_SIZE_RATIO:
            detections[frames] = track.detections
            covered[frames] = True
    sigma = smoothing / median_interval(found.time, default=1.0)
    return FaceTrack.from_detections(0, found.time, detections, sigma=sigma)


def crop_track(source: FrameSource, track: FaceTrack, *, size: int) -> Iterator[np.ndarray]:
    """Yield the crops ``(size, size, 3)`` uint8 RGB of a track that covers all frames of its video."""
    for frame, box in zip(source.frames(), track.crop, strict=True):
        yield crop_face(frame.rgb(), box, size)


def _mean_size(track: FaceTrack) -> float:
    return float(np.nanmean(track.detections[:, 2]))
