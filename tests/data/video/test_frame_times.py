"""Times of frames: AVI, variable rates, trims, offsets, appended recordings, and files without usable time stamps."""

from pathlib import Path

import numpy as np
import pytest

from mdhr.data.video import decoding
from mdhr.data.video.decoding import expected_frames, frame_interval_of, read_video
from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame_source import VideoFile
from mdhr.errors import InputError
from tests.support.ffmpeg import FAST, ffmpeg, moving_pattern, reference_frames, reference_times, write_pattern


def times_of(path: Path, *, fps: float | None = None) -> tuple[np.ndarray, list[str]]:
    """Return the times of all frames and the notes about the file."""
    source = VideoFile(path, fps=fps)
    times = np.array([frame.time for frame in source.frames()])
    assert times[0] == 0
    assert (np.diff(times) > 0).all()
    return times, source.notes


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 frames of 40 ms with B-frames."""
    return write_pattern(tmp_path_factory.mktemp("video") / "pattern.mp4")


@pytest.fixture(scope="module")
def paused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 30 frames/s, a pause of 8 s, and two seconds more."""
    path = tmp_path_factory.mktemp("video") / "paused.mp4"
    pause = "select='lt(t,2)+gt(t,10.05)'"
    ffmpeg(*moving_pattern(rate=30, seconds=12), "-vf", pause, "-fps_mode", "vfr", *FAST, path)
    return path


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_avi_with_b_frames_has_the_rate_of_the_file(tmp_path: Path, copied: bool, codec: str) -> None:
    video = tmp_path / "b.avi"
    options = ["-c:v", codec, "-bf", "2", "-pix_fmt", "yuv420p"]
    if copied:  # as a copy, the header specifies 600 frames/s
        ffmpeg(*moving_pattern(), *options, tmp_path / "a.mp4")
        ffmpeg("-i", tmp_path / "a.mp4", "-c", "copy", video)
    else:
        ffmpeg(*moving_pattern(), *options, video)
    times, notes = times_of(video)
    np.testing.assert_allclose(times, np.arange(25) / 25, atol=1e-6)
    np.testing.assert_allclose(times, reference_times(video)[:25], atol=1e-5)
    assert notes == []
    assert expected_frames(video) == 25
    assert frame_interval_of(video) == pytest.approx(0.04)
    frames = np.stack([frame for _, frame in read_video(video)])
    assert (frames == reference_frames(video, 64, 48)).all()


def test_frames_are_not_closer_than_the_given_rate_after_a_pause(paused: Path) -> None:
    times, notes = times_of(paused, fps=5)
    spacing = np.diff(times)
    assert spacing.min() >= 0.2 - 1e-6
    assert (spacing > 0.3).sum() == 1, "no frames are added in the pause"
    assert len(times) == 20
    assert notes == []
    every, _ = times_of(paused)
    np.testing.assert_allclose(every, reference_times(paused), atol=1e-5)
    assert set(times) <= set(every)
    assert frame_interval_of(paused) == pytest.approx(1 / 30, abs=1e-4)
    assert frame_interval_of(paused, fps=5) == 0.2


def test_an_uneven_rate_keeps_frames_apart(tmp_path: Path) -> None:
    jitter = "setpts='(N+0.45*sin(N*N))/30/TB'"
    video = tmp_path / "uneven.mkv"
    ffmpeg(*moving_pattern(rate=30, seconds=4), "-vf", jitter, "-fps_mode", "vfr", *FAST, video)
    times, _ = times_of(video, fps=5)
    assert np.diff(times).min() > 0.2 - 1 / 30 - 1e-3
    assert 17 <= len(times) <= 21


@pytest.mark.parametrize("suffix", ["avi", "flv", "mkv", "mov", "mp4", "ts", "wmv"])
@pytest.mark.parametrize("trim", [("-ss", "0.3"), ("-ss", "0.32", "-t", "0.4"), ("-itsoffset", "5")])
def test_trims_and_offsets_are_not_suspicious(
    pattern: Path, tmp_path: Path, suffix: str, trim: tuple[str, ...]
) -> None:
    video = tmp_path / f"trimmed.{suffix}"
    codec = ("-c:v", "wmv2") if suffix == "wmv" else ("-c", "copy")
    ffmpeg(*trim, "-i", pattern, *codec, video)
    times, notes = times_of(video)
    assert notes == []
    np.testing.assert_allclose(times, reference_times(video), atol=2e-3)
    if video.suffix != ".avi":  # which repeats the first frame until the second one
        assert abs(expected_frames(video) - len(times)) <= 4


def test_a_variable_rate_in_matroska_is_not_suspicious(paused: Path, tmp_path: Path) -> None:
    ffmpeg("-i", paused, "-c", "copy", tmp_path / "paused.mkv")
    times, notes = times_of(tmp_path / "paused.mkv")
    assert notes == []
    assert abs(expected_frames(tmp_path / "paused.mkv") - len(times)) <= 2


@pytest.mark.parametrize("suffix", ["mkv", "avi", "flv"])
def test_sound_that_is_longer_than_the_video_is_not_suspicious(pattern: Path, tmp_path: Path, suffix: str) -> None:
    video = tmp_path / f"sound.{suffix}"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=4", "-i", pattern, "-c:v", "copy", "-c:a", "libmp3lame", video)
    assert times_of(video)[1] == []


@pytest.mark.parametrize("suffix", ["mkv", "webm", "avi", "flv"])
def test_a_truncated_file_is_reported(tmp_path: Path, suffix: str) -> None:
    codec = ("-c:v", "libvpx", "-deadline", "realtime") if suffix == "webm" else ("-c:v", "mpeg4")
    if suffix == "flv":
        codec = ("-c:v", "flv")
    video = tmp_path / f"a.{suffix}"
    ffmpeg(*moving_pattern(seconds=4), *codec, "-g", "5", video)
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    times, notes = times_of(video)
    assert 20 < len(times) < 80
    assert len(notes) == 1
    assert notes[0].endswith("s, the file may be incomplete")


def test_appended_recordings_continue(tmp_path: Path) -> None:
    recording = write_pattern(tmp_path / "a.ts")
    video = tmp_path / "appended.ts"
    video.write_bytes(recording.read_bytes() * 3)
    times, notes = times_of(video)
    np.testing.assert_allclose(times, np.arange(75) / 25, atol=1e-6)
    assert notes == ["its time stamps start again, as in recordings appended to each other; they are joined"]
    later = write_pattern(tmp_path / "b.ts", "-output_ts_offset", "5000")
    video.write_bytes(recording.read_bytes() + later.read_bytes())
    times, notes = times_of(video)
    np.testing.assert_allclose(times, np.arange(50) / 25, atol=1e-6)
    assert len(notes) == 1
    with write_video(tmp_path / "copy.mp4") as add:
        for time, frame in read_video(video, notes=[]):
            add(time, frame)
    np.testing.assert_allclose(times_of(tmp_path / "copy.mp4")[0], times, atol=1e-4)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_equal_time_stamps_are_replaced_by_the_frame_rate(
    pattern: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = tmp_path / f"equal.{suffix}"
    ffmpeg("-i", pattern, "-c", "copy", "-bsf:v", "setts=pts=40:dts=40", video)
    times, notes = times_of(video)
    np.testing.assert_allclose(times, np.arange(25) / 25)
    assert notes == ["it has no usable time stamps, 25 frames/s assumed (--fps sets another rate)"]
    times, notes = times_of(video, fps=10)
    np.testing.assert_allclose(times, np.arange(25) / 10)
    assert notes == []
    monkeypatch.setattr(decoding, "MAX_RATE", 20)
    with pytest.raises(InputError, match=r"frame rate of 25/s is implausible. Set the frame rate: --fps 25"):
        times_of(video)


def test_a_raw_stream_has_the_assumed_or_given_rate(pattern: Path, tmp_path: Path) -> None:
    video = tmp_path / "raw.h264"
    ffmpeg("-i", pattern, "-c", "copy", video)
    times, notes = times_of(video)
    np.testing.assert_allclose(times, np.arange(25) / 25)
    assert notes == ["it has no usable time stamps, 25 frames/s assumed (--fps sets another rate)"]
    times, notes = times_of(video, fps=50)
    np.testing.assert_allclose(times, np.arange(25) / 50)
    assert notes == []
    assert frame_interval_of(video) == 0.04
    assert frame_interval_of(video, fps=50) == 0.02
    with pytest.warns(UserWarning, match=r"video .*raw.h264: it has no usable time stamps"):
        list(read_video(video))


def test_a_video_of_one_frame_has_no_note(tmp_path: Path) -> None:
    video = write_pattern(tmp_path / "one.mp4", "-frames:v", "1")
    assert times_of(video) == ([0], [])
    assert frame_interval_of(video) is None
