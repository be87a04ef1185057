"""Backbone: any timm model with feature maps at strides 4, 8, 16 and 32 (paper section 3.1: ResNet-50, Swin-Base)."""

import hashlib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import reduce
from typing import Any, Literal, NamedTuple

import timm
import torch
from jaxtyping import Float
from timm.models.resnet import ResNet
from timm.models.swin_transformer import SwinTransformer
from timm.models.swin_transformer_v2 import SwinTransformerV2
from torch import Tensor, nn

from mdhr.config.ranges import CropSize, Decay, Name
from mdhr.errors import InputError
from mdhr.network.checkpoints.timm_weights import fetch_from_hub, load_pretrained
from mdhr.network.optimization.activation_checkpointing import checkpoint_blocks, recompute

STRIDES = (4, 8, 16, 32)
EXAMPLES = ("resnet50", "swin_base_patch4_window7_224")


class FeatureMaps(NamedTuple):
    """Feature maps of a batch of frames, each ``BT C_s H_s W_s`` in channels-last memory format."""

    scales: tuple[Tensor, ...]
    """Four scales, finest first; the input of MFD."""
    last: Tensor
    """Output of the last stage; the input of the static feature."""


class Backbone(nn.Module):
    """Feature maps of every frame at four scales, from a timm model.

    Args:
        name: timm model name, with or without the tag of its weights.
        pretrained: load timm's weights of that name from the local cache or the Hugging Face hub.
        weights: load this local file in timm's format instead.
        feature_source: where the four scales are taken. ``stage_output`` for convolutional networks. ``stage_input`` for
            the released Swin weights: outputs of the patch embedding and of the three patch mergings. The last feature map
            is the same for both.
        drop_path_rate: stochastic depth rate in training.
        input_size: height and width of the frames in pixels.
        frozen: keep weights and batch statistics fixed, also in training.
        activation_checkpointing: store only the inputs of the blocks in training and recompute their activations in the
            backward pass: less memory, more time. Without it, a ResNet stores the outputs of its convolutions and
            recomputes normalization and activation functions.
        options: further arguments of the timm model, for example ``channels`` of a narrower ResNet.

    Attributes:
        widths, strides: channels and strides of the four scales.

    Raises:
        InputError: unknown model, feature maps at other strides, input size not divisible by 32 or not accepted by the
            model, weights that cannot be loaded or do not fit, or a ``feature_source`` that the model does not have.
    """

    strides: tuple[int, ...] = STRIDES
    widths: tuple[int, ...]
    model: Any

    def __init__(
        self,
        *,
        name: Name,
        pretrained: bool,
        weights: Name | None,
        feature_source: Literal["stage_input", "stage_output"],
        drop_path_rate: Decay,
        input_size: CropSize,
        frozen: bool = False,
        activation_checkpointing: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_divisible(input_size, input_size)
        model = create_timm_model(name, drop_path_rate=drop_path_rate, options=options or {}, input_size=input_size)
        self.fixed_size = input_size if has_fixed_size(model) else None
        self.is_swin = isinstance(model, SwinTransformer | SwinTransformerV2)
        if feature_source == "stage_input" and not self.is_swin:
            raise InputError(
                f"backbone.feature_source=stage_input is not available for {name}: only Swin Transformers have it. "
                "Set backbone.feature_source=stage_output."
            )
        self.feature_source, self.input_size = feature_source, input_size
        all_keys = list(model.state_dict())
        indices = stage_indices(name, model)
        self.widths = tuple(model.feature_info[i]["num_chs"] for i in indices)
        self.indices = model.prune_intermediate_layers(list(indices), prune_norm=not self.is_swin, prune_head=True)
        if weights is not None or pretrained:
            load_pretrained(model, weights or fetch_from_hub(model.pretrained_cfg), ignored=all_keys)
        # Channels-last weights make all feature maps channels-last, which is several times faster on a CPU and the
        # layout that the linear blocks need.
        self.model = model.to(memory_format=torch.channels_last)
        self.frozen, self.activation_checkpointing = frozen, activation_checkpointing
        self._check_input_size(name)
        self.model.requires_grad_(not frozen)
        if activation_checkpointing:
            checkpoint_blocks(self.model)

    def _check_input_size(self, name: str) -> None:
        """Raise ``InputError`` if the model cannot process a frame, which some attention layers check only then."""
        frame = torch.zeros(1, 3, self.input_size, self.input_size, device=next(self.parameters()).device)
        self.eval()
        try:
            with torch.no_grad():
                self(frame)
        except (AssertionError, RuntimeError) as error:
            reason = f": {str(error).splitlines()[0]}" if str(error) else ""
            raise InputError(
                f"backbone {name} does not accept frames of {self.input_size} x {self.input_size} px{reason}. "
                "Set data.crop_size to another multiple of 32, or use another backbone."
            ) from error
        self.train()

    @property
    def shapes(self) -> list[tuple[int, int, int]]:
        """``(H, W, C)`` of every packed feature map; the last one is a separate entry only for stage inputs."""
        sides = [self.input_size // stride for stride in self.strides]
        scales = [(side, side, width) for side, width in zip(sides, self.widths, strict=True)]
        return scales if self.feature_source == "stage_output" else [*scales, scales[-1]]

    def pack(self, maps: FeatureMaps) -> Float[Tensor, "BT S"]:
        """Concatenate all feature maps of every frame to one vector of S values."""
        stored = maps.scales if self.feature_source == "stage_output" else (*maps.scales, maps.last)
        return torch.cat([x.permute(0, 2, 3, 1).flatten(1) for x in stored], dim=1)

    def unpack(self, packed: Float[Tensor, "BT S"]) -> FeatureMaps:
        """Return the feature maps of packed frames as float32; the inverse of :meth:`pack`."""
        parts = packed.split([height * width * c for height, width, c in self.shapes], dim=1)
        parts = [x.contiguous().float().unflatten(1, s) for x, s in zip(parts, self.shapes, strict=True)]  # BT H W C
        maps = tuple(x.permute(0, 3, 1, 2) for x in parts)
        return FeatureMaps(maps[: len(self.strides)], maps[-1])

    def fingerprint(self) -> str:
        """Return the SHA-256 hash of the weights, batch statistics and feature source."""
        digest = hashlib.sha256(self.feature_source.encode())
        for name, value in self.model.state_dict().items():
            digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def train(self, mode: bool = True) -> "Backbone":
        """Set the training mode; a frozen backbone stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(self, frames: Float[Tensor, "BT 3 H W"]) -> FeatureMaps:
        """Return the feature maps of ImageNet-normalized frames.

        Raises:
            InputError: H or W is not divisible by 32, or differs from ``input_size`` if the model requires that size.
        """
        height, width = frames.shape[-2:]
        check_divisible(height, width)
        if self.fixed_size and (height, width) != (self.fixed_size, self.fixed_size):
            raise InputError(
                f"the frames have {height} x {width} px, but the backbone was built for {self.fixed_size} x "
                f"{self.fixed_size} px. Set backbone.input_size to the size of the frames."
            )
        if self.is_swin:
            inputs, outputs, last = swin_maps(self.model, frames)
            return FeatureMaps(inputs if self.feature_source == "stage_input" else (*outputs[:-1], last), last)
        if isinstance(self.model, ResNet):
            scales = resnet_maps(self.model, frames, store_convolutions=not self.activation_checkpointing)
        else:
            scales = self.model.forward_intermediates(frames, indices=self.indices, intermediates_only=True)
        return FeatureMaps(tuple(scales), scales[-1])


def resnet_maps(model: Any, frames: Tensor, *, store_convolutions: bool) -> tuple[Tensor, ...]:
    """Return the outputs of all stages, each ``BT C H W``.

    Args:
        store_convolutions: in training, store the outputs of convolutions and recompute the other activations in the
            backward pass. Otherwise recompute the stem; the stages store what their blocks store.
    """
    stem = lambda frames: model.maxpool(model.act1(model.bn1(model.conv1(frames))))  # noqa: E731
    x = recompute(stem, frames, module=model, store_convolutions=store_convolutions)
    scales = []
    for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
        x = recompute(stage, x, module=stage, store_convolutions=True) if store_convolutions else stage(x)
        scales.append(x)
    return tuple(scales)


def swin_maps(model: Any, frames: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor]:
    """Return the inputs and outputs of all stages, and the last output after the final norm; each ``BT C H W``.

    timm places the patch merging at the start of a stage, so the output of the merging is the input of its blocks.
    """
    x = model.patch_embed(frames)
    inputs, outputs = [], []
    for stage in model.layers:
        inputs.append(stage.downsample(x))
        x = reduce(lambda maps, block: block(maps), stage.blocks, inputs[-1])  # version 2 has a ModuleList
        outputs.append(x)
    # Swin computes in BT H W C: the permuted view is BT C H W in channels-last memory format.
    channels_first = lambda maps: tuple(x.permute(0, 3, 1, 2) for x in maps)  # noqa: E731
    return channels_first(inputs), channels_first(outputs), model.norm(x).permute(0, 3, 1, 2)


def create_timm_model(name: str, *, drop_path_rate: float, options: Mapping[str, Any], input_size: int) -> Any:
    """Return a timm model with its classifier and random weights.

    Raises:
        InputError: no such model, or the model does not accept an option.
    """
    if not timm.is_model(name):
        similar = get_close_matches(name.split(".")[0], timm.list_models()) or EXAMPLES
        raise InputError(f"backbone.name={name} is not a timm model. Use for example {', '.join(similar)}.")
    arguments: dict[str, Any] = dict(options)
    if getattr(timm.models.get_pretrained_cfg(name), "fixed_input_size", False):
        arguments["img_size"] = input_size
    if drop_path_rate:
        arguments["drop_path_rate"] = drop_path_rate
    try:
        return timm.create_model(name, pretrained=False, **arguments)
    except Exception as error:  # models raise errors of any type for values that they do not expect
        reason = " ".join(str(error).split()) or type(error).__name__
        given = ", ".join(f"backbone.options.{key}={value}" for key, value in (options or arguments).items())
        raise InputError(f"backbone {name} does not accept {given}: {reason}.") from error


def has_fixed_size(model: Any) -> bool:
    """Return whether the model accepts a single input size, as models with window attention do."""
    return bool(model.pretrained_cfg.get("fixed_input_size"))


def stage_indices(name: str, model: Any) -> tuple[int, ...]:
    """Return the indices of the last feature maps at strides 4, 8, 16 and 32 in ``model.feature_info``."""
    last_of = {info["reduction"]: i for i, info in enumerate(model.feature_info)}
    if not set(STRIDES) <= set(last_of):
        found = ", ".join(map(str, last_of))
        raise InputError(f"backbone {name} has feature maps at strides {found}. Use one with strides 4, 8, 16 and 32.")
    return tuple(last_of[stride] for stride in STRIDES)


def check_divisible(height: int, width: int) -> None:
    """Raise InputError if the frame size is not a positive multiple of the last stride."""
    if height % STRIDES[-1] or width % STRIDES[-1] or not (height and width):
        raise InputError(
            f"input size {height} x {width} is not divisible by {STRIDES[-1]}. Use a multiple of {STRIDES[-1]}."
        )
