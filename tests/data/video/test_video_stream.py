"""Selection of the video stream."""

from pathlib import Path

import numpy as np
import pytest

from mdhr.data.video.decoding import count_frames, expected_frames, read_video
from mdhr.errors import InputError
from tests.support.ffmpeg import FAST, ffmpeg, moving_pattern, reference_frames, write_pattern

TWO_STREAMS = [
    *moving_pattern(size="32x24", seconds=0.5),
    *moving_pattern(size="64x48"),
    "-map",
    "0",
    "-map",
    "1",
    *FAST,
]


@pytest.mark.parametrize("suffix", ["m4a", "mp3", "flac"])
def test_cover_art_is_not_a_video(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"song.{suffix}"
    codec = {"m4a": "aac", "mp3": "libmp3lame", "flac": "flac"}[suffix]
    ffmpeg(
        "-f", "lavfi", "-i", "sine=duration=1", *moving_pattern(), "-map", "0", "-map", "1", "-frames:v", "1",
        "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-disposition:v", "attached_pic", "-c:a", codec, path,
    )  # fmt: skip
    with pytest.raises(InputError, match=rf"song\.{suffix} contains no video stream"):
        list(read_video(path))
    with pytest.raises(InputError, match="contains no video stream"):
        count_frames(path)
    assert expected_frames(path) == 0


def test_the_largest_stream_is_read(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    ffmpeg(*TWO_STREAMS, "-disposition:v", "0", path)
    frames = np.stack([frame for _, frame in read_video(path)])
    assert (frames == reference_frames(path, 64, 48, stream="0:v:1")).all()
    assert len(frames) == count_frames(path) == expected_frames(path) == 25


def test_the_default_stream_is_preferred(tmp_path: Path) -> None:
    path = tmp_path / "default.mkv"
    ffmpeg(*TWO_STREAMS, "-disposition:v:0", "default", "-disposition:v:1", "0", path)
    frames = np.stack([frame for _, frame in read_video(path)])
    assert (frames == reference_frames(path, 32, 24)).all()
    assert len(frames) == count_frames(path)


def test_frames_outside_of_the_edit_list_are_not_counted(tmp_path: Path) -> None:
    ffmpeg("-ss", "0.5", "-i", write_pattern(tmp_path / "a.mp4"), "-c", "copy", tmp_path / "trimmed.mp4")
    assert count_frames(tmp_path / "trimmed.mp4") == len(list(read_video(tmp_path / "trimmed.mp4"))) < 15
