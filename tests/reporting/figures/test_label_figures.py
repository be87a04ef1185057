"""Tests of the label figures."""

import warnings
from io import BytesIO

import cv2
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.inference.timeline import TRUE_COLOR
from mdhr.reporting.figures.label_figures import plot_co_occurrence, plot_label_distribution, plot_run_lengths
from mdhr.reporting.label_statistics import active_runs, co_occurrence, label_distribution, run_lengths


def table_of(au_set: ActionUnitSet, labels: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame({"subject": "F001", "task": "T1", "frame": np.arange(len(labels))})
    return table.assign(**dict(zip(au_set.columns, labels.T, strict=True)))


def random_table(au_set: ActionUnitSet, *, values: list[int]) -> pd.DataFrame:
    return table_of(au_set, np.random.default_rng(0).choice(values, (500, len(au_set.aus))).astype(np.int8))


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for part in (figure, *figure.axes) for text in part.texts}


def pixels(figure: Figure) -> np.ndarray:
    """Return the figure as ``(H, W, 3)`` RGB."""
    content = BytesIO()
    figure.savefig(content, format="png")
    picture = cv2.imdecode(np.frombuffer(content.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture)[..., ::-1].astype(int)


def test_bars_equal_the_counts() -> None:
    distribution = label_distribution(random_table(BP4D, values=[0, 0, 1, -1]), BP4D, fps=25)
    figure = plot_label_distribution(distribution, title="BP4D: title", note="note")
    (ax,) = figure.axes
    drawn = {bars.get_label(): [bar.get_width() for bar in bars] for bars in ax.containers}
    assert drawn == {label: distribution[label].tolist() for label in ("active", "inactive", "unknown")}
    assert {"BP4D: title", "note", *(f"{100 * rate:.1f} %" for rate in distribution["rate"])} <= texts(figure)
    assert [label.get_text() for label in ax.get_yticklabels()][-1] == "AU24 lip pressor"
    blue = (np.abs(pixels(figure) - [int(TRUE_COLOR[i : i + 2], 16) for i in (1, 3, 5)]) <= 2).all(-1)
    rows = np.flatnonzero(blue.any(1))
    assert len(rows) > 12 * 10, "twelve blue bars"
    assert rows[-1] - rows[0] > 500


def test_unknown_is_omitted_without_unknown_labels() -> None:
    figure = plot_label_distribution(
        label_distribution(random_table(DISFA, values=[0, 1]), DISFA, fps=20), title="", note=""
    )
    assert [bars.get_label() for bars in figure.axes[0].containers] == ["active", "inactive"]


def test_heat_map_shows_every_pair_except_the_diagonal() -> None:
    table = random_table(DISFA, values=[0, 1])
    together, rates = co_occurrence(table, DISFA), label_distribution(table, DISFA, fps=20)["rate"]
    figure = plot_co_occurrence(together, rates, title="title", note="one\ntwo\nthree")
    above, below = figure.axes
    assert [text.get_text() for text in above.texts] == [f"{100 * rate:.0f}" for rate in rates]
    assert len(below.texts) == 8 * 7
    shown = {text.get_position(): text.get_text() for text in below.texts}
    assert shown[3, 1] == f"{100 * together.iloc[1, 3]:.0f}", "x is the column, y the row"


def test_run_lengths_are_plotted_at_their_position() -> None:
    """AU1 has runs of 3 frames at 10 frames/s."""
    labels = np.zeros((80, 8), np.int8)
    labels[:, 0] = np.arange(80) % 4 < 3
    runs = active_runs(table_of(DISFA, labels), DISFA)
    figure = plot_run_lengths(runs, run_lengths(runs, fps=10), fps=10, title="", note="")
    assert {"0.3 s, 20 runs", "no runs"} <= texts(figure)
    steps = figure.axes[0].patches[0].get_data()
    (bin_,) = np.flatnonzero(steps.values != steps.baseline)
    assert steps.edges[bin_ : bin_ + 2].tolist() == [0.3, 0.4]


@pytest.mark.parametrize("labels", [np.zeros((9, 12)), -np.ones((9, 12)), np.ones((1, 12)), np.ones((9, 12))],
                         ids=["never", "unknown", "one frame", "always"])  # fmt: skip
def test_extreme_labels_raise_no_warning(labels: np.ndarray) -> None:
    table = table_of(BP4D, labels.astype(np.int8))
    distribution, runs = label_distribution(table, BP4D, fps=25), active_runs(table, BP4D)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in (
            plot_label_distribution(distribution, title="", note=""),
            plot_run_lengths(runs, run_lengths(runs, fps=25), fps=25, title="", note=""),
            plot_co_occurrence(co_occurrence(table, BP4D), distribution["rate"], title="", note=""),
        ):
            assert pixels(figure).shape[1] >= 900
