"""What a backbone is pretrained to see in rendered frames, and how well it does on people it has not met.

Letters: B frames, U units of the renderer, K targets (see ``synthetic.bank.targets``).
"""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torchmetrics.functional.classification import multilabel_auroc

from mdhr.action_units import LOWER, MIDDLE, UPPER
from mdhr.data.transforms import normalize
from mdhr.network.backbone import Backbone
from mdhr.network.blocks import LinearBlock
from mdhr.network.local_relationships import region_positions
from mdhr.synthetic.acting import OCCURRENCE_LEVEL
from mdhr.synthetic.face_units import AUS, SIDES
from mdhr.synthetic.pretraining_bank import NUM_POSE, num_unit_targets


class PositionHead(nn.Module):
    """Reads the last map position by position, so the backbone must say where things are."""

    def __init__(self, *, in_features: int, num_positions: int, out_features: int) -> None:
        super().__init__()
        self.squeeze = LinearBlock(in_features, 64)
        self.hidden = LinearBlock(64 * num_positions, 256)
        self.out = nn.Linear(256, out_features)

    def forward(self, positions: Tensor) -> Tensor:
        """``B H' W' C`` to ``B K``."""
        return self.out(self.hidden(self.squeeze(positions).flatten(1)))


class RegionHead(nn.Module):
    """Reads the last map as MDHR does: a linear block on the positions of a region, then their mean."""

    def __init__(self, *, in_features: int, out_features: int) -> None:
        super().__init__()
        self.regions = (UPPER, MIDDLE, LOWER)
        self.blocks = nn.ModuleList(LinearBlock(in_features, 128) for _ in self.regions)
        self.out = nn.Linear(128 * len(self.regions), out_features)

    def forward(self, positions: Tensor) -> Tensor:
        """``B H' W' C`` to intensities ``B 2U``."""
        means = [
            block(region_positions(positions, region)).mean(1)
            for block, region in zip(self.blocks, self.regions, strict=True)
        ]
        return self.out(torch.cat(means, -1))


class FaceTargets(LightningModule):
    """Trains a backbone to give the targets of a bank through both heads.

    Parameters
    ----------
    crop_size: height and width of the frames in pixels.
    target_mean, target_std: ``K``, to give every target the same weight before ``pose`` and landmarks are scaled.
    learning_rate: highest rate of the one-cycle schedule.
    pose_weight: weight of pose and landmarks against intensities.
    """

    target_mean: Tensor
    target_std: Tensor

    def __init__(
        self,
        *,
        backbone: Backbone,
        crop_size: int,
        target_mean: Tensor,
        target_std: Tensor,
        learning_rate: float,
        weight_decay: float,
        pose_weight: float,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        width = backbone.widths[-1]
        num_positions = (crop_size // backbone.strides[-1]) ** 2
        self.by_position = PositionHead(in_features=width, num_positions=num_positions, out_features=len(target_mean))
        self.by_region = RegionHead(in_features=width, out_features=num_unit_targets())
        self.register_buffer("target_mean", target_mean)
        self.register_buffer("target_std", target_std)
        self.learning_rate, self.weight_decay, self.pose_weight = learning_rate, weight_decay, pose_weight
        self.seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 frames ``B 3 S S`` to standardized targets ``B K`` (by position) and ``B 2U`` (by region)."""
        positions = self.backbone(normalize(frames)).last.permute(0, 2, 3, 1)
        return self.by_position(positions), self.by_region(positions)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Mean squared errors of standardized targets."""
        frames, targets = batch
        wanted = (targets - self.target_mean) / self.target_std
        dense, pooled = self(frames)
        units = num_unit_targets()
        loss_units = F.mse_loss(dense[:, :units], wanted[:, :units]) + F.mse_loss(pooled, wanted[:, :units])
        loss_pose = F.mse_loss(dense[:, units : units + NUM_POSE], wanted[:, units : units + NUM_POSE])
        loss_landmarks = F.mse_loss(dense[:, units + NUM_POSE :], wanted[:, units + NUM_POSE :])
        loss = loss_units + self.pose_weight * (loss_pose + loss_landmarks)
        self.log_dict(
            {"train/units": loss_units, "train/pose": loss_pose, "train/landmarks": loss_landmarks},
            on_step=False,
            on_epoch=True,
            prog_bar=True,
        )
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Keep what was said about people not met in training."""
        frames, targets = batch
        dense, pooled = self(frames)
        self.seen.append((dense * self.target_std + self.target_mean, pooled, targets))

    def on_validation_epoch_end(self) -> None:
        """AUC of every unit's occurrence from both heads, and the error of landmarks in shares of the frame."""
        dense, pooled, targets = (torch.cat(parts) for parts in zip(*self.seen, strict=True))
        self.seen.clear()
        units = num_unit_targets()
        occurs = (_sides_mean(targets[:, :units]) >= OCCURRENCE_LEVEL).long()
        by_position = _auc(_sides_mean(dense[:, :units]), occurs)
        by_region = _auc(_sides_mean(pooled), occurs)
        marks = (dense - targets)[:, units + NUM_POSE :].unflatten(1, (-1, 2)) / 2
        self.log_dict(
            {
                "val/auc_by_position": by_position.mean(),
                "val/auc_by_region": by_region.mean(),
                "val/landmark_error": marks.norm(dim=-1).mean(),
                **{f"val/auc/AU{au}": auc for au, auc in zip(AUS, by_position, strict=True)},
            }
        )

    def configure_optimizers(self) -> Any:
        """AdamW on a one-cycle schedule."""
        optimizer = AdamW(self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = OneCycleLR(optimizer, self.learning_rate, total_steps=steps, pct_start=0.1)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _sides_mean(intensity: Tensor) -> Tensor:
    """``B 2U`` to ``B U``."""
    return intensity.unflatten(1, (-1, len(SIDES))).mean(-1)


def _auc(scores: Tensor, occurs: Tensor) -> Tensor:
    """``U`` areas under the ROC curve; the scores' order is all that counts."""
    return multilabel_auroc(scores.sigmoid(), occurs, num_labels=scores.shape[1], average=None)
