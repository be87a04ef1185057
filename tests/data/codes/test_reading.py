"""Code files of every format against the labels that they were written from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdhr.action_units import action_unit_set
from mdhr.data.codes.reading import read_codes
from mdhr.data.codes.settings import CodeSettings
from tests.support.code_files import WRITERS, known_labels

AU_SET = action_unit_set("own", [1, 2, 12, 25, 45])


@pytest.mark.parametrize("fps", [25.0, 29.97, 30.0])
@pytest.mark.parametrize("name", WRITERS)
def test_every_frame_has_the_written_labels(tmp_path: Path, name: str, fps: float) -> None:
    labels = known_labels(AU_SET.columns, num_frames=101)
    path = WRITERS[name](tmp_path / "a", labels, fps)
    table, problems = read_codes(path, au_set=AU_SET, fps=fps, num_frames=101, settings=CodeSettings())
    assert problems == []
    pd.testing.assert_frame_equal(table, labels, check_dtype=False)
    assert table["frame"].dtype == np.int64
    assert set(table[list(AU_SET.columns)].dtypes) == {np.dtype(np.int8)}
