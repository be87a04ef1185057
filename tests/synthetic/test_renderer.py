"""Rendered frames: determinism, region and side of each action unit, landmarks, pose, light, and camera."""

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.heads import HEAD_NAMES, LOADERS, cached_head
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer

SIZE = 128
SEED = 3

# rows of the frame between two landmarks, where the unit must show
REGIONS = {
    **dict.fromkeys((1, 2, 4), ("forehead_middle", "lid_6_left")),
    6: ("brow_3_left", "lip_outer_0"),
    7: ("brow_3_left", "nose_wing_left"),
    9: ("brow_3_left", "lip_outer_3"),
    **dict.fromkeys((10, 12, 14, 15, 23, 24, 25), ("cheek_inner_left", "chin_middle")),
    **dict.fromkeys((17, 26), ("nose_tip_middle", None)),
}


@pytest.fixture(scope="module", params=HEAD_NAMES)
def head(request) -> HeadModel:
    return cached_head(request.param)


@pytest.fixture(scope="module")
def renderer(head):
    return Renderer(head=head, size=SIZE)


@pytest.fixture(scope="module")
def identity(head):
    return make_identity(head, seed=SEED, texture_size=256)


def animated(num_frames: int = 1, **changes) -> FaceAnimation:
    """Return a neutral animation with some fields set in all frames."""
    animation = FaceAnimation.neutral(num_frames)
    for name, value in changes.items():
        getattr(animation, name)[:] = value
    return animation


def with_unit(au: int, *intensities: float | tuple[float, float]) -> FaceAnimation:
    """Return an animation with one frame per intensity of one action unit."""
    animation = FaceAnimation.neutral(len(intensities))
    for f, intensity in enumerate(intensities):
        animation.intensity[f, AUS.index(au)] = intensity
    return animation


def frames(renderer, identity, animation):
    return [renderer.frame(identity, animation, f).astype(float) for f in range(animation.num_frames)]


def at(renderer, identity, animation, f: int = 0) -> dict[str, np.ndarray]:
    return dict(zip(renderer.landmark_names, renderer.landmarks(identity, animation, f), strict=True))


@pytest.mark.parametrize("name", HEAD_NAMES)
def test_same_seed_same_bytes(name):
    head = cached_head(name)
    identity = make_identity(head, seed=SEED, texture_size=256)
    rng = np.random.default_rng(0)
    animation = animated(3, noise=3.0, blur=0.7, rotation=(5, -4, 3))
    animation.intensity[:] = rng.random(animation.intensity.shape)
    first = [Renderer(head=head, size=SIZE).frame(identity, animation, f) for f in range(3)]
    fresh = Renderer(head=LOADERS[name](), size=SIZE)
    fresh_identity = make_identity(fresh.head, seed=SEED, texture_size=256)
    for f in (2, 0, 1):  # no frame depends on the previous one
        assert fresh.frame(fresh_identity, animation, f).tobytes() == first[f].tobytes()


def test_frame_format(renderer, identity):
    frame = renderer.frame(identity, animated(), 0)
    assert frame.shape == (SIZE, SIZE, 3)
    assert frame.dtype == np.uint8
    assert frame.std() > 20
    skin = frame[SIZE // 2, SIZE // 2].astype(int)
    assert skin[0] > skin[2]  # RGB, not BGR


def test_frames_own_their_memory(renderer, identity):
    first = renderer.frame(identity, animated(), 0)
    kept = first.copy()
    renderer.frame(identity, animated(rotation=(20, 0, 0), exposure=0.5), 0)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("au", AUS)
def test_a_unit_moves_its_region_and_more_with_intensity(renderer, identity, au):
    rest, weak, middle, strong = frames(renderer, identity, with_unit(au, 0.0, 0.3, 0.7, 1.2))
    change = [np.abs(moved - rest).mean() for moved in (weak, middle, strong)]
    assert 0.02 < change[0] < change[1] < change[2]
    marks = at(renderer, identity, animated())
    top, bottom = REGIONS[au]
    first = max(int(marks[top][1]) - 4, 0)  # the forehead may lie slightly outside
    rows = slice(first, SIZE if bottom is None else int(marks[bottom][1]) + 5)
    where = np.abs(strong - rest).sum((1, 2))
    assert where[rows].sum() > 0.85 * where.sum()


@pytest.mark.parametrize("au", [au for au in AUS if au not in (25, 26)])
def test_sides_are_separate(renderer, identity, au):
    rest, left, right = frames(renderer, identity, with_unit(au, 0.0, (1.0, 0.0), (0.0, 1.0)))
    half = SIZE // 2
    for moved, own, other in (
        (left, slice(half, None), slice(None, half)),  # the subject's left is the image's right
        (right, slice(None, half), slice(half, None)),
    ):
        change = np.abs(moved - rest)
        assert change[:, own].sum() > 3 * change[:, other].sum()


def mirrored(animation: FaceAnimation) -> FaceAnimation:
    changes = {
        "intensity": animation.intensity[..., ::-1].copy(),
        "gaze": animation.gaze * np.float32([-1, 1]),
        "mouth_shift": -animation.mouth_shift,
        "rotation": animation.rotation * np.float32([-1, 1, -1]),
        "shift": animation.shift * np.float32([-1, 1]),
        "light_direction": animation.light_direction * np.float32([-1, 1, 1]),
    }
    assert set(changes) <= {field.name for field in fields(animation)}
    return replace(animation, **changes)


def test_a_mirrored_performance_mirrors(renderer, identity):
    animation = with_unit(12, (1.2, 0.1))
    for name, value in {"rotation": (12, 3, 6), "gaze": (0.7, 0.2), "mouth_shift": 0.5, "shift": (0.01, 0)}.items():
        getattr(animation, name)[:] = value
    picture, mirror = (
        cv2.blur(renderer.frame(identity, p, 0)[:, :, 1].astype(np.float32), (5, 5))
        for p in (animation, mirrored(animation))
    )
    assert np.abs(picture - mirror[:, ::-1]).mean() < 0.35 * np.abs(picture - mirror).mean()
    here, there = (renderer.landmarks(identity, p, 0) for p in (animation, mirrored(animation)))
    partner = [
        renderer.landmark_names.index(
            name.replace("left", "@").replace("right", "left").replace("@", "right")
            if "left" in name or "right" in name
            else name
        )
        for name in renderer.landmark_names
    ]
    sided = [k for k, p in enumerate(partner) if k != p]
    flipped = there[partner] * [-1, 1] + [SIZE - 1, 0]
    assert np.abs(here - flipped)[sided].mean() < 1.5


@pytest.mark.parametrize("rotation", [(0, 0, 0), (12, 5, -6), (-12, -6, 6)])
def test_landmarks_agree_with_the_rasterizer(renderer, head, identity, rotation):
    """The UV coordinates rendered at a landmark's pixel are those of the landmark."""
    animation = animated(rotation=rotation)
    marks = renderer.landmarks(identity, animation, 0)
    assert ((marks > -0.05 * SIZE) & (marks < 1.05 * SIZE)).all()  # forehead landmarks may lie slightly outside
    inner = [k for k, name in enumerate(renderer.landmark_names) if "forehead" not in name]
    assert ((marks[inner] > 0) & (marks[inner] < SIZE - 1)).all()
    renderer.frame(identity, animation, 0)
    rendered = renderer._raster
    for name in (
        "nose_tip_middle",
        "bridge_2_middle",
        "brow_3_left",
        "brow_3_right",
        "chin_boss_middle",
    ):
        x, y = marks[renderer.landmark_names.index(name)]
        here = rendered[round(float(y)), round(float(x)), :2]
        np.testing.assert_allclose(here, head.uv[head.landmarks[name]], atol=0.0045)  # a pixel is 0.0046 of the texture


def test_pose_signs(renderer, identity):
    rest = at(renderer, identity, animated())
    nose, eye = "nose_tip_middle", "iris_left"
    assert at(renderer, identity, animated(rotation=(10, 0, 0)))[nose][0] > rest[nose][0] + 2
    assert at(renderer, identity, animated(rotation=(0, 10, 0)))[nose][1] < rest[nose][1] - 2
    rolled = at(renderer, identity, animated(rotation=(0, 0, 10)))
    assert rolled["iris_left"][1] < rolled["iris_right"][1] - 3
    assert at(renderer, identity, animated(gaze=(1, 0)))[eye][0] > rest[eye][0] + 0.5
    assert at(renderer, identity, animated(gaze=(0, 1)))[eye][1] < rest[eye][1] - 0.3
    assert at(renderer, identity, animated(mouth_shift=1))["lip_outer_3"][0] > rest["lip_outer_3"][0] + 1
    assert at(renderer, identity, animated(shift=(0.01, 0.01)))[nose] == pytest.approx(rest[nose] + [7.3, -7.3], abs=1)
    far, near = (at(renderer, identity, animated(distance=d)) for d in (0.7, 0.55))
    spread = [m["iris_left"][0] - m["iris_right"][0] for m in (far, near)]
    assert spread[0] / spread[1] == pytest.approx(0.55 / 0.7, rel=0.03)


def test_a_blink_closes_the_eyes(renderer, identity):
    gap = [
        (marks := at(renderer, identity, animated(blink=blink)))["lid_6_left"][1] - marks["lid_2_left"][1]
        for blink in (0.0, 0.5, 1.0)
    ]
    assert gap[0] > gap[1] > gap[2]
    assert gap[2] < 0.35 * gap[0]


def test_light_and_lens(renderer, identity):
    half = SIZE // 2
    from_right, from_left = (
        renderer.frame(identity, animated(light_direction=(x, 0.2, 0.4)), 0).astype(float) for x in (1, -1)
    )
    face = (slice(half - 20, half + 40), slice(None))
    assert from_right[face][:, half:].mean() > from_right[face][:, :half].mean() + 10
    assert from_left[face][:, :half].mean() > from_left[face][:, half:].mean() + 10
    plain = renderer.frame(identity, animated(), 0).astype(float)
    sharpness = [
        cv2.Laplacian(renderer.frame(identity, animated(blur=blur), 0), cv2.CV_32F).std() for blur in (0.0, 1.0, 2.0)
    ]
    assert sharpness[0] > sharpness[1] > sharpness[2]
    noisy = renderer.frame(identity, animated(noise=6.0), 0).astype(float)
    assert (noisy - plain).std() == pytest.approx(6, abs=1)
    assert renderer.frame(identity, animated(exposure=0.5), 0)[half].mean() < plain[half].mean()
    warm = renderer.frame(identity, animated(light_color=(1.2, 1.0, 0.7)), 0)[half, half].astype(float)
    assert warm[2] / warm[0] < plain[half, half, 2] / plain[half, half, 0]


def test_zoom_and_size_scale_the_landmarks(head, identity):
    base, tight, large = (
        Renderer(head=head, size=size, zoom=zoom).landmarks(identity, animated(), 0) + 0.5
        for size, zoom in ((100, 1.0), (100, 1.25), (200, 1.0))
    )
    np.testing.assert_allclose(tight - 50, 1.25 * (base - 50), atol=1e-3)
    np.testing.assert_allclose(large, 2 * base, atol=1e-3)
