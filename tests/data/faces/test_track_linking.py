"""Tracks of real faces that cross, lie, are cut or replaced, and the number of detector calls."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr.data.faces.cropping import crop_face
from mdhr.data.faces.detection import Face, FaceDetector
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.faces.track_linking import FrameLinker, OpenTrack
from mdhr.data.faces.tracking import find_tracks
from mdhr.data.video.decoding import read_video
from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame import downscale
from mdhr.data.video.frame_source import VideoFile

FPS = 30
Tracks = Callable[[list[np.ndarray]], FaceTracks]


class Counting:
    """Detector that counts its calls."""

    longest_side = 320

    def __init__(self) -> None:
        self.detector, self.num_calls = FaceDetector(), 0

    def __call__(self, frame: np.ndarray) -> list[Face]:
        self.num_calls += 1
        return self.detector(frame)


@pytest.fixture
def detector() -> Counting:
    return Counting()


@pytest.fixture
def tracks(tmp_path: Path, detector: Counting) -> Tracks:
    """Return a function that writes frames as a video and returns its tracks."""

    def find(frames: list[np.ndarray]) -> FaceTracks:
        with write_video(tmp_path / "video.mp4") as add:
            for i, frame in enumerate(frames):
                add(i / FPS, frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2])
        return find_tracks(VideoFile(tmp_path / "video.mp4"), detector=detector)

    return find


@pytest.fixture(scope="module")
def clip(talking: Path) -> list[np.ndarray]:
    return [frame for _, frame in read_video(talking)]


def other_person(frame: np.ndarray) -> np.ndarray:
    """Return a frame with opposite hues."""
    hsv = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2HSV).astype(int)
    return cv2.cvtColor(((hsv + np.array([90, 0, 0])) % [180, 256, 256]).astype(np.uint8), cv2.COLOR_HSV2RGB)


def crossing(clip: list[np.ndarray], *, speed: int, num_frames: int) -> Iterator[np.ndarray]:
    """Yield frames in which a face moves right, in front of another one that moves left."""
    for i in range(num_frames):
        frame = np.full((160, 400, 3), 110, np.uint8)
        for x, person in ((300 - speed * i, other_person(clip[i])), (10 + speed * i, clip[60])):
            left = max(0, min(x, 310))
            frame[25:135, left : left + 90] = person[20:130, 50:140]
        yield frame


def lengths(found: FaceTracks) -> list[tuple[int, int]]:
    return [(track.first, len(track.time)) for track in found.tracks]


@pytest.mark.parametrize(("speed", "num_frames"), [(2, 120), (3, 100), (6, 48)])
def test_people_who_cross_never_exchange_tracks(
    clip: list[np.ndarray], tracks: Tracks, speed: int, num_frames: int
) -> None:
    frames = list(crossing(clip, speed=speed, num_frames=num_frames))
    found = tracks(frames)
    assert 2 <= len(found.tracks) <= 3
    for track in found.tracks:
        steps = np.diff(track.detections[:, 0])
        steps = steps[~np.isnan(steps)]
        assert (steps > -6).all() or (steps < 6).all(), "every track moves in one direction"
        colors = [crop_face(frames[track.first + i], track.crop[i], 32).mean((0, 1)) for i in (0, len(track.time) - 1)]
        assert abs(colors[0] - colors[1]).max() < 25, "every track ends with the person it started with"
    front = max(found.tracks, key=lambda track: track.face_found.sum())
    assert (front.first, len(front.time)) == (0, num_frames)
    assert front.face_found.all()


def test_another_person_in_the_same_place_starts_a_track(clip: list[np.ndarray], tracks: Tracks) -> None:
    hidden = [frame.copy() for frame in clip[30:40]]
    for frame in hidden:
        frame[20:130, 50:140] = 90
    assert lengths(tracks(clip[:30] + hidden + [other_person(frame) for frame in clip[40:70]])) == [(0, 30), (40, 30)]
    assert lengths(tracks(clip[:30] + hidden + clip[40:70])) == [(0, 70)]


@pytest.mark.parametrize("change", [other_person, lambda frame: np.ascontiguousarray(frame[:, ::-1])])
def test_a_cut_starts_a_track(
    clip: list[np.ndarray], tracks: Tracks, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    assert lengths(tracks(clip[:30] + [change(frame) for frame in clip[30:60]])) == [(0, 30), (30, 30)]


@pytest.mark.parametrize(("quarters", "roll"), [(1, -90), (2, 180), (3, 90)])
def test_faces_that_lie_or_are_upside_down_are_cropped_upright(
    clip: list[np.ndarray], tracks: Tracks, detector: Counting, quarters: int, roll: float
) -> None:
    (upright,) = tracks(clip[:40]).tracks
    turned = [np.ascontiguousarray(np.rot90(frame, quarters)) for frame in clip[:40]]
    (track,) = tracks(turned).tracks
    assert track.face_found.all()
    np.testing.assert_allclose(track.crop[:, 3], roll + upright.crop[:, 3], atol=8)
    np.testing.assert_allclose(track.crop[:, 2], upright.crop[:, 2], rtol=0.06)
    for i in (0, 20, 39):
        crop, expected = (
            crop_face(frames[i], each.crop[i], 64).astype(int)
            for frames, each in ((turned, track), (clip, upright))
        )  # fmt: skip
        assert abs(crop - expected).mean() < 16
        assert abs(crop[::-1, ::-1] - expected).mean() > 32
    center = track.box[0, :2] + track.box[0, 2:] / 2
    assert (abs(center - track.crop[0, :2]) < 12).all()
    wide = track.box[:, 2] > track.box[:, 3]
    assert wide.all() if quarters % 2 else not wide.any()


def test_a_face_that_is_upright_needs_one_detector_call_per_frame(
    clip: list[np.ndarray], tracks: Tracks, detector: Counting
) -> None:
    assert len(tracks(clip).tracks) == 1
    assert len(clip) <= detector.num_calls <= len(clip) + 6


def test_a_video_without_faces_is_searched_in_all_directions_once_per_second(
    tracks: Tracks, detector: Counting
) -> None:
    assert tracks([np.full((180, 320, 3), 90, np.uint8)] * 3 * FPS).tracks == []
    assert detector.num_calls == 3 * FPS + 3 * 3


def test_an_upright_person_next_to_a_lying_one_is_found(clip: list[np.ndarray], tracks: Tracks) -> None:
    frames = [np.concatenate([np.rot90(frame), np.full((193, 193, 3), 110, np.uint8)], axis=1) for frame in clip[:90]]
    for i, frame in enumerate(frames):
        left = max(144, 337 - 4 * i)  # moves in from the right
        frame[40:184, left:] = other_person(clip[i + 20])[:, : 337 - left]
    lying, upright = tracks(frames).tracks
    assert (lying.first, len(lying.time)) == (0, 90)
    assert lying.crop[0, 3] < -60
    assert 20 < upright.first < 48 + FPS
    assert abs(upright.crop[0, 3]) < 40


def test_a_tilted_face_at_the_edge_of_a_wide_frame_stays_in_view(clip: list[np.ndarray], tracks: Tracks) -> None:
    """Turned about the center of the frame, the face would leave it."""
    turn = cv2.getRotationMatrix2D((96, 72), -30, 1)
    frames = [np.full((144, 640, 3), 100, np.uint8) for _ in range(60)]
    for frame, face in zip(frames, clip[60:], strict=True):
        frame[:, :193] = cv2.warpAffine(face, turn, (193, 144), borderMode=cv2.BORDER_REPLICATE)
    (track,) = tracks(frames).tracks
    assert track.face_found.mean() > 0.9


def test_a_track_that_a_cut_has_ended_gets_no_detections(clip: list[np.ndarray]) -> None:
    linker = FrameLinker(detector=FaceDetector(), fill=0.74)
    first = downscale(0.0, clip[0], 320)
    _, (detection,) = linker.link([], first)
    track = OpenTrack(0, detection, 0.0)
    track.add_frame(0.0, detection)
    assigned, new = linker.link([track], downscale(0.04, clip[1], 320))
    assert list(assigned) == [track]
    assert not new
    assigned, new = linker.link([track], downscale(0.08, np.full_like(clip[0], 255), 320))
    assert track.ended
    assert (assigned, new) == ({}, [])
    assigned, new = linker.link([track], downscale(0.12, clip[2], 320))
    assert not assigned
    assert len(new) == 1
