"""Scaling of the cost with frames per clip, clips per batch and action units: `python benchmarks/scaling.py`.

Writes docs/pictures/scaling.png: seconds of a training step of the demo network (128 px) and of inference with
ResNet-50 (224 px), and for comparison the straight line through the first and the last measurement.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from networks import RESNET, seconds

from mdhr.action_units import BP4D, ActionUnitSet
from mdhr.action_units.regions import LOWER, MIDDLE, UPPER, RegionGroup
from mdhr.batch import ClipBatch
from mdhr.network.backbone import Backbone
from mdhr.network.mdhr import MDHR
from mdhr.network.optimization.batch_norm_folding import fold_batch_norm
from mdhr.training.losses import ClipLoss

FIGURE = Path(__file__).parents[1] / "docs" / "pictures" / "scaling.png"
REPEATS = 5


def au_set_of(num_aus: int) -> ActionUnitSet:
    """Return a set of ``num_aus`` action units in region groups of four. ``num_aus`` is a multiple of 4."""
    aus = tuple(range(1, num_aus + 1))
    regions = (UPPER, MIDDLE, LOWER)
    groups = (RegionGroup(f"{i}", regions[i % 3], aus[4 * i : 4 * i + 4]) for i in range(num_aus // 4))
    return ActionUnitSet(name=f"{num_aus}", aus=aus, groups=tuple(groups), region_block=True)


def small_network(au_set: ActionUnitSet) -> MDHR:
    """Return the demo network with a trainable backbone."""
    backbone = Backbone(
        name="resnet10t",
        pretrained=False,
        weights=None,
        feature_source="stage_output",
        drop_path_rate=0.0,
        input_size=128,
        options={"channels": [16, 32, 96, 192], "stem_width": 8},
    )
    return build_mdhr(backbone, au_set, width=None)


def build_mdhr(backbone: Backbone, au_set: ActionUnitSet, *, width: int | None) -> MDHR:
    """Return MDHR with k = 4, the maximum for the shortest clip (8 frames)."""
    return MDHR(
        backbone=backbone, au_set=au_set, width=width, temporal_radius=4, use_mfd=True, use_hsr=True, use_tcn=True
    )


def training_step(*, num_frames: int = 16, num_clips: int = 2, num_aus: int = 12) -> Callable[[], object]:
    """Return a function that runs a forward and a backward pass of the demo network."""
    au_set = au_set_of(num_aus)
    network = small_network(au_set).train()
    loss = ClipLoss(num_aus=num_aus, region_weight=0.01)
    frames = torch.randn(num_clips, num_frames, 3, 128, 128)
    au = torch.zeros(num_clips, num_frames, num_aus, dtype=torch.int8)
    clips = ClipBatch(frames, au, au_set.region_pattern(au), torch.zeros(num_clips), torch.zeros(num_clips, num_frames))

    def step() -> None:
        output = network(frames)
        loss(output.scores, output.region_logits, clips, None).total.backward()

    return step


def inference(*, num_frames: int = 16) -> Callable[[], object]:
    """Return a function that predicts one clip with ResNet-50 at 224 px."""
    backbone = Backbone(
        name=RESNET, pretrained=False, weights=None, feature_source="stage_output", drop_path_rate=0.0, input_size=224
    )
    network = fold_batch_norm(build_mdhr(backbone, BP4D, width=512))
    frames = torch.randn(1, num_frames, 3, 224, 224)
    return torch.inference_mode()(lambda: network(frames))


def medians(steps: Sequence[Callable[[], object]]) -> list[float]:
    """Return the median seconds of every function. The functions alternate; the first round is the warm-up."""
    rounds = [[seconds(step)[0] for step in steps] for _ in range(REPEATS + 1)]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def main() -> None:
    """Measure, print the medians and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    frames, clips, aus = (8, 16, 32, 64), (1, 2, 4, 8), (4, 8, 12, 16, 24)
    panels = [
        ("training step, demo network", "frames per clip", frames, [training_step(num_frames=n) for n in frames]),
        ("training step, demo network", "clips per batch", clips, [training_step(num_clips=n) for n in clips]),
        ("training step, demo network", "action units", aus, [training_step(num_aus=n) for n in aus]),
        ("inference, ResNet-50", "frames per clip", frames, [inference(num_frames=n) for n in frames]),
    ]
    figure, axes = plt.subplots(1, len(panels), figsize=(13, 3.3), layout="constrained")
    for axis, (title, quantity, numbers, steps) in zip(axes, panels, strict=True):
        measured = medians(steps)
        print(f"{title}, {quantity}: " + ", ".join(f"{n}: {s:.2f} s" for n, s in zip(numbers, measured, strict=True)))
        axis.plot(numbers[:: len(numbers) - 1], measured[:: len(numbers) - 1], color="0.75", label="linear")
        axis.plot(numbers, measured, "o", color="tab:blue", label="measured")
        axis.set(title=title, xlabel=quantity, ylim=(0, 1.08 * max(measured)), xlim=(0, None), xticks=numbers)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("seconds")
    axes[0].legend(frameon=False)
    figure.savefig(FIGURE, dpi=110)
    print(f"Wrote {FIGURE}.")


if __name__ == "__main__":
    main()
