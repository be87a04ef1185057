"""The backbone: any timm model with maps at strides 4, 8, 16 and 32 (paper section 3.1: ResNet-50, Swin-Base)."""

import hashlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import timm
import torch
from jaxtyping import Float
from timm.models.swin_transformer import SwinTransformer
from timm.models.swin_transformer_v2 import SwinTransformerV2
from torch import Tensor, nn

from mdhr.errors import InputError
from mdhr.network.checkpoints.timm_weights import fetch_from_hub, load_pretrained
from mdhr.network.optimization.activation_checkpointing import recompute_blocks

STRIDES = (4, 8, 16, 32)
FEATURE_SOURCES = ("stage_input", "stage_output")


class FeatureMaps(NamedTuple):
    """What a backbone says about ``n`` frames; all maps are ``n C_s H_s W_s``."""

    scales: tuple[Tensor, ...]
    """The four maps whose dynamics are followed, finest first."""
    last: Tensor
    """The last map, from which the static feature is made."""


class Backbone(nn.Module):
    """Four maps of every frame from a timm model.

    Parameters
    ----------
    name: a timm model name, with or without the tag of its weights.
    pretrained: start from timm's weights of that name (from the cache or the Hugging Face hub).
    weights: start from this local file instead, in timm's format.
    feature_source: where the four maps are taken. ``stage_output`` for convolutional networks. The released Swin weights expect
        ``stage_input``: the patch embedding and the three patch mergings. The last map is the same for both.
    drop_path_rate: stochastic depth in training; 0 turns it off.
    input_size: height and width of the frames in pixels.
    frozen: keep weights and batch statistics as they are, also in training; what follows the backbone learns.
    recompute: keep less of a training step in memory and compute it again, see ``recompute``.
    options: further arguments of the timm model, for example ``channels`` of a narrower ResNet.

    Attributes
    ----------
    widths, strides: channels and strides of the four maps.
    shapes: ``(H, W, C)`` of all that makes up the maps of one frame.

    Raises
    ------
    InputError: unknown name, no such strides, input size not divisible by 32, weights that cannot be had or do not
        fit, a feature_source that the model does not have.
    """

    strides: tuple[int, ...] = STRIDES
    widths: tuple[int, ...]
    model: Any

    def __init__(
        self,
        *,
        name: str,
        pretrained: bool,
        weights: str | None,
        feature_source: str,
        drop_path_rate: float,
        input_size: int,
        frozen: bool = False,
        recompute: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_divisible(input_size, input_size)
        model = create_timm_model(name, drop_path_rate=drop_path_rate, options=options or {}, input_size=input_size)
        self.fixed_size = input_size if has_fixed_size(model) else None
        self.is_swin = isinstance(model, SwinTransformer | SwinTransformerV2)
        if feature_source not in FEATURE_SOURCES:
            raise InputError(
                f"unknown backbone.feature_source={feature_source}: use one of {', '.join(FEATURE_SOURCES)}"
            )
        if feature_source == "stage_input" and not self.is_swin:
            raise InputError(
                f"backbone {name} has no stage inputs to feature_source: set backbone.feature_source=stage_output"
            )
        self.feature_source, self.input_size = feature_source, input_size
        all_keys = list(model.state_dict())
        indices = stage_indices(name, model)
        self.widths = tuple(model.feature_info[i]["num_chs"] for i in indices)
        self.indices = model.prune_intermediate_layers(list(indices), prune_norm=not self.is_swin, prune_head=True)
        if weights is not None or pretrained:
            load_pretrained(model, weights or fetch_from_hub(model.pretrained_cfg), ignored=all_keys)
        # Weights with channels last make every map so: several times faster, and what follows works in that layout.
        self.model = model.to(memory_format=torch.channels_last)
        self.frozen = frozen
        self.model.requires_grad_(not frozen)
        if recompute:
            recompute_blocks(self.model)

    @property
    def shapes(self) -> list[tuple[int, int, int]]:
        """See the class; the last map is one of the four unless stage inputs are tapped."""
        sides = [self.input_size // stride for stride in self.strides]
        scales = [(side, side, width) for side, width in zip(sides, self.widths, strict=True)]
        return scales if self.feature_source == "stage_output" else [*scales, scales[-1]]

    def pack(self, maps: FeatureMaps) -> Float[Tensor, "n packed"]:
        """Concatenate the feature maps of every frame to one vector, to be stored."""
        every = maps.scales if self.feature_source == "stage_output" else (*maps.scales, maps.last)
        return torch.cat([x.permute(0, 2, 3, 1).flatten(1) for x in every], dim=1)

    def unpack(self, packed: Float[Tensor, "n packed"]) -> FeatureMaps:
        """Return the feature maps that :meth:`pack` concatenated, float32 and channels last."""
        parts = packed.split([height * width * c for height, width, c in self.shapes], dim=1)
        parts = [x.contiguous().float().unflatten(1, s) for x, s in zip(parts, self.shapes, strict=True)]  # n H W C
        maps = tuple(x.permute(0, 3, 1, 2) for x in parts)
        return FeatureMaps(maps[: len(self.strides)], maps[-1])

    def fingerprint(self) -> str:
        """SHA-256 of the weights and batch statistics: equal ones give equal maps."""
        digest = hashlib.sha256(self.feature_source.encode())
        for name, value in self.model.state_dict().items():
            digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def train(self, mode: bool = True) -> "Backbone":
        """As in any module, but a frozen backbone stays in evaluation."""
        return super().train(mode and not self.frozen)

    def forward(self, frames: Float[Tensor, "n c h w"]) -> FeatureMaps:
        """Return the feature maps of ImageNet-normalized frames."""
        height, width = frames.shape[-2:]
        check_divisible(height, width)
        if self.fixed_size and (height, width) != (self.fixed_size, self.fixed_size):
            raise InputError(
                f"frames are {height} x {width}, the backbone was built for {self.fixed_size} x {self.fixed_size}: "
                "set backbone.input_size"
            )
        if self.is_swin:
            inputs, outputs, last = swin_maps(self.model, frames)
            return FeatureMaps(inputs if self.feature_source == "stage_input" else (*outputs[:-1], last), last)
        scales = self.model.forward_intermediates(frames, indices=self.indices, intermediates_only=True)
        return FeatureMaps(tuple(scales), scales[-1])


def swin_maps(model: Any, frames: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor]:
    """Inputs of the stages, their outputs, and the last output after the final norm; each ``n C H W``.

    timm puts the patch merging at the start of a stage, so the input of its blocks is what the merging returns.
    """
    x = model.patch_embed(frames)
    inputs, outputs = [], []
    for stage in model.layers:
        inputs.append(stage.downsample(x))
        x = stage.blocks(inputs[-1])
        outputs.append(x)
    # Swin works on n H W C: the permuted view is n C H W in channels-last layout.
    to_maps = lambda maps: tuple(x.permute(0, 3, 1, 2) for x in maps)  # noqa: E731
    return to_maps(inputs), to_maps(outputs), model.norm(x).permute(0, 3, 1, 2)


def create_timm_model(name: str, *, drop_path_rate: float, options: Mapping[str, Any], input_size: int) -> Any:
    """The timm model of that name with its classifier and random weights."""
    if not timm.is_model(name):
        close = get_close_matches(name.split(".")[0], timm.list_models()) or [
            "resnet50",
            "swin_base_patch4_window7_224",
        ]
        raise InputError(f"unknown backbone {name!r}: timm knows for example {', '.join(close)}")
    arguments: dict[str, Any] = dict(options)
    if getattr(timm.models.get_pretrained_cfg(name), "fixed_input_size", False):
        arguments["img_size"] = input_size
    if drop_path_rate:
        arguments["drop_path_rate"] = drop_path_rate
    try:
        return timm.create_model(name, pretrained=False, **arguments)
    except TypeError as error:
        raise InputError(f"backbone {name} does not take {', '.join(arguments)}: {error}") from error


def has_fixed_size(model: Any) -> bool:
    """Is the model built for one size of frames (window attention is)?"""
    return bool(model.pretrained_cfg.get("fixed_input_size"))


def stage_indices(name: str, model: Any) -> tuple[int, ...]:
    """Positions of the last maps at strides 4, 8, 16 and 32 among a timm model's features."""
    last_of = {info["reduction"]: i for i, info in enumerate(model.feature_info)}
    if not set(STRIDES) <= set(last_of):
        found = ", ".join(map(str, last_of))
        raise InputError(f"backbone {name} has maps at strides {found}: choose one with strides 4, 8, 16 and 32")
    return tuple(last_of[stride] for stride in STRIDES)


def check_divisible(height: int, width: int) -> None:
    """Frames must be divisible by the last stride."""
    if height % STRIDES[-1] or width % STRIDES[-1] or not (height and width):
        raise InputError(f"input size {height} x {width} is not divisible by {STRIDES[-1]}: choose a multiple of it")
