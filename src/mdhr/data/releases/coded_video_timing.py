"""Number of frames and frame rate of a video."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mdhr.data.video.decoding import frame_interval_of
from mdhr.data.video.image_folder import DEFAULT_FPS
from mdhr.data.video.video_stream import open_video, read_packets
from mdhr.errors import InputError

_RATES = np.array([10, 12, 12.5, 15, 24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 100, 120])
_MAX_DRIFT = 1.5
"""Frames by which the time of a frame may differ from its number divided by the frame rate."""


@dataclass(frozen=True)
class VideoTiming:
    """Timing of a video file.

    Attributes:
        num_frames: number of frames.
        fps: mean frame rate.
        drift: largest difference of a frame's time from its number divided by the frame rate, in frames.
    """

    num_frames: int
    fps: float
    drift: float

    @property
    def is_variable(self) -> bool:
        """Whether the frame rate varies so much that frame numbers and times do not correspond."""
        return self.drift > _MAX_DRIFT


def video_timing(path: Path) -> VideoTiming:
    """Return the timing of a video file, from its time stamps, without decoding.

    Raises ``InputError`` if the file cannot be read, is not a video, or contains no frame.
    """
    with open_video(path) as (container, stream):
        packets = [packet for packet in read_packets(container, stream) if packet.size > 0 and not packet.is_discard]
        base = float(stream.time_base or 0)
        stamps = [packet.pts if packet.pts is not None else packet.dts for packet in packets]
    if not packets:
        raise InputError(f"video {path} contains no frame. Copy it again.")
    times = np.sort(np.array([stamp for stamp in stamps if stamp is not None], np.float64)) * base
    if len(times) < len(packets) or len(times) < 2 or times[-1] <= times[0]:
        return VideoTiming(len(packets), 1 / (frame_interval_of(path) or 1 / DEFAULT_FPS), 0.0)
    times -= times[0]
    fps = _snapped((len(times) - 1) / times[-1], duration=times[-1])
    return VideoTiming(len(times), fps, float(np.abs(times * fps - np.arange(len(times))).max()))


def _snapped(fps: float, *, duration: float) -> float:
    """Return the usual frame rate that differs by less than a tenth of a frame at the end, or else ``fps``."""
    nearest = float(_RATES[np.argmin(np.abs(_RATES - fps))])
    return nearest if abs(nearest - fps) * duration < 0.1 else fps
