"""F1 of every action unit, counted frame by frame in Python."""

from collections.abc import Sequence


def plain_f1(scores: Sequence[Sequence[float]], labels: Sequence[Sequence[int]], *, threshold: float) -> list[float]:
    """F1 of N action units over F frames; labels of -1 are left out."""
    num_aus = len(scores[0])
    found = [{"both": 0, "wrong": 0, "missed": 0} for _ in range(num_aus)]
    for frame_scores, frame_labels in zip(scores, labels, strict=True):
        for n in range(num_aus):
            if frame_labels[n] == -1:
                continue
            detected, there = frame_scores[n] >= threshold, frame_labels[n] == 1
            found[n]["both"] += detected and there
            found[n]["wrong"] += detected and not there
            found[n]["missed"] += there and not detected
    return [2 * f["both"] / max(1, 2 * f["both"] + f["wrong"] + f["missed"]) for f in found]
