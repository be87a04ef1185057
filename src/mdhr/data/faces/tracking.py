"""Face tracking: all faces of a video for inference, the main face for preparation.

Memory use is independent of the resolution of the video: nine numbers per frame and track are stored, and no images.
"""

from array import array
from collections.abc import Callable
from contextlib import closing

import numpy as np

from mdhr.data.faces.cropping import FILL
from mdhr.data.faces.detection import Detector
from mdhr.data.faces.face_track import FaceTrack, FaceTracks
from mdhr.data.faces.track_linking import MAX_SIZE_RATIO, FrameLinker, OpenTrack
from mdhr.data.video.frame_source import FrameSource, frame_interval
from mdhr.data.video.prefetch import prefetch
from mdhr.errors import InputError

SMOOTHING = 0.2
"""Standard deviation of the smoothing over time in seconds: longer than the jitter of detectors, shorter than head
movements."""
MAX_GAP = 1.0
"""Seconds without a detection after which a track ends."""
MIN_DURATION = 0.2
"""Seconds. Tracks with detections for less time are false detections."""


def find_tracks(
    source: FrameSource,
    *,
    detector: Detector,
    fill: float = FILL,
    smoothing: float = SMOOTHING,
    progress: Callable[[int], object] = lambda _: None,
) -> FaceTracks:
    """Return the tracks of all faces of a video.

    Args:
        fill: share of the crop's height from brow to chin.
        smoothing: standard deviation of the smoothing over time in seconds.
        progress: called with 1 after every frame.

    Raises ``InputError`` if the source cannot be read.
    """
    times, open_tracks, ended = array("d"), list[OpenTrack](), list[OpenTrack]()
    linker = FrameLinker(detector=detector, fill=fill)
    with closing(prefetch(source.downscaled_frames(detector.longest_side), depth=8)) as frames:
        for index, frame in enumerate(frames):
            times.append(frame.time)
            assigned, unassigned = linker.link(open_tracks, frame)
            for track in open_tracks:
                track.add_frame(frame.time, assigned.get(track))
            ended += [track for track in open_tracks if frame.time - track.last_time > MAX_GAP]
            open_tracks = [track for track in open_tracks if frame.time - track.last_time <= MAX_GAP]
            for detection in unassigned:
                open_tracks.append(OpenTrack(index, detection, frame.time))
                open_tracks[-1].add_frame(frame.time, detection)
            progress(1)
    time = np.array(times)
    interval = frame_interval(time, default=MIN_DURATION)
    min_duration = min(MIN_DURATION, len(time) * interval) - 1e-3  # tolerance for rounded time stamps
    tracks = [track for track in ended + open_tracks if track.num_detections * interval >= min_duration]
    tracks.sort(key=lambda track: (track.first, -track.values[2]))  # values[2] is the crop size in the first frame
    return FaceTracks(time, [_close(track, time, sigma=smoothing / interval) for track in tracks])


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
    sigma = smoothing / frame_interval(found.time, default=1.0)
    return FaceTrack.from_detections(0, found.time, detections, sigma=sigma)


def _close(track: OpenTrack, time: np.ndarray, *, sigma: float) -> FaceTrack:
    frames = slice(track.first, track.first + track.length)
    return FaceTrack.from_detections(track.first, time[frames], track.detections(), sigma=sigma)


def _mean_size(track: FaceTrack) -> float:
    return float(np.nanmean(track.detections[:, 2]))
