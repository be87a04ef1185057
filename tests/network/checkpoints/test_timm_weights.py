import time
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file

from mdhr.errors import InputError
from mdhr.network.backbone import Backbone

NAMES = ["mobilenetv3_small_050", "convnext_atto", "swin_tiny_patch4_window7_224"]


def backbone(name: str, **changes: object) -> Backbone:
    settings = {
        "pretrained": False,
        "weights": None,
        "feature_source": "stage_output",
        "drop_path_rate": 0.0,
        "input_size": 64,
    }
    return Backbone(name=name, **(settings | changes))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_files_of_timm_load_with_or_without_classifier(name: str, ending: str, tmp_path: Path) -> None:
    complete = timm.create_model(name, pretrained=False)
    file = tmp_path / f"weights.{ending}"
    state = {key: x.contiguous() for key, x in complete.state_dict().items()}
    save_file(state, file) if ending == "safetensors" else torch.save({"state_dict": state}, file)
    loaded = backbone(name, weights=str(file), input_size=224).model.state_dict()
    assert all(torch.equal(x, state[key]) for key, x in loaded.items())
    own = {key: x.half() if x.is_floating_point() else x for key, x in loaded.items()}
    torch.save(own, tmp_path / "own.pth")
    again = backbone(name, weights=str(tmp_path / "own.pth"), input_size=224).model.state_dict()
    assert all(torch.equal(x, own[key].to(x.dtype)) for key, x in again.items())


def test_position_tables_are_resized_to_another_input_size(tmp_path: Path) -> None:
    torch.save(timm.create_model(NAMES[2], pretrained=False).state_dict(), tmp_path / "swin.pth")
    assert backbone(NAMES[2], weights=str(tmp_path / "swin.pth"), input_size=96).fixed_size == 96


def test_file_of_another_backbone_raises_with_the_keys(tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save(timm.create_model("resnet10t", pretrained=False).state_dict(), file)
    with pytest.raises(InputError, match=r"do not fit.*missing \(conv_stem.weight.*unexpected \(conv1") as caught:
        backbone(NAMES[0], weights=str(file))
    assert "\n" not in str(caught.value)
    torch.save(timm.create_model("mobilenetv3_small_075", pretrained=False).state_dict(), file)
    with pytest.raises(InputError, match=r"misshapen.*instead of"):
        backbone(NAMES[0], weights=str(file))


def test_missing_and_invalid_files_raise(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"weights file '.*absent.pth' does not exist"):
        backbone(NAMES[0], weights=str(tmp_path / "absent.pth"))
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(InputError, match=r"weights file .*text.pth. is a text file, not a checkpoint") as caught:
        backbone(NAMES[0], weights=str(tmp_path / "text.pth"))
    assert "\n" not in str(caught.value)


def test_unreachable_hub_raises_quickly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The address of the hub is replaced by a port without a server."""
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *args, **more: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_url", lambda *args, **more: "http://127.0.0.1:9/model.safetensors")
    start = time.process_time()
    with pytest.raises(
        InputError, match=r"cannot download .*Set backbone.weights to a local file or backbone.pretrained=false"
    ) as caught:
        backbone("resnet10t", pretrained=True)
    assert "\n" not in str(caught.value)
    assert time.process_time() - start < 10


def test_cached_weights_need_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = timm.create_model(NAMES[0], pretrained=False).state_dict()
    save_file(state, tmp_path / "model.safetensors")
    cached = lambda repository, file: str(tmp_path / file)  # noqa: E731
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    loaded = backbone(NAMES[0] + ".lamb_in1k", pretrained=True).model.state_dict()
    assert all(torch.equal(x, state[key]) for key, x in loaded.items())
