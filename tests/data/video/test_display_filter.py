"""Frames as players show them, compared with the command ffmpeg."""

import gc
from pathlib import Path

import av
import numpy as np
import pytest

from mdhr.data.video.decoding import decode_video, read_video
from mdhr.data.video.frame_source import VideoFile
from tests.support.ffmpeg import FAST, ffmpeg, moving_pattern, reference_frames, write_pattern


def frames_of(path: Path) -> np.ndarray:
    """Return the frames ``(F, H, W, 3)`` of a video."""
    return np.stack([frame for _, frame in read_video(path, notes=[])])


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """H.264 of 64 x 48 pixels."""
    return write_pattern(tmp_path_factory.mktemp("video") / "pattern.mp4", seconds=0.2)


@pytest.mark.parametrize("mirror", ["", "hflip", "vflip"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270, 30])
def test_the_display_matrix_is_applied(pattern: Path, tmp_path: Path, mirror: str, rotation: int) -> None:
    path = tmp_path / "shown.mp4"
    mirrored = [f"-display_{mirror}:v:0"] if mirror else []
    ffmpeg("-display_rotation:v:0", str(rotation), *mirrored, "-i", pattern, "-c", "copy", path)
    size = (48, 64) if rotation % 180 == 90 else (64, 48)
    frames = frames_of(path)
    assert (frames == reference_frames(path, *size)).all()
    assert rotation == 0 == len(mirrored) or (frames != frames_of(pattern).reshape(frames.shape)).any()


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ("72x58", "64/45", (102, 58)),
        ("64x48", "15/16", (60, 48)),
        ("78x64", "128/117", (85, 64)),
        ("72x48", "8/9", (64, 48)),
    ],
)
@pytest.mark.parametrize("rotation", [0, 90])
def test_pixels_become_square(tmp_path: Path, size: str, aspect: str, shown: tuple[int, int], rotation: int) -> None:
    coded = write_pattern(tmp_path / "coded.mp4", "-vf", f"setsar={aspect}", size=size, seconds=0.1)
    path = tmp_path / "wide.mp4"
    ffmpeg("-display_rotation:v:0", str(rotation), "-i", coded, "-c", "copy", path)
    width, height = shown
    filters = f"scale={width}:{height}"
    if rotation:
        coded_width, coded_height = map(int, size.split("x"))
        width, height = coded_height, round(coded_width * width / coded_width)
        scale_rotated = coded_height, coded_width  # the pixels are now higher than wide: the width changes
        numerator, denominator = map(int, aspect.split("/"))
        width, height = round(scale_rotated[0] * denominator / numerator), scale_rotated[1]
        filters = f"scale={width}:{height}"
    frames = frames_of(path)
    assert frames.shape[1:] == (height, width, 3)
    reference = reference_frames(path, width, height, filters=filters + ",setsar=1,format=yuv420p")
    assert np.abs(frames.astype(int) - reference).mean() < 1


@pytest.mark.parametrize(
    ("options", "suffix", "tolerance"),
    [
        (("-pix_fmt", "yuv444p", "-c:v", "libx264"), "mp4", 0),
        (("-pix_fmt", "yuv420p", "-vf", "scale=out_range=pc", "-color_range", "pc", "-c:v", "libx264"), "mp4", 0),
        (("-pix_fmt", "yuvj420p", "-c:v", "mjpeg"), "avi", 0),
        (("-pix_fmt", "yuv420p", "-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", *FAST), "mp4", 0),
        (("-pix_fmt", "gbrp", "-c:v", "ffv1"), "mkv", 0),
        (("-pix_fmt", "gray10le", "-c:v", "ffv1"), "mkv", 0),
        (("-pix_fmt", "yuv422p12le", "-c:v", "ffv1"), "mkv", 1),
        (("-pix_fmt", "yuv444p10le", "-c:v", "ffv1"), "mkv", 1),
    ],
)
def test_colors_are_those_of_ffmpeg(tmp_path: Path, options: tuple[str, ...], suffix: str, tolerance: int) -> None:
    path = tmp_path / f"colors.{suffix}"
    ffmpeg(*moving_pattern(seconds=0.1), *options, path)
    difference = np.abs(frames_of(path).astype(int) - reference_frames(path, 64, 48))
    assert difference.max() <= tolerance


@pytest.mark.parametrize("depth", [10, 12])
def test_a_gray_ramp_of_ten_or_twelve_bits_is_exact(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "ramp.mkv"
    step, middle = 2 ** (depth - 6), 2 ** (depth - 1)
    ramp = f"nullsrc=s=64x48:d=0.1,format=yuv420p{depth}le,geq=lum=X*{step}:cb={middle}:cr={middle}"
    ffmpeg("-f", "lavfi", "-i", ramp, "-c:v", "ffv1", path)
    frames = frames_of(path)
    assert (frames == reference_frames(path, 64, 48)).all()
    expected = np.clip((np.arange(64) * 4 - 16) * 255 / 219, 0, 255)
    assert np.abs(frames[0] - expected[:, None]).max() < 3


@pytest.mark.parametrize(
    ("transfer", "white"), [("smpte2084", 0.58), pytest.param("arib-std-b67", 0.75, marks=pytest.mark.slow)]
)
def test_high_dynamic_range_is_tone_mapped(tmp_path: Path, transfer: str, white: float) -> None:
    """Diffuse white, 58 % of the PQ signal and 75 % of HLG, becomes nearly white; unmapped it would be gray."""
    path = tmp_path / "hdr.mkv"
    ramp = "nullsrc=s=64x48:d=0.2,format=yuv420p10le,geq=lum='64+876*X/63':cb=512:cr=512"
    tags = ["-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", transfer, "-color_range", "tv"]
    setparams = f"setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}:range=tv"
    ffmpeg("-f", "lavfi", "-i", ramp, "-vf", setparams, "-c:v", "ffv1", *tags, path)
    source = VideoFile(path)
    frame = next(source.frames()).rgb().astype(int)
    assert np.ptp(frame, axis=-1).max() <= 3, "gray stays gray"
    row = frame[24, :, 0]
    assert (np.diff(row) >= -3).all()
    assert row[0] < 5
    assert row[round(white * 63)] > 210
    assert row[round(white * 63 / 2)] < 150


def test_a_change_of_resolution_keeps_the_first_size(tmp_path: Path) -> None:
    large = write_pattern(tmp_path / "a.ts")
    small = write_pattern(tmp_path / "b.ts", "-output_ts_offset", "1", size="32x24")
    upright = write_pattern(tmp_path / "c.ts", "-output_ts_offset", "2", size="24x32")
    path = tmp_path / "call.ts"
    path.write_bytes(large.read_bytes() + small.read_bytes() + upright.read_bytes())
    source = VideoFile(path)
    times, frames = zip(*((frame.time, frame.rgb()) for frame in source.frames()), strict=True)
    assert (np.diff(times) > 0).all()
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert source.notes == ["its resolution changes, all frames are scaled to 64 x 48"]
    reference = reference_frames(small, 64, 48, filters="scale=64:48,format=yuv420p")
    assert np.abs(frames[25].astype(int) - reference[0]).mean() < 1
    assert frames[60][:, :13].max() < 2, "a frame of another shape is padded, not distorted"
    assert frames[60][:, 50:].max() < 2
    reference = reference_frames(upright, 36, 48, filters="scale=36:48,format=yuv420p")
    assert np.abs(frames[50][:, 14:50].astype(int) - reference[0]).mean() < 2


def test_ordinary_frames_pass_unchanged(pattern: Path) -> None:
    with av.open(str(pattern)) as container:
        decoded = next(container.decode(video=0))
    image = next(decode_video(pattern)).image
    assert image.format.name == "yuv420p"
    assert bytes(image.planes[0]) == bytes(decoded.planes[0])


def test_pixels_are_freed_without_garbage_collection(pattern: Path) -> None:
    gc.collect()
    gc.disable()
    try:
        assert sum(1 for _ in decode_video(pattern)) > 0
        assert gc.collect() == 0
    finally:
        gc.enable()
