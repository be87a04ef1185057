"""Column checks: grouping and counting of invalid cells."""

import numpy as np
import pandas as pd

from mdhr.data.column_checks import ColumnCheck, check_columns, one_of


def test_cells_are_counted_as_a_loop_counts_them() -> None:
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.choice(["0", "1", "9", "5", "", "a"], (60, 3)), columns=["AU1", "AU2", "AU4"])
    table = table.assign(frame=range(60), video=[f"V{n // 20}" for n in range(60)])
    rule = ColumnCheck(is_valid=one_of((0, 1, 9)), what="{value} {column} {frame}")
    expected: dict[str, list[str]] = {}
    for n in range(60):
        for column in ("AU1", "AU2", "AU4"):
            if table.loc[n, column] not in ("0", "1", "9"):
                told = f"{table.loc[n, column] or '(nothing)'} {column} {n}"
                expected.setdefault(str(table.loc[n, "video"]), []).append(told)
    problems = check_columns(table, dict.fromkeys(("AU1", "AU2", "AU4"), rule))
    assert {p.where: p.count for p in problems} == {where: len(told) for where, told in expected.items()}
    for problem in problems:
        frames = [int(told.split()[-1]) for told in expected[problem.where]]
        assert problem.what in expected[problem.where]
        assert int(problem.what.split()[-1]) == min(frames)


def test_checks_are_reported_separately_and_absent_columns_skipped() -> None:
    table = pd.DataFrame({"video": ["A", "A", "B"], "x": [0, 5, 5], "y": [5, 0, 0]}, index=[7, 7, 7])
    small = ColumnCheck(is_valid=lambda cells: cells < 5, what="{column} is {value}, y {y}")
    also = ColumnCheck(is_valid=lambda cells: cells < 5, what="{column} too", level="note", fix="less")
    problems = check_columns(table, {"x": small, "y": also, "z": small})
    assert [(p.where, p.what, p.count, p.level) for p in problems] == [
        ("A", "x is 5, y 0", 1, "error"), ("B", "x is 5, y 0", 1, "error"), ("A", "y too", 1, "note")
    ]  # fmt: skip
    assert check_columns(table, {"z": small}) == []
