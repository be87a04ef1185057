"""Tests of the code files of rendered videos against other readers of their formats."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pympi.Elan import Eaf
from pympi.Praat import TextGrid

from mdhr.synthetic.code_files import CODE_FORMATS, VideoCodes

AUS = (4, 12, 45)
NEVER = 2
"""Index of the action unit that never occurs."""


@pytest.fixture(params=[25.0, 30.0])
def codes(request: pytest.FixtureRequest, tmp_path: Path) -> VideoCodes:
    labels = np.random.default_rng(3).integers(0, 2, (40, 3)).astype(np.int8)
    labels[:, NEVER] = 0
    intensity = 0.3 * labels.astype(np.float32)
    video = tmp_path / "S01_T1.mp4"
    return VideoCodes(video=video, subject="S01", fps=request.param, aus=AUS, labels=labels, intensity=intensity)


def naive_runs(track: np.ndarray) -> list[tuple[int, int]]:
    groups = itertools.groupby(enumerate(track), key=lambda item: item[1])
    runs = [[f for f, _ in members] for label, members in groups if label == 1]
    return [(run[0], run[-1] + 1) for run in runs]


def expected(codes: VideoCodes, *, decimals: int) -> dict[str, list[tuple[float, float]]]:
    return {
        f"AU{au}": [tuple(round(f / codes.fps, decimals) for f in run) for run in naive_runs(codes.labels[:, n])]
        for n, au in enumerate(AUS)
    }


def write(codes: VideoCodes, name: str) -> Path:
    suffix, writer = CODE_FORMATS[name]
    path = codes.video.with_suffix(suffix)
    writer(path, codes)
    return path


def test_eaf_contains_the_occurrences(codes: VideoCodes) -> None:
    file = Eaf(str(write(codes, "eaf")), suppress_version_warning=True)
    assert set(file.get_tier_names()) == {"AU4", "AU12", "AU45"}
    for tier, bounds in expected(codes, decimals=3).items():
        read = sorted((start / 1000, end / 1000) for start, end, *_ in file.get_annotation_data_for_tier(tier))
        assert read == bounds
    assert file.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == "S01_T1.mp4"


def test_textgrid_contains_the_occurrences_and_covers_the_video(codes: VideoCodes) -> None:
    file = TextGrid(str(write(codes, "textgrid")))
    for tier, bounds in expected(codes, decimals=4).items():
        intervals = file.get_tier(tier).intervals
        assert [(start, end) for start, end, text in intervals if text] == bounds
        assert intervals[0][0] == 0
        assert intervals[-1][1] == file.xmax
        assert all(a[1] == b[0] for a, b in itertools.pairwise(intervals))


@pytest.mark.parametrize(
    ("name", "separator", "time", "kind", "start", "stop"),
    [("boris", ",", "Time", "Behavior type", "START", "STOP"),
     ("noldus", ";", "Time_Relative_sf", "Event_Type", "State start", "State stop")],
)  # fmt: skip
def test_event_tables_contain_a_start_and_a_stop_per_occurrence(
    codes: VideoCodes, name: str, separator: str, time: str, kind: str, start: str, stop: str
) -> None:
    table = pd.read_csv(write(codes, name), sep=separator)
    assert table[time].is_monotonic_increasing
    for behavior, bounds in expected(codes, decimals=4).items():
        events = table[table["Behavior"] == behavior]
        starts, stops = (events.loc[events[kind] == value, time].tolist() for value in (start, stop))
        assert list(zip(starts, stops, strict=True)) == bounds


def test_frame_table_contains_the_labels(codes: VideoCodes) -> None:
    table = pd.read_csv(write(codes, "csv"))
    assert table["frame"].tolist() == list(range(40))
    np.testing.assert_array_equal(table[["AU4", "AU12", "AU45"]], codes.labels)


def test_openface_table_contains_occurrence_and_intensity(codes: VideoCodes) -> None:
    table = pd.read_csv(write(codes, "openface"), skipinitialspace=True)
    assert table["frame"].tolist() == list(range(1, 41))
    np.testing.assert_array_equal(table[["AU04_c", "AU12_c", "AU45_c"]], codes.labels)
    np.testing.assert_allclose(table[["AU04_r", "AU12_r", "AU45_r"]], 1.5 * codes.labels, atol=1e-6)
