"""Crop boxes in one pass equal those of complete tracks, with a bounded number of waiting frames."""

import numpy as np
import pytest

from mdhr.data.faces.face_stream import PREFETCHED_FRAMES, track_frames
from mdhr.data.faces.tracking import FaceTracker
from tests.data.faces.test_tracking import LEFT, RIGHT, Box, Script, ScriptedFrame


class CountedScript(Script):
    """Script that counts the frames that have been read."""

    num_read = 0

    def frames(self):
        for frame in super().frames():
            self.num_read += 1
            yield frame


def moving(box: Box, frame: int) -> Box:
    """Box on an irregular path."""
    rng = np.random.default_rng(frame)
    return (box[0] + 10 * np.sin(frame / 9), box[1] + rng.normal(), box[2] + rng.normal())


def stream(script: Script, *, smoothing: float):
    tracker = FaceTracker(detector=script, interval=script.interval, smoothing=smoothing)
    frames = list(track_frames(script, tracker, longest_side=320))
    return tracker.tracks(), frames


FACES = [
    [moving(LEFT, i)] * (not 40 <= i < 55 and i < 130) + [moving(RIGHT, i)] * (10 <= i < 100 or i in (118, 150, 151))
    for i in range(170)
]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("fps", [8, 25])
def test_crop_boxes_equal_those_of_complete_tracks(fps: float, smoothing: float) -> None:
    found, frames = stream(Script(FACES, fps=fps), smoothing=smoothing)
    assert [frame.frame for frame in frames] == [ScriptedFrame(i * (1 / fps), i) for i in range(170)]
    assert len(found.tracks) >= 2
    for number, track in zip(found.numbers, found.tracks, strict=True):
        boxes = {i: frame.crop_boxes[number] for i, frame in enumerate(frames) if number in frame.crop_boxes}
        assert list(boxes) == list(range(track.first, track.end))
        np.testing.assert_array_equal(np.stack(list(boxes.values())), track.crop)


def test_false_detections_are_no_tracks() -> None:
    faces = [[LEFT]] * 60
    faces[20] = [LEFT, RIGHT]
    script = Script(faces)
    tracker = FaceTracker(detector=script, interval=script.interval)
    frames = list(track_frames(script, tracker, longest_side=320))
    assert [sorted(frame.crop_boxes) for frame in frames] == [[0]] * 20 + [[0, 1]] + [[0]] * 39
    assert tracker.is_face(0)
    assert not tracker.is_face(1)
    assert tracker.tracks().numbers == [0]


@pytest.mark.parametrize(("gap", "limit"), [(0, 21), (20, 41)])
def test_a_bounded_number_of_frames_waits(gap: int, limit: int) -> None:
    """Smoothing needs 0.8 s, which are 20 frames, and a gap its length in addition."""
    script = CountedScript([[LEFT]] * 200 + [[]] * gap + [[LEFT]] * 200)
    tracker = FaceTracker(detector=script, interval=script.interval)
    waiting = [
        script.num_read - number for number, _ in enumerate(track_frames(script, tracker, longest_side=320), start=1)
    ]
    assert max(waiting) <= limit + PREFETCHED_FRAMES + 2
    assert max(waiting) >= limit - 1
