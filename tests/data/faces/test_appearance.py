"""Color histograms of faces."""

import cv2
import numpy as np
import pytest

from mdhr.data.faces.appearance import SAMPLES, face_histogram, histogram_distance


def person(hue: int) -> np.ndarray:
    """Return a textured image ``(60, 50, 3)`` around a hue of 0 to 179."""
    texture = cv2.resize(np.random.default_rng(hue).integers(0, 40, (6, 5, 3)).astype(np.uint8), (50, 60))
    return cv2.cvtColor(texture + np.array([hue, 120, 140], np.uint8), cv2.COLOR_HSV2RGB)


def test_histogram_sums_to_one_and_does_not_depend_on_size() -> None:
    image = person(20)
    histogram = face_histogram(image, np.array([10, 10, 30, 40]))
    assert histogram.sum() == pytest.approx(1)
    large = cv2.resize(image, None, fx=3, fy=3)
    assert histogram_distance(histogram, face_histogram(large, 3 * np.array([10, 10, 30, 40]))) < 0.3
    assert histogram_distance(histogram, histogram) == pytest.approx(0, abs=1e-6)


def test_colors_distinguish_people_and_brightness_does_not_matter_much() -> None:
    box = np.array([10, 10, 30, 40])
    one, other = face_histogram(person(20), box), face_histogram(person(110), box)
    brighter = face_histogram((person(20) * 1.05).astype(np.uint8), box)
    assert histogram_distance(one, other) > 0.9
    assert histogram_distance(one, brighter) < 0.45


@pytest.mark.parametrize("box", [(-90, -90, 20, 20), (200, 10, 20, 20), (-10, 50, 300, 300), (5, 5, 0.1, 0.1)])
def test_box_may_leave_the_image(box: tuple[float, float, float, float]) -> None:
    histogram = face_histogram(person(20), np.array(box))
    assert round(histogram.sum() * SAMPLES**2) == SAMPLES**2


def test_distance_is_that_of_hellinger() -> None:
    first, second = np.array([0.5, 0.5, 0]), np.array([0, 0.5, 0.5])
    expected = np.linalg.norm(np.sqrt(first) - np.sqrt(second)) / np.sqrt(2)
    assert histogram_distance(first, second) == pytest.approx(expected)
