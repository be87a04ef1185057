"""Networks of the benchmarks: the package's MDHR, and the plain reference of ``tests/support/plain`` with equal weights.

Runs of both alternate with measurements of the rate of matrix products, so that other load on the machine affects all.
"""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from roofline import clip_operations, matrix_product_rate
from torch import Tensor, nn

from mdhr.action_units import BP4D
from mdhr.batch import ClipBatch
from mdhr.inference.accelerated_scorer import compile_for_inference
from mdhr.network.backbone import Backbone
from mdhr.network.checkpoints.released_mdhr import load_released_mdhr_state
from mdhr.network.mdhr import MDHR
from mdhr.network.optimization.batch_norm_folding import fold_batch_norm
from mdhr.network.optimization.bfloat16_weights import cast_weights
from mdhr.reporting.tables.cpu_measurement import peak_megabytes
from mdhr.training.losses import ClipLoss

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.support.plain.network import PlainMDHR, released_state

RESNET, SWIN = "resnet50", "swin_base_patch4_window7_224"
NUM_FRAMES, SIZE, WIDTH, TEMPORAL_RADIUS = 16, 224, 512, 5


def plain_network(backbone: str) -> PlainMDHR:
    """Return the plain network with random weights, the same for every call."""
    torch.manual_seed(0)
    return PlainMDHR(backbone, au_set=BP4D, width=WIDTH, temporal_radius=TEMPORAL_RADIUS)


def our_network(backbone: str, *, activation_checkpointing: bool = False) -> MDHR:
    """Return MDHR with random weights."""
    return MDHR(
        backbone=Backbone(
            name=backbone,
            pretrained=False,
            weights=None,
            feature_source="stage_input" if backbone == SWIN else "stage_output",
            drop_path_rate=0.0,
            input_size=SIZE,
            activation_checkpointing=activation_checkpointing,
        ),
        au_set=BP4D,
        width=None,
        temporal_radius=TEMPORAL_RADIUS,
        use_mfd=True,
        use_hsr=True,
        use_tcn=True,
    )


def with_weights_of(plain: PlainMDHR, ours: MDHR) -> MDHR:
    """Load the weights of the plain network into MDHR and return it."""
    load_released_mdhr_state(ours, released_state(plain))
    return ours


def clip(seed: int = 0, num_clips: int = 1, num_frames: int = NUM_FRAMES) -> ClipBatch:
    """Return a batch of noise with random labels."""
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randn(num_clips, num_frames, 3, SIZE, SIZE, generator=generator)
    au = (torch.rand(num_clips, num_frames, len(BP4D.aus), generator=generator) < 0.4).to(torch.int8)
    index = torch.arange(num_frames).expand(num_clips, -1)
    return ClipBatch(frames, au, BP4D.region_pattern(au), torch.zeros(num_clips, dtype=torch.long), index)


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the duration of a call in seconds, and its result."""
    start = time.perf_counter()
    outcome = function()
    return time.perf_counter() - start, outcome


@dataclass
class Runs:
    """Measurements of one benchmark, one value per repeat."""

    plain: list[float] = field(default_factory=list)
    """Seconds of the plain network, always in float32."""
    ours: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    """Seconds that the arithmetic takes at the rate of matrix products."""

    def add(self, plain: float, ours: float, limit: float) -> None:
        """Append the measurements of one repeat."""
        self.plain.append(plain)
        self.ours.append(ours)
        self.limit.append(limit)


def autocast(precision: str) -> AbstractContextManager:
    """Return the context in which networks compute in this precision."""
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def operations(backbone: str, *, training: bool) -> int:
    """Return the additions and multiplications of MDHR for one clip."""
    with torch.device("meta"):
        network = our_network(backbone)
    return clip_operations(network, num_frames=NUM_FRAMES, size=SIZE, training=training)


@torch.inference_mode()
def inference(backbone: str, repeats: int, *, precision: str = "float32", compiled: bool = False) -> tuple[Runs, float]:
    """Return the seconds per clip, and the largest difference of the scores of both networks."""
    plain = plain_network(backbone)
    plain(clip(1).frames)  # training mode, so that the running statistics are not 0 and 1
    ours = fold_batch_norm(with_weights_of(plain, our_network(backbone)))
    if precision == "bfloat16":
        cast_weights(ours)
    if compiled:
        compile_for_inference(ours, torch.device("cpu"))
    plain.eval()
    frames, runs, difference = clip().frames, Runs(), 0.0
    flops = operations(backbone, training=False)
    for repeat in range(repeats + 1):
        theirs, scores = seconds(lambda: plain(frames)[0])
        with autocast(precision):
            mine, output = seconds(lambda: ours(frames))
        difference = max(difference, (output.scores - scores).abs().max().item())
        if repeat:  # the first repeat is a warm-up
            runs.add(theirs, mine, flops / matrix_product_rate(precision))
    return runs, difference


class Training:
    """Training on one fixed clip with the recipe of the paper.

    Args:
        options: further arguments of AdamW.
    """

    def __init__(self, network: nn.Module, *, precision: str = "float32", **options: Any) -> None:
        self.network = network.train()
        self.precision = precision
        self.clip = clip()
        self.loss = ClipLoss(num_aus=len(BP4D.aus), region_weight=0.01)
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=5e-4, **options)

    def step(self) -> Tensor:
        """Take one step and return the loss before it."""
        with autocast(self.precision):
            output = self.network(self.clip.frames)
            scores, logits = output[:2]
            total = self.loss(scores, tuple(logits), self.clip, None).total
        total.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return total.detach()


def training(backbone: str, num_steps: int, *, precision: str = "float32") -> tuple[Runs, dict[str, float]]:
    """Return the seconds per step after the first one, and the final loss of the plain network and of ours."""
    plain = plain_network(backbone)
    both = {
        "plain": Training(plain),
        "ours": Training(with_weights_of(plain, our_network(backbone)), precision=precision, fused=True),
    }
    runs, losses, taken = Runs(), {}, {}
    flops = operations(backbone, training=True)
    for step in range(num_steps + 1):  # the last step only computes the final loss
        for name, trained in both.items():
            taken[name], loss = seconds(trained.step)
            losses[name] = loss.item()
        if 0 < step < num_steps:
            runs.add(taken["plain"], taken["ours"], flops / matrix_product_rate(precision))
    return runs, losses


def peak_memory(kind: str) -> float:
    """Return the peak memory of this process in MB after two training steps, or after none for ``nothing``."""
    if kind == "plain":
        trained = Training(plain_network(RESNET))
    elif kind != "nothing":
        trained = Training(our_network(RESNET, activation_checkpointing=kind == "activation_checkpointing"), fused=True)
    for _ in range(0 if kind == "nothing" else 2):
        trained.step()
    return peak_megabytes()


if __name__ == "__main__":
    print(peak_memory(sys.argv[1]))
