"""Clips of the general style: labels, independence, smiles, speech, and the mouth movements of single action units."""

from dataclasses import fields, replace

import numpy as np
import pytest

from mdhr.action_units import BP4D, DISFA
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.clip_simulator import ClipSimulator
from mdhr.synthetic.face_units import AUS, MOUTH_MOVEMENTS
from mdhr.synthetic.general_acting import GeneralClipSimulator, bare_teeth
from mdhr.synthetic.heads import HEAD_NAMES, cached_head
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.intensity_curves import OCCURRENCE_LEVEL
from mdhr.synthetic.renderer import Renderer
from mdhr.synthetic.speech import sample_speech


def simulate(au_set, number: int, num_frames: int = 64, stride: int = 3) -> list[FaceAnimation]:
    simulator = GeneralClipSimulator(au_set)
    return [
        simulator.simulate(rng=np.random.default_rng(seed), num_frames=num_frames, stride=stride)
        for seed in range(number)
    ]


@pytest.fixture(scope="module")
def clips() -> list[FaceAnimation]:
    return simulate(BP4D, 150)


def occurs(clips: list[FaceAnimation], au: int) -> np.ndarray:
    return np.concatenate([clip.intensity[:, AUS.index(au)].mean(-1) >= OCCURRENCE_LEVEL for clip in clips])


def test_same_seed_same_clip():
    first, second = (simulate(BP4D, 1)[0] for _ in range(2))
    for field in fields(FaceAnimation):
        if field.name != "looks":
            np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
    assert first.mouth.shape == (64, len(MOUTH_MOVEMENTS))
    assert first.mouth.dtype == np.float32
    assert (first.mouth >= 0).all()


def test_labeled_rates_are_the_published_ones(clips):
    statistics = ClipSimulator(BP4D).tracks.statistics
    rates = [occurs(clips, au).mean() for au in statistics.aus]
    np.testing.assert_allclose(rates, statistics.rate, atol=0.12)
    assert np.mean(rates) == pytest.approx(statistics.rate.mean(), abs=0.04)


def test_action_units_are_less_correlated_than_published(clips):
    statistics = ClipSimulator(BP4D).tracks.statistics
    for first, second in ((6, 7), (10, 12)):
        published = statistics.correlation[statistics.aus.index(first), statistics.aus.index(second)]
        correlation = np.corrcoef(occurs(clips, first), occurs(clips, second))[0, 1]
        assert 0.3 * published < correlation < 0.9 * published


def test_every_pair_of_mouth_units_occurs_apart_and_together(clips):
    smile, upper, parted, jaw = (occurs(clips, au) for au in (12, 10, 25, 26))
    for other in (upper, parted, jaw):
        for wanted in (smile & other, smile & ~other, ~smile & other):
            assert wanted.mean() > 0.015
    grin = np.concatenate([clip.mouth for clip in clips])[:, list(MOUTH_MOVEMENTS).index("grin")]
    assert (grin[smile & ~upper] > 0.5).mean() > 0.1, "toothy smiles without AU10"


def test_a_toothy_smile_parts_the_lips_and_only_while_smiling():
    smiles = np.repeat([0, 1, 0], 100).astype(np.int8)
    toothy = 0
    for seed in range(40):
        intensity = np.zeros((300, len(AUS), 2), np.float32)
        intensity[100:200, AUS.index(12)] = 1
        mouth = np.zeros((300, len(MOUTH_MOVEMENTS)), np.float32)
        bare_teeth(np.random.default_rng(seed), intensity, mouth, smiles=smiles)
        parted = intensity[:, AUS.index(25)].mean(-1)
        assert (parted[:100] == 0).all()
        assert (parted[200:] == 0).all()
        grins = mouth[150, list(MOUTH_MOVEMENTS).index("grin")] > 0
        assert grins == (parted[150] >= OCCURRENCE_LEVEL), "bared teeth are labeled as parted lips"
        assert (intensity[:, AUS.index(10)] == 0).all()
        toothy += grins
    assert 10 < toothy < 30


def test_speech_has_3_to_6_syllables_per_second_and_pauses():
    speech = sample_speech(np.random.default_rng(0), 25 * 200, 25)
    talking = np.convolve(speech.parted > 0.02, np.ones(13), "same") > 0
    peaks = (np.diff(np.sign(np.diff(speech.parted))) < 0).sum()
    assert 2.0 < peaks / (talking.sum() / 25) < 6.5
    assert 0.4 < talking.mean() < 0.9
    assert speech.jaw.max() <= 1.3
    assert (speech.mouth[~talking] < 0.01).all()
    assert (speech.jaw > 0.3).mean() > 0.1


def test_labels_of_disfa_follow_speech_and_smiles(clips):
    """The lips that speech parts are labeled where AU25 is labeled, so it is more frequent than published."""
    simulator = GeneralClipSimulator(DISFA)
    disfa = simulate(DISFA, 60)
    labels = np.concatenate([simulator.labels(clip) for clip in disfa])
    published = simulator.tracks.statistics.rate[DISFA.aus.index(25)]
    assert labels[:, DISFA.aus.index(25)].mean() > published + 0.05
    np.testing.assert_array_equal(labels[:, DISFA.aus.index(25)] == 1, occurs(disfa, 25))


def test_pressed_lips_are_closed(clips):
    pressed = np.concatenate([clip.intensity[:, AUS.index(24)].mean(-1) for clip in clips])
    parted = np.concatenate([clip.intensity[:, AUS.index(25)].mean(-1) for clip in clips])
    mouth = np.concatenate([clip.mouth for clip in clips])
    assert parted[pressed > 1].max() < 0.01
    assert mouth[pressed > 1, :-1].max() < 0.01
    head = load_anny_head()
    renderer, identity = Renderer(head=head, size=64), make_identity(head, seed=0, texture_size=64)
    animation = FaceAnimation.neutral(3)
    animation.intensity[1:, [AUS.index(10), AUS.index(24)]] = 1
    animation = replace(animation, mouth=np.zeros((3, len(MOUTH_MOVEMENTS)), np.float32))
    animation.mouth[2, list(MOUTH_MOVEMENTS).index("seal")] = 1
    closed, parted, sealed = (
        renderer.vertices(identity, animation, f)[[head.landmarks["lip_upper_0"], head.landmarks["lip_lower_0"]], 1]
        @ [1000, -1000]
        for f in range(3)
    )
    assert parted > closed + 2
    assert sealed < closed + 1, "AU10 does not part lips that AU24 presses together"


def test_no_defocus_and_light_resting_expression(clips):
    assert max(clip.blur.max() for clip in clips) < 1.2
    simulator = GeneralClipSimulator(BP4D)
    resting = np.stack([simulator.resting_intensity(seed) for seed in range(300)]).mean(-1)
    assert resting.max() < OCCURRENCE_LEVEL
    assert 0.2 < (resting > 0).mean() < 0.35


@pytest.fixture(scope="module")
def mouths() -> dict[int, dict[str, float]]:
    """Change in millimeters of mouth width, red height, protrusion, and chin height at intensity 1, by action unit."""
    head = load_anny_head()
    renderer, measures = Renderer(head=head, size=64), {}
    for seed in range(4):
        identity = make_identity(head, seed=seed, texture_size=64)
        animation = replace(
            FaceAnimation.neutral(len(AUS) + 1), mouth=np.zeros((len(AUS) + 1, len(MOUTH_MOVEMENTS)), np.float32)
        )
        for u in range(len(AUS)):
            animation.intensity[u + 1, u] = 1
        marks = [renderer.vertices(identity, animation, f) for f in range(len(AUS) + 1)]
        marks = [{name: vertices[index] for name, index in head.landmarks.items()} for vertices in marks]
        for u, au in enumerate(AUS):
            still, moved = mouth_shape(marks[0]), mouth_shape(marks[u + 1])
            measures.setdefault(au, []).append({name: 1000 * (moved[name] - still[name]) for name in still})
    return {au: {name: np.mean([m[name] for m in rows]) for name in rows[0]} for au, rows in measures.items()}


def mouth_shape(marks: dict[str, np.ndarray]) -> dict[str, float]:
    return {
        "width": marks["lip_outer_0"][0] - marks["lip_outer_6"][0],
        "red": marks["lip_outer_3"][1] - marks["lip_outer_9"][1],
        "corner_depth": marks["lip_outer_0"][2],
        "chin": marks["chin_boss_middle"][1],
        "gap": marks["lip_upper_1"][1] - marks["lip_lower_1"][1],
    }


def test_lip_units_differ_as_facs_describes(mouths):
    tightener, pressor, dimpler = mouths[23], mouths[24], mouths[14]
    assert tightener["width"] < -2, "AU23 narrows the mouth"
    assert tightener["red"] < -1.5, "AU23 thins the lips"
    assert pressor["width"] > -1.5, "AU24 does not narrow the mouth"
    assert pressor["red"] < -0.3
    assert pressor["chin"] > 1, "AU24 pushes the chin up"
    assert dimpler["width"] > 1.5, "AU14 stretches the mouth"
    assert dimpler["corner_depth"] < min(tightener["corner_depth"], pressor["corner_depth"]), (
        "AU14 pulls corners inwards"
    )


@pytest.mark.parametrize("head", HEAD_NAMES)
def test_a_grin_shows_bright_teeth_and_a_closed_smile_none(head):
    renderer = Renderer(head=cached_head(head), size=192, zoom=1.5)
    animation = FaceAnimation.neutral(2)
    animation.intensity[:, AUS.index(12)] = 1
    animation.intensity[1, AUS.index(25)] = 0.6
    animation = replace(animation, mouth=np.zeros((2, len(MOUTH_MOVEMENTS)), np.float32))
    animation.mouth[1, list(MOUTH_MOVEMENTS).index("grin")] = 1
    for seed in (1, 20, 201):
        identity = make_identity(renderer.head, seed=seed, texture_size=256)
        teeth = []
        for f in range(2):
            marks = dict(zip(renderer.landmark_names, renderer.landmarks(identity, animation, f), strict=True))
            left, right = sorted((marks["lip_outer_0"][0], marks["lip_outer_6"][0]))
            box = (slice(int(marks["lip_outer_3"][1]), int(marks["lip_outer_9"][1])), slice(int(left), int(right)))
            mouth = renderer.frame(identity, animation, f)[box].astype(float)
            gray = mouth.min(-1) > 0.8 * mouth.max(-1)
            teeth.append((gray & (mouth.mean(-1) > 110)).mean())
        assert teeth[0] < 0.01
        assert teeth[1] > 0.03, "share of the box around the lips"
