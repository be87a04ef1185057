"""Comparison with the released networks: equal networks pass, different ones fail."""

import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest

from mdhr.errors import InputError
from mdhr.network.parity import comparison as parity
from mdhr.network.parity.generated_tensors import generated_checkpoint
from mdhr.network.parity.me_graphau import ME_GRAPHAU, compare_me_graphau


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the golden folder, set as ``MDHR_PARITY``."""
    shutil.copytree(parity.GOLDEN, tmp_path / "golden")
    monkeypatch.setenv("MDHR_PARITY", str(tmp_path / "golden"))
    return tmp_path / "golden"


def test_one_network_equals_the_released_one() -> None:
    """The smallest network; ``make parity`` compares all."""
    meta = json.loads((parity.GOLDEN / "meta.json").read_text())
    text, agrees = parity.compare_evaluation("disfa_resnet50", parity.GOLDEN, meta)
    assert agrees, text


@pytest.mark.slow
def test_me_graphau_equals_the_released_one(folder: Path) -> None:
    """One network per stage, and one with other weights."""
    first, second, _ = ME_GRAPHAU
    text, agrees = compare_me_graphau(first, folder, {"salt": ""})
    assert agrees, text
    text, agrees = compare_me_graphau(second, folder, {"salt": ""})
    assert agrees, text
    assert "edge_logits" in text
    assert not compare_me_graphau(first, folder, {"salt": "pepper"})[1]


@pytest.mark.slow
def test_other_weights_and_radius_differ(folder: Path) -> None:
    """Networks with other weights, clip and k are compared and reported as different."""
    text, agrees = parity.compare_evaluation("disfa_resnet50", folder, {"salt": "pepper", "k": 3})
    assert not agrees
    assert "scores" in text


def test_generated_tensors_follow_the_rule() -> None:
    state = generated_checkpoint({"LRM.up_fc.weight": [8, 512], "a.running_var": [9], "b.bias": [4]}, "salt")
    g = np.random.default_rng(zlib.crc32(b"saltLRM.up_fc.weight"))
    drawn = g.standard_normal((8, 512)) / np.sqrt(512)
    expected = 40 * (drawn - drawn.mean(1, keepdims=True))
    np.testing.assert_allclose(state["LRM.up_fc.weight"].numpy(), expected, rtol=1e-6)
    assert (state["a.running_var"] >= 0.5).all()


def test_gradient_differences_of_one_part() -> None:
    golden = {"MFD.a": 2.0, "MFD.b": 1.0, "MFD.c": 4.0, "LRM.a": 1.0, "LRM.zero": 1e-9}
    ours = {"MFD.a": 2.0, "MFD.b": 1.5, "MFD.c": 4.04, "LRM.a": 1.0, "LRM.zero": 2e-9}
    parts, single = parity.gradient_differences(ours, golden)
    assert parts == {"LRM": 0.0, "MFD": pytest.approx(0.01)}
    assert single == {"MFD.a": 0.0, "MFD.b": 0.5, "MFD.c": pytest.approx(0.01), "LRM.a": 0.0}
    assert parity.gradient_differences(ours | {"LRM.zero": 0.1}, golden)[1]["LRM.zero"] == float("inf")


def test_exit_status_of_an_incomplete_folder(folder: Path, capsys: pytest.CaptureFixture) -> None:
    (folder / "disfa_swin_base.npz").unlink()
    assert parity.compare_all() == 2
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith("is incomplete: disfa_swin_base.npz missing. Set MDHR_PARITY to a complete folder.")
    )
    with pytest.raises(InputError, match=r"is incomplete: meta.json"):
        parity.check_folder(folder / "absent")


@pytest.mark.parametrize(("agrees", "status"), [(True, 0), (False, 1)])
def test_exit_status_depends_on_all_networks(agrees: bool, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "compare_evaluation", lambda name, *rest: ("", agrees or name != "bp4d_swin_base"))
    monkeypatch.setattr(parity, "compare_training", lambda *rest: ("", True))
    monkeypatch.setattr(parity, "compare_me_graphau", lambda *rest: ("", True))
    assert parity.compare_all() == status
