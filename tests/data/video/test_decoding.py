"""Round trips through video files, and errors for damaged ones."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from mdhr.data.video.decoding import expected_frames, read_video
from mdhr.data.video.encoding import write_video as write_h264
from mdhr.errors import InputError


def write_video(
    path: Path, *, num_frames: int = 12, width: int = 64, height: int = 48, fps: int = 25, **kind: str
) -> None:
    """Frames get brighter; the upper left quarter of each is white."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(kind.get("codec", "mpeg4"), rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, kind.get("pixels", "yuv420p")
        for i in range(num_frames):
            image = np.full((height, width, 3), min(i * 10, 200), np.uint8)
            image[: height // 2, : width // 2] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def test_frames_and_times_come_back(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4")
    times, frames = zip(*read_video(tmp_path / "a.mp4"), strict=True)
    np.testing.assert_allclose(times, np.arange(12) / 25, atol=1e-3)
    assert all(frame.shape == (48, 64, 3) and frame.dtype == np.uint8 for frame in frames)
    for i, frame in enumerate(frames):
        assert abs(int(frame[40, 50].mean()) - i * 10) < 8
        assert frame[10, 10].min() > 240


def test_fewer_frames_a_second_keep_an_even_grid(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", num_frames=50)
    times = [time for time, _ in read_video(tmp_path / "a.mp4", fps=10)]
    assert len(times) == 20
    np.testing.assert_allclose(times, np.arange(20) / 10, atol=0.021)
    assert len(list(read_video(tmp_path / "a.mp4", fps=25))) == 50
    assert len(list(read_video(tmp_path / "a.mp4", fps=60))) == 50


@pytest.mark.parametrize(("codec", "pixels", "suffix"), [("mjpeg", "yuvj444p", "avi"), ("ffv1", "gray", "mkv")])
def test_odd_sizes_and_gray_video(tmp_path: Path, codec: str, pixels: str, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    write_video(path, width=63, height=47, codec=codec, pixels=pixels)
    frames = [frame for _, frame in read_video(path)]
    assert len(frames) == 12
    assert frames[3].shape == (47, 63, 3)
    assert frames[3][5, 5].min() > 230
    assert abs(int(frames[3][40, 50].mean()) - 30) < 8


def test_rotation_of_the_file_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(path)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    # Show it turned clockwise by 90 degrees: x' = -y, y' = x.
    content[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    _, frame = next(read_video(path))
    assert frame.shape == (64, 48, 3)
    assert frame[10, 40].min() > 240, "the white quarter is at the upper right"
    assert frame[50, 10].max() < 20


def test_unreadable_videos_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read video .*none\.mp4: No such file"):
        next(read_video(tmp_path / "none.mp4"))
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(InputError, match=r"cannot read video .*text\.mp4"):
        next(read_video(tmp_path / "text.mp4"))
    write_video(tmp_path / "a.mp4")
    (tmp_path / "half.mp4").write_bytes((tmp_path / "a.mp4").read_bytes()[:800])
    with pytest.raises(InputError, match=r"half\.mp4"):
        list(read_video(tmp_path / "half.mp4"))


def test_damaged_and_incomplete_videos(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", num_frames=40)
    assert expected_frames(tmp_path / "a.avi") == 40
    assert expected_frames(tmp_path / "a.avi", fps=5) == 8
    content = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "half.avi").write_bytes(content[: (content.index(b"movi") + content.index(b"idx1")) // 2])
    assert len(list(read_video(tmp_path / "half.avi", notes=[]))) < 30 < expected_frames(tmp_path / "half.avi")
    (tmp_path / "text.mp4").write_text("not a video")
    assert expected_frames(tmp_path / "text.mp4") == 0

    with write_h264(tmp_path / "b.mp4") as add:
        for i in range(60):
            add(i / 25, np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8))
    content = (tmp_path / "b.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(InputError, match=r"cut\.mp4 beyond frame \d+: .*Copy it again, or keep the readable part"):
        list(read_video(tmp_path / "cut.mp4"))
