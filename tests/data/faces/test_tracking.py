"""Faces that are seen become tracks: of the same person one, of two people two."""

from pathlib import Path

import numpy as np
import pytest

from mdhr.data.faces.detection import Face, FaceDetector
from mdhr.data.faces.single_face import track_face
from mdhr.data.faces.tracking import FaceTracks, find_tracks
from mdhr.data.video.decoding import read_video
from mdhr.data.video.frame_source import DownscaledFrame, VideoFile


class Script:
    """Frames that are not looked at, and a detector that knows what is in them."""

    name = "script"
    longest_side = 320

    def __init__(self, faces: list[list[tuple[float, float, float]]], *, fps: float = 25) -> None:
        self.faces, self.fps, self.next = faces, fps, 0

    def frames(self):
        raise AssertionError("looking for faces needs no picture of full size")

    def glances(self, longest_side: int):
        for frame in range(len(self.faces)):
            yield DownscaledFrame(frame / self.fps, np.zeros((100, 200, 3), np.uint8), 2.0)

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Boxes are given by their left, top and height, in pixels of the source."""
        self.next += 1
        return [
            Face(np.array([x, y, 0.8 * size, size]) / 2, None, 0.7) for x, y, size in self.faces[self.next - 1]
        ]  # fmt: skip


def follow(faces: list[list[tuple[float, float, float]]], *, fps: float = 25) -> FaceTracks:
    script = Script(faces, fps=fps)
    return find_tracks(script, detector=script, smoothing=0)


HE, SHE = (20.0, 40.0, 60.0), (150.0, 50.0, 50.0)


def lengths(found: FaceTracks) -> list[tuple[int, int]]:
    """First frame and number of frames of every track."""
    return [(track.first, len(track.time)) for track in found.tracks]


def test_one_face_is_followed_as_in_preparation(talking: Path) -> None:
    found = find_tracks(VideoFile(talking), detector=FaceDetector())
    (track,), alone = found.tracks, track_face(VideoFile(talking))
    np.testing.assert_array_equal(track.crop, alone.crop)
    np.testing.assert_array_equal(track.box, alone.box)
    np.testing.assert_array_equal(found.time, alone.time)
    assert track.face_found.all()
    assert track.confidence.min() > 0.8


def test_two_real_faces_side_by_side_tilt_as_they_like(talking: Path, tmp_path: Path) -> None:
    """The second is 40 frames late, so that at the end one is tilted and the other is not."""
    from mdhr.data.video.encoding import write_video

    frames = [frame for _, frame in read_video(talking)]
    with write_video(tmp_path / "two.mp4") as add:
        for i in range(120):
            add(i / 30, np.concatenate([frames[i], frames[max(i - 40, 0)]], axis=1))
    found = find_tracks(VideoFile(tmp_path / "two.mp4"), detector=FaceDetector())
    assert lengths(found) == [(0, 120), (0, 120)]
    assert [int(track.face_found.sum()) for track in found.tracks] == [120, 120]
    early, late = sorted(found.tracks, key=lambda track: track.crop[0, 0])
    np.testing.assert_allclose(late.crop[50:110, 0] - 176, early.crop[10:70, 0], atol=4)
    assert early.crop[-1, 3] < -20 < late.crop[-1, 3]


def test_people_who_pass_each_other_keep_their_tracks() -> None:
    faces = [[(10.0 + 3 * i, 20, 60), (190.0 - 3 * i, 110, 60)] for i in range(60)]
    found = follow([one if i % 2 else one[::-1] for i, one in enumerate(faces)])
    assert lengths(found) == [(0, 60), (0, 60)]
    assert sorted(np.sign(np.diff(track.crop[:, 0])).mean() for track in found.tracks) == [-1, 1]


def test_order_is_by_first_appearance_then_by_size() -> None:
    found = follow([[SHE, HE]] * 10 + [[SHE, HE, (100, 120, 70)]] * 10)
    assert [track.box[0, 3] for track in found.tracks] == [60, 50, 70]
    assert lengths(found) == [(0, 20), (0, 20), (10, 10)]


def test_a_face_that_returns_within_a_second_goes_on_and_a_later_one_is_another() -> None:
    for away, expected in ((20, [(0, 40)]), (40, [(0, 10), (50, 10)])):
        found = follow([[HE]] * 10 + [[]] * away + [[HE]] * 10 + [[]] * 5)
        assert lengths(found) == expected, "what follows the last sighting belongs to no track"
        assert found.tracks[0].face_found.sum() == (20 if away == 20 else 10)
        assert len(found.time) == 25 + away
    assert (
        np.isnan(follow([[HE]] * 9 + [[]] + [[HE]] * 9).tracks[0].confidence).tolist()
        == [False] * 9 + [True] + [False] * 9
    )


def test_flashes_are_false_alarms_but_a_short_video_is_not() -> None:
    faces = [[HE]] * 30
    faces[10] = faces[11] = [HE, SHE]
    assert lengths(follow(faces)) == [(0, 30)]
    assert lengths(follow([[HE]] * 2)) == [(0, 2)]
    assert lengths(follow([[HE]])) == [(0, 1)]
    assert lengths(follow([[HE]] * 4, fps=1)) == [(0, 4)], "a second is one frame"


def test_a_face_seen_twice_is_one() -> None:
    assert lengths(follow([[HE, (24.0, 44.0, 52.0)]] * 20)) == [(0, 20)]


@pytest.mark.parametrize("other", [(150.0, 40.0, 60.0), (20.0, 40.0, 130.0)])
def test_another_place_or_size_is_another_person(other: tuple[float, float, float]) -> None:
    assert len(follow([[HE]] * 20 + [[other]] * 20).tracks) == 2


def test_nobody_is_no_error() -> None:
    found = follow([[]] * 7)
    assert found.tracks == []
    assert len(found.time) == 7
