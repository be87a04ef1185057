"""Cells of frame tables: unknown labels, intensities, thresholds, and OpenFace columns."""

from pathlib import Path

import pandas as pd
import pytest

from mdhr.action_units import action_unit_set
from mdhr.data.codes.mapping import parse_codes, parse_mapping
from mdhr.data.codes.reading import read_codes
from mdhr.data.codes.settings import CodeSettings
from mdhr.errors import InputError

AU_SET = action_unit_set("own", [12, "L14"])


def read(path: Path, text: str, **settings: object) -> pd.DataFrame:
    path.write_text(text)
    table, problems = read_codes(path, au_set=AU_SET, fps=25, num_frames=6, settings=CodeSettings(**settings))
    assert [problem for problem in problems if problem.level == "error"] == []
    return table


def test_empty_cells_and_nine_are_unknown(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", "frame,AU12,14L\n0,1,9\n1,,0\n2,0,1\n3,9,1\n4,1.0,\n5,0,0\n")
    assert table["AU12"].tolist() == [1, -1, 0, -1, 1, 0]
    assert table["L14"].tolist() == [-1, 0, 1, 1, -1, 0]


@pytest.mark.parametrize(("threshold", "active"), [(1, [0, 1, 1, 1, 1, -1]), (3, [0, 0, 0, 1, 1, -1])])
@pytest.mark.parametrize("cells", ["0ABCE9", "01235 "])
def test_intensities_count_from_the_threshold(tmp_path: Path, cells: str, threshold: int, active: list[int]) -> None:
    lines = [f"{frame},{cell},0" for frame, cell in enumerate(cells)]
    table = read(tmp_path / "a.csv", "\n".join(["frame,au 12,L14", *lines]), threshold=threshold)
    assert table["AU12"].tolist() == active
    assert table["intensity_AU12"].tolist() == [0, 1, 2, 3, 5, -1]


def test_lines_that_are_missing_are_unknown(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", "frame,AU12,L14\n2,1,0\n4,1,1\n", first_frame=1)
    assert table["frame"].tolist() == [1, 2, 3]
    assert table["AU12"].tolist() == [1, -1, 1]


def test_openface_occurrence_intensity_and_failed_frames(tmp_path: Path) -> None:
    lines = ["frame, timestamp, success, AU12_r, AU12_c", "1, 0.0, 1, 0.6, 1.0", "2, 0.04, 1, 2.4, 0.0"]
    text = "\n".join([*lines, "3, 0.08, 0, 3.0, 1.0"])
    table = read(tmp_path / "a.csv", text, absent="unknown")
    assert table["AU12"].tolist() == [1, 0, -1]
    table = read(tmp_path / "a.csv", text, absent="unknown", threshold=1)
    assert table["AU12"].tolist() == [0, 1, -1]
    assert table["L14"].tolist() == [-1, -1, -1]


def test_names_and_mapping() -> None:
    mapping = parse_mapping({"Big  Smile": [6, "AU12"], "speech": None}, where="map.yaml")
    assert parse_codes("big smile", mapping) == [(6, None), (12, None)]
    assert parse_codes("Speech", mapping) == []
    assert parse_codes("6+12C", mapping) == [(6, None), (12, 3)]
    assert parse_codes("grin", mapping) is None
    with pytest.raises(InputError, match=r"map\.yaml: smile: 'AU99' is not a facial action unit"):
        parse_mapping({"smile": "AU99"}, where="map.yaml")
    with pytest.raises(InputError, match="expected one line per name"):
        parse_mapping(["AU12"], where="map.yaml")
