import pytest
import timm
import torch
from torch import nn

from mdhr.errors import InputError
from mdhr.network.backbone import Backbone


def backbone(name: str, **changes: object) -> Backbone:
    settings = {
        "pretrained": False,
        "weights": None,
        "feature_source": "stage_output",
        "drop_path_rate": 0.0,
        "input_size": 64,
    }
    return Backbone(name=name, **(settings | changes))


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("mobilenetv3_small_050", (8, 16, 24, 288)),
        ("resnet10t", (64, 128, 256, 512)),
        ("convnext_atto", (40, 80, 160, 320)),
        ("regnetx_002", (24, 56, 152, 368)),
        ("swin_tiny_patch4_window7_224", (96, 192, 384, 768)),
        ("swinv2_tiny_window8_256", (96, 192, 384, 768)),
        ("swinv2_cr_tiny_224", (96, 192, 384, 768)),
    ],
)
def test_feature_maps_have_four_strides(name: str, widths: tuple[int, ...]) -> None:
    model = backbone(name)
    scales, last = model(torch.zeros(1, 3, 64, 64))
    assert model.widths == widths
    assert [tuple(x.shape) for x in scales] == [
        (1, c, 64 // s, 64 // s) for c, s in zip(widths, (4, 8, 16, 32), strict=True)
    ]
    assert last.shape == scales[-1].shape


def test_every_parameter_has_a_gradient() -> None:
    model = backbone("mobilenetv3_small_050")
    sum(x.sum() for x in model(torch.randn(2, 3, 32, 32)).scales).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("name", ["swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256"])
def test_feature_sources_of_swin(name: str) -> None:
    torch.manual_seed(0)
    before = backbone(name, feature_source="stage_input").eval()
    after = backbone(name).eval()
    after.load_state_dict(before.state_dict())
    block_inputs: list[torch.Tensor] = []
    for stage in before.model.layers:
        stage.blocks[0].register_forward_pre_hook(lambda _, args: block_inputs.append(args[0].permute(0, 3, 1, 2)))
    frames = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        inputs, last = before(frames)
        outputs, same = after(frames)
        oracle = before.model.forward_intermediates(frames, intermediates_only=True)
        normed = before.model.norm(oracle[3].permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    assert all(torch.equal(x, y) for x, y in zip(inputs, block_inputs[:4], strict=True))
    assert all(torch.equal(x, y) for x, y in zip(outputs[:3], oracle[:3], strict=True))
    torch.testing.assert_close(last, normed)
    assert torch.equal(last, same)
    assert torch.equal(outputs[3], last)


def test_feature_maps_are_channels_last() -> None:
    scales, _ = backbone("resnet10t")(torch.zeros(2, 3, 64, 64))
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in scales)


@pytest.mark.parametrize(
    ("name", "feature_source"), [("resnet10t", "stage_output"), ("swin_tiny_patch4_window7_224", "stage_input")]
)
def test_unpack_is_the_inverse_of_pack(name: str, feature_source: str) -> None:
    model = backbone(name, feature_source=feature_source).eval()
    with torch.inference_mode():
        maps = model(torch.randn(2, 3, 64, 64))
        packed = model.pack(maps)
        again = model.unpack(packed)
    assert packed.shape == (2, sum(height * width * c for height, width, c in model.shapes))
    assert all(torch.equal(x, y) for x, y in zip((*maps.scales, maps.last), (*again.scales, again.last), strict=True))
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in again.scales)


def test_fingerprint_depends_on_the_weights() -> None:
    first, second = backbone("test_resnet"), backbone("test_resnet")
    assert first.fingerprint() != second.fingerprint()
    second.load_state_dict(first.state_dict())
    assert first.fingerprint() == second.fingerprint()


def test_stochastic_depth_is_passed_to_timm() -> None:
    model = backbone("swin_tiny_patch4_window7_224", drop_path_rate=0.5)
    rates = [m.drop_prob for m in model.modules() if isinstance(m, timm.layers.DropPath)]
    assert max(rates) == pytest.approx(0.5)


def test_options_are_passed_to_timm() -> None:
    model = backbone("resnet10t", options={"channels": [16, 32, 96, 192], "stem_width": 8})
    assert model.widths == (16, 32, 96, 192)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "resnet5"}, r"backbone.name=resnet5 is not a timm model\. Use for example .*resnet50"),
        ({"name": "qqqq"}, "backbone.name=qqqq is not a timm model. Use for example resnet50, "),
        ({"name": "vit_tiny_patch16_224"}, "has feature maps at strides 16. Use one with strides 4, 8, 16 and 32"),
        ({"input_size": 100}, "input size 100 x 100 is not divisible by 32"),
        ({"input_size": 0}, "input size 0 x 0 is not divisible by 32"),
        (
            {"feature_source": "stage_input"},
            "feature_source=stage_input is not available for resnet10t: .* Set backbone.feature_source=stage_output",
        ),
        ({"options": {"color": 3}}, "does not accept backbone.options.color=3"),
    ],
)
def test_invalid_arguments_raise(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        backbone(**({"name": "resnet10t"} | changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"), [("halonet26t", ""), ("efficientformer_l1", ": The size of tensor a .* must match .*")]
)
def test_a_model_that_fails_on_the_input_size_raises(name: str, reason: str) -> None:
    expected = (
        rf"^backbone {name} does not accept frames of 96 x 96 px{reason}\. Set data\.crop_size to another multiple"
    )
    with pytest.raises(InputError, match=expected) as caught:
        backbone(name, input_size=96)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256", "swinv2_cr_tiny_224"])
@pytest.mark.parametrize("size", [32, 96, 160, 224])
def test_swin_runs_at_every_multiple_of_32(name: str, size: int) -> None:
    with torch.device("meta"):
        assert backbone(name, input_size=size)(torch.zeros(2, 3, size, size)).last.shape == (
            2,
            768,
            size // 32,
            size // 32,
        )


def test_invalid_frame_sizes_raise() -> None:
    with pytest.raises(InputError, match="input size 40 x 64 is not divisible by 32"):
        backbone("mobilenetv3_small_050")(torch.zeros(1, 3, 40, 64))
    with pytest.raises(InputError, match=r"built for 64 x 64 px\. Set backbone.input_size"):
        backbone("swin_tiny_patch4_window7_224")(torch.zeros(1, 3, 96, 96))
    assert isinstance(backbone("mobilenetv3_small_050")(torch.zeros(1, 3, 96, 32)).last, torch.Tensor)


def test_memory_format_follows_the_weights() -> None:
    model = backbone("resnet10t").to(memory_format=torch.contiguous_format)
    assert all(x.is_contiguous() for x in model(torch.zeros(2, 3, 64, 64)).scales)
    assert isinstance(model.model, nn.Module)


def test_frozen_backbone_does_not_change() -> None:
    model = backbone("mobilenetv3_small_050", frozen=True).train()
    assert not any(module.training for module in model.modules() if module is not model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    maps = model(torch.randn(2, 3, 32, 32))
    assert not maps.last.requires_grad
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
