"""Identities: determinism, appearance, texture, hair, and wrinkles."""

import numpy as np
import pytest

from mdhr.synthetic.appearance import sample_appearance
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.hair import hair_mask
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.heads import HEAD_NAMES, LOADERS, cached_head
from mdhr.synthetic.identity import FACE_HEIGHT, make_identity
from mdhr.synthetic.uv_layout import PATCH, SPAN, TOP
from mdhr.synthetic.wrinkles import FEATURES, make_wrinkles

SIZE = 256


@pytest.fixture(scope="module", params=HEAD_NAMES)
def head(request) -> HeadModel:
    return cached_head(request.param)


@pytest.fixture(scope="module")
def identities(head):
    return [make_identity(head, seed=seed, texture_size=SIZE) for seed in range(6)]


def patch(texture, x, y, radius=0.003):
    """Mean color around a point of the chart in meters."""
    row, column = (TOP - y) / SPAN * SIZE, (x / SPAN + 0.5) * SIZE
    reach = radius / SPAN * SIZE
    box = [slice(round(at - reach), round(at + reach) + 1) for at in (row, column)]
    return texture[box[0], box[1]].reshape(-1, 3).mean(0)


@pytest.mark.parametrize("name", HEAD_NAMES)
def test_same_seed_same_bytes(name):
    identities = {seed: make_identity(cached_head(name), seed=seed, texture_size=SIZE) for seed in (3, 4)}
    again = make_identity(LOADERS[name](), seed=3, texture_size=SIZE)
    for name in ("neutral", "texture", "gain"):
        assert getattr(again, name).tobytes() == getattr(identities[3], name).tobytes()
        assert getattr(again, name).tobytes() != getattr(identities[4], name).tobytes()
    for one, other in zip(again.wrinkles, identities[3].wrinkles, strict=True):
        assert one.layer.tobytes() == other.layer.tobytes()


def test_every_face_fills_the_frame_alike(head, identities):
    marks = head.landmarks
    for identity in identities:
        brows = [marks[f"brow_{k}_{side}"] for k in range(1, 6) for side in ("left", "right")]
        height = identity.neutral[brows, 1].mean() - identity.neutral[marks["chin_middle"], 1]
        assert height == pytest.approx(FACE_HEIGHT, abs=1e-5)
        assert not np.isnan(identity.neutral).any()


def test_resting_faces_differ_by_more_than_shape(head):
    """The resting expression is there (mouth corners lean up or down) and is no grimace."""
    marks = head.landmarks
    lean = []
    for seed in range(12):
        face = make_identity(head, seed=seed, texture_size=64).neutral
        corners = face[[marks["lip_outer_0"], marks["lip_outer_6"]], 1].mean()
        lean.append(corners - face[marks["lip_upper_1"], 1])
    assert 0.0007 < np.std(lean) < 0.005


def test_tone_follows_ancestry():
    appearances = [sample_appearance(np.random.default_rng(seed)) for seed in range(300)]
    african = [appearance.ancestry[0] for appearance in appearances]
    assert np.corrcoef(african, [appearance.skin_color.mean() for appearance in appearances])[0, 1] < -0.8
    light_eyed = [appearance for appearance in appearances if appearance.iris_color[2] > 0.2]
    assert light_eyed
    assert all(appearance.ancestry[2] > 0.6 for appearance in light_eyed)
    assert all(appearance.beard_density == 0 for appearance in appearances if appearance.masculinity < 0.5)


def test_features_are_painted_where_the_mesh_has_them(identities):
    for identity in identities:
        texture = identity.texture.astype(float)
        forehead, brow = patch(texture, 0.0, 0.036).sum(), patch(texture, 0.024, 0.0185, 0.001).sum()
        assert brow < 0.92 * forehead
        lip, cheek = patch(texture, 0.0, -0.073), patch(texture, 0.035, -0.02)
        if identity.appearance.beard_density == 0:
            assert lip[1] / lip[0] < cheek[1] / cheek[0]  # lips are redder
        edge = round(PATCH * SIZE)
        eye = texture[-edge:, :edge]
        assert eye[edge // 2 + 2, edge // 2].sum() < 100 < 400 < eye[edge // 2, edge // 5].sum()  # pupil, white


def test_hair_is_above_its_line_only():
    appearance = sample_appearance(np.random.default_rng(1))
    x, y = np.zeros(3, np.float32), np.array([0.0, appearance.hairline + 0.02, -0.05], np.float32)
    mask = hair_mask(appearance, x, y)
    assert mask[1] == pytest.approx(appearance.hair_cover, abs=0.01)
    assert mask[0] < 0.01
    assert mask[2] < 0.01


@pytest.mark.parametrize("size", [128, 512])
def test_wrinkles_mirror_and_grow_with_strength(size):
    weak = make_wrinkles(np.random.default_rng(0), size=size, strength=0.5)
    strong = make_wrinkles(np.random.default_rng(0), size=size, strength=1.0)
    assert {AUS[wrinkle.au] for wrinkle in weak} == set(FEATURES)
    for k in range(0, len(weak), 2):
        left, right = weak[k], weak[k + 1]
        assert (left.side, right.side) == (0, 1)
        assert left.rows == right.rows
        assert (right.columns.start, right.columns.stop) == (size - left.columns.stop, size - left.columns.start)
        np.testing.assert_array_equal(left.layer[:, ::-1], right.layer)
        np.testing.assert_allclose(strong[k].layer, 2 * left.layer, rtol=1e-5, atol=1e-7)
        assert left.layer.shape == (left.rows.stop - left.rows.start, left.columns.stop - left.columns.start)
        assert left.layer.min() < -0.02
