"""Looks of the general style: every effect changes the frame where it should, and the same seed gives the same bytes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mdhr.action_units import BP4D
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.camera_effects import blur_motion, transmit
from mdhr.synthetic.cast_shadow import CastShadow, cast_shadow
from mdhr.synthetic.face_units import AUS, MOUTH_MOVEMENTS
from mdhr.synthetic.general_acting import GeneralClipSimulator
from mdhr.synthetic.glasses import Glasses
from mdhr.synthetic.identity import Identity, make_identity
from mdhr.synthetic.looks import (
    CLIP_PROBABILITIES,
    IDENTITY_PROBABILITIES,
    IdentityLooks,
    Looks,
    sample_clip_looks,
    sample_identity_looks,
)
from mdhr.synthetic.loose_hair import LooseHair
from mdhr.synthetic.occluder import ENTRY, HAND, HANDS, OBJECTS, Occluder
from mdhr.synthetic.renderer import Renderer

SIZE = 96


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(head=load_anny_head(), size=SIZE)


@pytest.fixture(scope="module")
def identity(renderer) -> Identity:
    identity = make_identity(renderer.head, seed=3, texture_size=256)
    return replace(identity, appearance=replace(identity.appearance, hair_cover=1.0))


def plain_looks(num_frames: int = 1, **changes) -> Looks:
    nothing = {"occluder": None, "shadow": None, "textured_background": False}
    nothing |= {"shake": np.zeros((num_frames, 2), np.float32), "face_pixels": None, "compression_quality": None}
    return Looks(**nothing | changes)


def render(renderer, identity, looks: Looks, **intensities: float) -> np.ndarray:
    animation = replace(FaceAnimation.neutral(1), mouth=np.zeros((1, len(MOUTH_MOVEMENTS)), np.float32), looks=looks)
    for name, intensity in intensities.items():
        animation.intensity[:, AUS.index(int(name.removeprefix("AU")))] = intensity
    return renderer.frame(identity, animation, 0).astype(float)


def changed_rows(renderer, identity, looks: Looks) -> np.ndarray:
    """Mean absolute change of each quarter of the frame, from top to bottom."""
    change = np.abs(render(renderer, identity, looks) - render(renderer, identity, plain_looks()))
    return change.reshape(4, SIZE // 4, SIZE, 3).mean((1, 2, 3))


def hand(anchor: str, distance: float, frames: int = 1) -> Occluder:
    return Occluder(
        capsules=HAND,
        color=None,
        anchor=anchor,
        angle=0.0,
        mirrored=False,
        scale=1.0,
        distance=np.full(frames, distance, np.float32),
        sway=np.zeros((frames, 2), np.float32),
    )


def test_a_hand_hides_the_mouth_and_not_the_brows(renderer, identity):
    rows = changed_rows(renderer, identity, plain_looks(occluder=hand("lip_upper_1", 0.0)))
    assert rows[2:].min() > 5
    assert rows[0] == 0
    away = plain_looks(occluder=hand("lip_upper_1", ENTRY))
    np.testing.assert_array_equal(render(renderer, identity, away), render(renderer, identity, plain_looks()))


@pytest.mark.parametrize("capsules", [*HANDS, *OBJECTS])
def test_every_occluder_covers_its_anchor(renderer, identity, capsules):
    occluder = replace(hand("lip_upper_1", 0.0), capsules=capsules, color=(0.0, 0.9, 0.0))
    frame = render(renderer, identity, plain_looks(occluder=occluder))
    green = frame[..., 1] > 1.5 * frame[..., 0]
    assert 0.02 < green.mean() < 0.4


def test_glasses_change_the_eye_region_only(renderer, identity):
    glasses = Glasses.sample(np.random.default_rng(0))
    worn = replace(IdentityLooks.plain(), glasses=glasses)
    rows = changed_rows(renderer, identity, plain_looks(worn=worn))
    assert rows[1] > 1
    assert rows[3] == 0


def test_fringe_and_side_hair_are_drawn_where_hair_grows(renderer, identity):
    rng = np.random.default_rng(0)
    fringe, sides = (LooseHair.sample(rng, fringe=front, sides=not front) for front in (True, False))
    rows = changed_rows(renderer, identity, plain_looks(worn=replace(IdentityLooks.plain(), hair=fringe)))
    assert rows[0] > 1
    assert rows[2:].max() == 0
    change = np.abs(
        render(renderer, identity, plain_looks(worn=replace(IdentityLooks.plain(), hair=sides)))
        - render(renderer, identity, plain_looks())
    ).mean((0, 2))
    assert change[SIZE // 2 - 12 : SIZE // 2 + 12].max() == 0, "the middle of the face is free"
    assert change.max() > 5
    bald = replace(identity, appearance=replace(identity.appearance, hair_cover=0.45))
    worn = plain_looks(worn=replace(IdentityLooks.plain(), hair=fringe))
    np.testing.assert_array_equal(render(renderer, bald, worn), render(renderer, bald, plain_looks()))


def test_smooth_skin_has_no_painted_wrinkles(renderer, identity):
    smooth = plain_looks(worn=IdentityLooks(wrinkle_gain=np.zeros(len(AUS), np.float32)))
    without_layers = replace(identity, wrinkles=())
    np.testing.assert_array_equal(
        render(renderer, identity, smooth, AU4=1), render(renderer, without_layers, plain_looks(), AU4=1)
    )
    assert (
        np.abs(render(renderer, identity, plain_looks(), AU4=1) - render(renderer, identity, smooth, AU4=1)).max() > 5
    )


def test_wrinkles_range_from_none_to_strong():
    gains = np.stack([sample_identity_looks(seed).wrinkle_gain for seed in range(400)])
    assert (gains == 0).all(1).mean() == pytest.approx(IDENTITY_PROBABILITIES["smooth_skin"], abs=0.06)
    wrinkled = gains[gains.any(1)]
    assert wrinkled.min() < 0.1
    assert wrinkled.max() > 1.2
    assert wrinkled.std(1).mean() > 0.3, "differ between the action units of an identity"


def test_cast_shadow_darkens_one_side_and_moves():
    image = np.full((64, 64, 3), 200, np.uint8)
    centers = np.asarray([-0.5, 0.5], np.float32)
    shadow = CastShadow(angle=0.0, center=centers, half_width=0.4, softness=0.05, depth=0.5)
    left, right = (cast_shadow(image, shadow, f).astype(float) for f in (0, 1))
    assert left[:, :16].mean() == pytest.approx(100, abs=3)
    assert left[:, 48:].mean() == pytest.approx(200, abs=2)
    np.testing.assert_allclose(left[:, ::-1], right, atol=3)


def test_motion_blur_smears_along_the_motion():
    image = np.zeros((161, 161, 3), np.uint8)
    image[80, 80] = 255
    smeared = blur_motion(image, np.asarray([6.0, 0.0], np.float32))[..., 0]
    rows, columns = np.nonzero(smeared > 8)
    assert np.ptp(columns) in (5, 6, 7)
    assert np.ptp(rows) <= 2
    assert blur_motion(image, np.zeros(2, np.float32)) is image


def test_transmission_loses_detail():
    image = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    small, coded = transmit(image, size=48, quality=None), transmit(image, size=96, quality=15)
    for changed in (small, coded):
        assert changed.shape == image.shape
        assert np.abs(changed.astype(float) - image).mean() > 10
    assert small.std() < 0.7 * image.std()
    np.testing.assert_array_equal(transmit(image, size=96, quality=None), image)


def test_every_effect_occurs_with_its_probability():
    looks = [sample_clip_looks(np.random.default_rng(seed), num_frames=30, fps=8) for seed in range(600)]
    shares: dict[str, Callable[[Looks], bool]] = {
        "occluder": lambda one: one.occluder is not None,
        "cast_shadow": lambda one: one.shadow is not None,
        "textured_background": lambda one: one.textured_background,
        "low_resolution": lambda one: one.face_pixels is not None,
        "compression": lambda one: one.compression_quality is not None,
    }
    for name, occurs in shares.items():
        assert np.mean([occurs(one) for one in looks]) == pytest.approx(CLIP_PROBABILITIES[name], abs=0.07), name
    shaken = np.mean([bool(one.shake.any()) for one in looks])
    assert 0.7 * CLIP_PROBABILITIES["shaking_camera"] < shaken <= CLIP_PROBABILITIES["shaking_camera"] + 0.05
    worn = [sample_identity_looks(seed) for seed in range(600)]
    assert np.mean([one.glasses is not None for one in worn]) == pytest.approx(
        IDENTITY_PROBABILITIES["glasses"], abs=0.06
    )


@pytest.mark.parametrize("size", [48, 96])
def test_same_seed_same_bytes(size):
    """Fresh renderers, any order of frames, and any state of the caches give the same frames."""
    simulator = GeneralClipSimulator(BP4D)
    head = load_anny_head()

    def frames(order, seed):
        renderer, identity = Renderer(head=head, size=size), make_identity(head, seed=seed, texture_size=128)
        clip = simulator.simulate(rng=np.random.default_rng(seed), num_frames=12, stride=3)
        clip = simulator.with_identity(clip, seed)
        return {f: renderer.frame(identity, clip, f).tobytes() for f in order}

    for seed in range(3):
        assert frames((0, 5, 11), seed) == frames((11, 0, 5), seed)
