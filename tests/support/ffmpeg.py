"""The command ``ffmpeg``: writes test videos and decodes them as reference."""

import re
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

FAST = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def ffmpeg(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True)


def moving_pattern(*, size: str = "64x48", rate: int = 25, seconds: float = 1) -> list[str]:
    """Return the arguments for a moving test pattern as input."""
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]


def write_pattern(path: Path, *options: str, b_frames: int = 2, **pattern: object) -> Path:
    """Write an H.264 video of the test pattern."""
    ffmpeg(*moving_pattern(**pattern), *FAST, "-bf", str(b_frames), *options, path)  # type: ignore[arg-type]
    return path


def reference_frames(
    path: Path, width: int, height: int, *, filters: str = "null", stream: str = "0:v:0"
) -> np.ndarray:
    """Return the frames ``(F, H, W, 3)`` that FFmpeg decodes."""
    output = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    content = ffmpeg("-i", path, "-map", stream, "-vf", filters, *output).stdout
    return np.frombuffer(content, np.uint8).reshape(-1, height, width, 3)


def reference_times(path: Path) -> np.ndarray:
    """Return the times that FFmpeg assigns to the frames of a video, from 0."""
    log = ffmpeg("-i", path, "-map", "0:v:0", "-vf", "showinfo", "-fps_mode", "passthrough", "-f", "null", "-").stderr
    times = np.array([float(time) for time in re.findall(rb"pts_time:([-0-9.]+)", log)])
    return times - times[0]
