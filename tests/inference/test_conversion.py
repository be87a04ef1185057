"""Converted checkpoints have the scores of the released networks."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.data.transforms import normalize
from mdhr.errors import InputError
from mdhr.inference import conversion as converting
from mdhr.inference.conversion import ReleasedCheckpoint, convert, identify_checkpoint, released_network_settings
from mdhr.inference.model_fingerprint import fixed_clips
from mdhr.inference.model_loading import load_model
from mdhr.network.checkpoints.released_me_graphau import me_graphau_mappings
from mdhr.network.checkpoints.tensor_mapping import RELEASED_BACKBONES
from mdhr.network.me_graphau.me_graphau import MEGraphAU
from mdhr.network.network_settings import build_network
from mdhr.network.parity.comparison import GOLDEN, NETWORKS
from mdhr.network.parity.me_graphau import ME_GRAPHAU
from tests.support.plain.network import PlainMDHR, released_state

SMALL, SIZE, WIDTH = "test_resnet", 64, 48


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the released ResNet by a small one, and the crop size by 64 px."""
    monkeypatch.setitem(RELEASED_BACKBONES, "resnet50", {"name": SMALL, "feature_source": "stage_output"})
    monkeypatch.setattr(converting, "CROP_SIZE", SIZE)


def plain_network(au_set: ActionUnitSet) -> PlainMDHR:
    """Return the plain MDHR network with random weights and batch statistics of one clip."""
    torch.manual_seed(0)
    plain = PlainMDHR(SMALL, au_set=au_set, width=WIDTH, temporal_radius=5)
    plain(torch.randn(1, 16, 3, SIZE, SIZE))
    return plain.eval()


def me_graphau(stage: int) -> tuple[MEGraphAU, dict[str, Tensor]]:
    """Return ME-GraphAU with random weights, and its state dict with the released names."""
    torch.manual_seed(0)
    released = ReleasedCheckpoint("me_graphau", "DISFA", "resnet50", stage)
    network = build_network({"network": released_network_settings(released)}, where=Path())
    assert isinstance(network, MEGraphAU)
    network.train()(torch.randn(1, 4, 3, SIZE, SIZE))
    state, theirs = network.state_dict(), {}
    for rule in me_graphau_mappings(network):
        tensor, many = state[rule.name], len(rule.released)
        pieces = [tensor] * many if rule.name.endswith("num_batches_tracked") else tensor.chunk(many)
        theirs |= dict(zip(rule.released, pieces, strict=True))
    return network.eval(), theirs


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(("au_set", "fps"), [(BP4D, 25), (DISFA, 20)], ids=lambda x: getattr(x, "name", ""))
def test_mdhr_scores_as_the_released_network(au_set: ActionUnitSet, fps: int, tmp_path: Path) -> None:
    plain = plain_network(au_set)
    state = {f"module._orig_mod.module.{k}": x for k, x in released_state(plain).items()}
    torch.save({"model": {"net": state}, "epoch": 3}, tmp_path / "fold1.pth")
    convert(tmp_path / "fold1.pth", tmp_path / "out")
    model = load_model(tmp_path / "out", device="cpu")
    clips = fixed_clips(model.description, num_clips=2, seed=3)
    with torch.inference_mode():
        expected = plain(normalize(clips))[0].numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(model.score(clips), expected, atol=1e-5)
    d = model.description
    assert (d.au_set, d.num_frames, d.frame_interval, d.threshold) == (au_set.name, 16, 1 / fps, 0.5)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("stage", [1, 2])
def test_me_graphau_scores_as_the_released_network(stage: int, tmp_path: Path) -> None:
    network, state = me_graphau(stage)
    torch.save(state, tmp_path / "released.pth")
    convert(tmp_path / "released.pth", tmp_path / "out", network="me_graphau", au_set="DISFA", backbone="resnet50")
    model = load_model(tmp_path / "out", device="cpu")
    clips = fixed_clips(model.description)
    with torch.inference_mode():
        expected = network(normalize(clips)).scores.numpy()
    np.testing.assert_allclose(model.score(clips), expected, atol=1e-5)
    assert "ME-GraphAU, stage " in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("name", [*NETWORKS, *ME_GRAPHAU])
def test_released_checkpoints_are_identified(name: str) -> None:
    shapes = json.loads((GOLDEN / f"{name}_keys.json").read_text())
    found = identify_checkpoint({key: torch.empty(shape, device="meta") for key, shape in shapes.items()})
    stage = int(name.partition("stage")[2][:1] or 1)
    network = "me_graphau" if name in ME_GRAPHAU else "mdhr"
    data_set, backbone = name.removeprefix(f"me_graphau_stage{stage}_").split("_", 1)
    assert found == ReleasedCheckpoint(network, data_set.upper(), backbone, stage)


@pytest.mark.usefixtures("_small")
def test_card_names_the_released_file_and_unknown_facts(tmp_path: Path) -> None:
    torch.save(released_state(plain_network(DISFA)), tmp_path / "theirs.pth")
    convert(tmp_path / "theirs.pth", tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "**Trained on DISFA by the authors of MDHR, fold unknown.**" in text
    assert "converted from the authors' file `theirs.pth` (SHA-256 `" in text
    assert "Test results are unknown." in text
    assert "distributed for research only, under a signed agreement" in text


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"network": "me_graphau"}, "network is mdhr, not me_graphau. Omit --network."),
        ({"au_set": "DISFA"}, "au_set is BP4D, not DISFA. Omit --au-set."),
        ({"backbone": "swin_base"}, "backbone is resnet50, not swin_base. Omit --backbone."),
    ],
    ids=str,
)
def test_other_properties_than_expected_are_refused(tmp_path: Path, expected: dict[str, str], message: str) -> None:
    torch.save({"node_classifier.sc": torch.zeros(12, 4)}, tmp_path / "released.pth")
    with pytest.raises(InputError, match=message):
        convert(tmp_path / "released.pth", tmp_path / "out", **expected)


@pytest.mark.usefixtures("_small")
def test_other_files_are_reported_in_one_line(
    tmp_path: Path, exit_status: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    contents = {
        "other": (
            {"weight": torch.zeros(3)},
            "contains neither node_classifier.sc nor head.sc, but 1 tensors (weight)",
        ),
        "list": ([torch.zeros(3)], "contains only a list. Expected a state dict"),
        "tensor": (torch.zeros(3, 4), "contains only one tensor (3, 4). Expected a state dict"),
        "ours": ({"state_dict": {"network.similarity.prototypes": torch.zeros(12, 4)}}, "needs no conversion"),
        "opengraphau": (
            {"state_dict": {"module.head.main_sc": torch.zeros(27, 4), "module.head.sub_sc": torch.zeros(14, 4)}},
            "a checkpoint of OpenGraphAU, which predicts 41 action units (27 main, 14 left or right)",
        ),
        "aus": ({"head.sc": torch.zeros(5, 4)}, "predicts 5 action units, expected 12 (BP4D), 8 (DISFA)"),
        "cut": ({"node_classifier.sc": torch.zeros(12, 48)}, "the checkpoint does not fit this network"),
    }
    for name, (content, message) in contents.items():
        torch.save(content, tmp_path / f"{name}.pth")
        assert exit_status("convert", str(tmp_path / f"{name}.pth"), "--out", str(tmp_path / "out")) == 2
        line = capsys.readouterr().err
        assert line.startswith(f"{tmp_path / name}.pth: ")
        assert message in line
        assert line.count("\n") == 1
    torch.save({"model": torch.nn.Linear(2, 2)}, tmp_path / "pickled.pth")
    assert exit_status("convert", str(tmp_path / "pickled.pth"), "--out", str(tmp_path / "out")) == 2
    line = capsys.readouterr().err
    assert "contains objects other than tensors: torch.nn.modules.linear.Linear. Loading them may run code." in line
    assert line.count("\n") == 1
    assert exit_status("convert", str(tmp_path / "none.pth"), "--out", str(tmp_path / "out")) == 2
    assert re.search(r"checkpoint '.*' does not exist", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("_small")
def test_command_writes_a_model(
    tmp_path: Path, exit_status: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(released_state(plain_network(BP4D)), tmp_path / "released.pth")
    assert exit_status("convert", str(tmp_path / "released.pth"), "--out", str(tmp_path / "out")) == 0
    assert "verified, largest score difference " in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"config.yaml", "README.md", "model.safetensors"}
