"""Face tracks of scripted detections and of real videos, and the main face of a video."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mdhr.data.faces.detection import Face, FaceDetector
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.faces.main_face import crop_track, main_track, track_main_face
from mdhr.data.faces.tracking import find_tracks
from mdhr.data.video.decoding import read_video
from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame import DownscaledFrame
from mdhr.data.video.frame_source import VideoFile
from mdhr.errors import InputError

Box = tuple[float, float, float]
"""Left, top and height in pixels of the source."""
LEFT, RIGHT = (20.0, 40.0, 60.0), (150.0, 50.0, 50.0)


class ScriptedFrame(NamedTuple):
    """Frame without content, except that its first pixel contains its number from 1."""

    time: float
    index: int

    def rgb(self) -> np.ndarray:
        raise AssertionError("detection must not read frames at full size")

    def downscaled(self, longest_side: int) -> DownscaledFrame:
        image = np.zeros((100, 200, 3), np.uint8)
        image[0, 0, :2] = divmod(self.index + 1, 256)
        return DownscaledFrame(self.time, image, 2.0)


class Script:
    """Frame source without content, and a detector that returns given faces."""

    name = "script"
    longest_side = 320

    def __init__(self, faces: list[list[Box]], *, fps: float = 25) -> None:
        self.faces, self.interval = faces, 1 / fps

    def frames(self) -> Iterator[ScriptedFrame]:
        for frame in range(len(self.faces)):
            yield ScriptedFrame(frame * self.interval, frame)

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Return the faces of the frame, whose number is in its first pixel. A turned frame has no faces."""
        number = int(frame[0, 0, 0]) * 256 + int(frame[0, 0, 1]) if frame.shape == (100, 200, 3) else 0
        faces = self.faces[number - 1] if number else []
        return [Face(np.array([x, y, 0.8 * size, size]) / 2, None, 0.95) for x, y, size in faces]


def follow(faces: list[list[Box]], *, fps: float = 25) -> FaceTracks:
    script = Script(faces, fps=fps)
    return find_tracks(script, detector=script, smoothing=0)


def lengths(found: FaceTracks) -> list[tuple[int, int]]:
    """First frame and number of frames of every track."""
    return [(track.first, len(track.time)) for track in found.tracks]


def test_face_is_found_in_every_frame_of_a_real_clip(talking: Path) -> None:
    source, detector = VideoFile(talking), FaceDetector()
    track = track_main_face(source, detector=detector)
    frames = np.stack(list(crop_track(source, track, size=96)))
    assert frames.shape == (120, 96, 96, 3)
    assert frames.dtype == np.uint8
    assert track.face_found.sum() == 120
    x, y, size, roll = track.crop.T
    assert 70 < x.min() < x.max() < 100
    assert 55 < y.min() < y.max() < 80
    assert 52 < size.min() < size.max() < 68
    assert np.abs(np.diff(size)).max() < 1.5
    # The roll of 478 landmarks by another network, smoothed in the same way.
    np.testing.assert_allclose(roll[[0, 20, 40, 60, 80, 100, 119]], [-12, -13, -16, -13, -26, -27, -16], atol=6)
    # The face is detected again in its crop, upright, with brow and chin inside.
    for frame in frames[::30]:
        landmarks = detector(frame)[0].landmarks
        assert landmarks is not None
        eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
        assert 0.15 < eyes[1] / 96 < 0.40
        assert 0.50 < mouth[1] / 96 < 0.78
        assert abs(eyes[0] / 96 - 0.5) < 0.15


def test_inference_and_preparation_have_the_same_crops(talking: Path) -> None:
    found = find_tracks(VideoFile(talking), detector=FaceDetector())
    (track,), main = found.tracks, track_main_face(VideoFile(talking), detector=FaceDetector())
    np.testing.assert_allclose(track.crop, main.crop, rtol=1e-12)
    np.testing.assert_allclose(track.box, main.box, rtol=1e-12)
    np.testing.assert_array_equal(found.time, main.time)
    assert track.face_found.all()
    assert track.confidence.min() > 0.8


def test_two_real_faces_with_different_roll(talking: Path, tmp_path: Path) -> None:
    """The second face is delayed by 40 frames: in frame 95 one is tilted by 28 degrees and the other one by 13."""
    frames = [frame for _, frame in read_video(talking)]
    with write_video(tmp_path / "two.mp4") as add:
        for i in range(120):
            add(i / 30, np.concatenate([frames[i], frames[max(i - 40, 0)]], axis=1))
    found = find_tracks(VideoFile(tmp_path / "two.mp4"), detector=FaceDetector())
    assert lengths(found) == [(0, 120), (0, 120)]
    assert [int(track.face_found.sum()) for track in found.tracks] == [120, 120]
    early, late = sorted(found.tracks, key=lambda track: track.crop[0, 0])
    np.testing.assert_allclose(late.crop[50:110, 0] - frames[0].shape[1], early.crop[10:70, 0], atol=4)
    np.testing.assert_allclose([early.crop[95, 3], late.crop[95, 3]], [-28, -13], atol=6)


def test_faces_that_pass_each_other_keep_their_tracks() -> None:
    faces = [[(10.0 + 3 * i, 20, 60), (190.0 - 3 * i, 110, 60)] for i in range(60)]
    found = follow([one if i % 2 else one[::-1] for i, one in enumerate(faces)])
    assert lengths(found) == [(0, 60), (0, 60)]
    assert sorted(np.sign(np.diff(track.crop[:, 0])).mean() for track in found.tracks) == [-1, 1]


def test_order_is_by_first_appearance_then_by_size() -> None:
    found = follow([[RIGHT, LEFT]] * 10 + [[RIGHT, LEFT, (100, 120, 70)]] * 10)
    assert [track.box[0, 3] for track in found.tracks] == [60, 50, 70]
    assert lengths(found) == [(0, 20), (0, 20), (10, 10)]


def test_a_track_continues_after_a_gap_of_less_than_a_second() -> None:
    for gap, expected in ((20, [(0, 40)]), (40, [(0, 10), (50, 10)])):
        found = follow([[LEFT]] * 10 + [[]] * gap + [[LEFT]] * 10 + [[]] * 5)
        assert lengths(found) == expected, "frames after the last detection belong to no track"
        assert found.tracks[0].face_found.sum() == (20 if gap == 20 else 10)
        assert len(found.time) == 25 + gap
    assert (
        np.isnan(follow([[LEFT]] * 9 + [[]] + [[LEFT]] * 9).tracks[0].confidence).tolist()
        == [False] * 9 + [True] + [False] * 9
    )


def test_short_tracks_are_false_detections_except_in_short_videos() -> None:
    faces = [[LEFT]] * 30
    faces[10] = faces[11] = [LEFT, RIGHT]
    assert lengths(follow(faces)) == [(0, 30)]
    assert lengths(follow([[LEFT]] * 2)) == [(0, 2)]
    assert lengths(follow([[LEFT]])) == [(0, 1)]
    assert lengths(follow([[LEFT]] * 4, fps=1)) == [(0, 4)], "one second per frame"


def test_duplicate_detections_are_one_face() -> None:
    assert lengths(follow([[LEFT, (24.0, 44.0, 52.0)]] * 20)) == [(0, 20)]


@pytest.mark.parametrize("other", [(150.0, 40.0, 60.0), (20.0, 40.0, 130.0)])
def test_a_jump_in_position_or_size_starts_another_track(other: Box) -> None:
    assert len(follow([[LEFT]] * 20 + [[other]] * 20).tracks) == 2


def test_a_video_without_faces_has_no_tracks() -> None:
    found = follow([[]] * 7)
    assert found.tracks == []
    assert len(found.time) == 7


def test_main_face_ignores_other_faces_and_marks_gaps() -> None:
    faces: list[list[Box]] = [
        [(30, 20, 20), (5, 5, 10)],
        [(5, 5, 22), (31, 20, 19)],
        [],
        [(5, 5, 30)],
        [(33, 20, 20)],
        [(33, 20, 20), (5, 5, 30)],
    ]
    track = main_track(follow(faces, fps=5), smoothing=0)
    assert track.face_found.tolist() == [True, True, False, False, True, True]
    np.testing.assert_allclose(track.crop[:, 0], [38.5, 39.1, 39.1, 41.5, 41.5, 41.5])


def test_main_face_has_the_most_detections_then_the_largest_size() -> None:
    large = (150.0, 50.0, 100.0)
    assert main_track(follow([[LEFT]] * 5 + [[LEFT, large]] * 20), smoothing=0).box[0, 3] == 60
    assert main_track(follow([[LEFT, large]] * 20), smoothing=0).box[0, 3] == 100


@pytest.mark.parametrize(
    ("returning", "expected"),
    [((100.0, 60.0, 50.0), True), ((100.0, 60.0, 120.0), False)],
    ids=["similar size", "other size"],
)
def test_main_face_includes_later_tracks_of_similar_size(returning: Box, expected: bool) -> None:
    """The face is absent for 40 frames, longer than a track lasts without a detection."""
    track = main_track(follow([[LEFT]] * 30 + [[]] * 40 + [[returning]] * 20), smoothing=0)
    assert track.first == 0
    assert track.face_found.tolist() == [True] * 30 + [False] * 40 + [expected] * 20
    assert track.box[49, 3] == 60, "frame 49 is closer to the end of the first track"
    assert track.box[50, 3] == (50 if expected else 60)


def test_main_face_excludes_tracks_that_overlap() -> None:
    bystander = (150.0, 40.0, 60.0)
    found = follow([[LEFT]] * 10 + [[LEFT, bystander]] * 20 + [[bystander]] * 5)
    assert lengths(found) == [(0, 30), (10, 25)]
    track = main_track(found, smoothing=0)
    assert track.face_found.tolist() == [True] * 30 + [False] * 5
    assert (track.box[:, 0] == track.box[0, 0]).all()


def test_main_face_without_any_face_raises() -> None:
    script = Script([[]] * 3)
    with pytest.raises(InputError, match=r"script: no face found in any of the 3 frames"):
        track_main_face(script, detector=script)
