"""Tests of the attention figure."""

import warnings

import numpy as np
import pytest

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.reporting.figures.attention_figure import plot_attention
from mdhr.reporting.figures.captured_weights import CapturedWeights


def inside(num_frames: int, num_aus: int, *, active: bool) -> CapturedWeights:
    """Scale 1 has the largest weight at three of four positions; every action unit attends only to the first."""
    weights = np.full((num_frames, 4, 2, 2), 0.1)
    weights[:, 1] = 0.7
    weights[:, :, 0, 0] = (0.7, 0.1, 0.1, 0.1)
    attention = np.zeros((num_frames, num_aus, num_aus))
    attention[:, :, 0] = 1
    scores = np.zeros((num_frames, num_aus))
    return CapturedWeights(scores, weights, np.full((num_frames, num_aus), active), attention)


@pytest.mark.parametrize(("au_set", "num_frames"), [(BP4D, 16), (DISFA, 3), (DISFA, 1)])
def test_weights_shares_and_attention_are_plotted(au_set: ActionUnitSet, num_frames: int) -> None:
    given = inside(num_frames, len(au_set.aus), active=num_frames > 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plot_attention(
            given,
            au_set=au_set,
            frames=np.zeros((num_frames, 32, 32, 3), np.uint8),
            seconds=2 + np.arange(num_frames) / 25,
            truth=np.full((num_frames, len(au_set.aus)), -1, np.int8),
            strides=(4, 8, 16, 32),
            title="title",
            note="note",
        )
        figure.canvas.draw()
    texts = {text.get_text() for part in (figure, *figure.axes) for text in part.texts}
    # three places of four have 0.7, one 0.1
    assert "motion at stride 8\nmean weight 55%" in texts
    assert {"title", "note", "100", *(group.name for group in au_set.groups)} <= texts
    shares = next(ax for ax in figure.axes if [p.get_label() for p in ax.patches][:1] == ["stride 4"])
    heights = [patch.get_data().values[0] - patch.get_data().baseline[0] for patch in shares.patches]
    assert heights == [0.25, 0.75, 0, 0]
    matrix = next(ax for ax in figure.axes if ax.get_xticklabels() and ax.get_xticklabels()[0].get_text() == "AU1")
    assert np.array_equal(matrix.images[0].get_array()[:, 0], np.ones(len(au_set.aus)))
    arrows = figure.axes[-1].patches
    assert len(arrows) == len(au_set.aus) - 1, "one from the first to every other"
