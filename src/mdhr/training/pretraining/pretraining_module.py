"""LightningModule of the pretraining.

Letters: B frames, H W positions, C channels, U action units of the renderer, L landmarks, K targets (see
:mod:`mdhr.synthetic.pretraining_bank`).
"""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torchmetrics.functional.classification import multilabel_auroc

from mdhr.config.ranges import CropSize, NonNegativeFloat, PositiveFloat
from mdhr.data.transforms import normalize
from mdhr.network.backbone import Backbone
from mdhr.synthetic.face_units import AUS, SIDES
from mdhr.synthetic.intensity_curves import OCCURRENCE_LEVEL
from mdhr.synthetic.pretraining_bank import INTENSITY_TARGETS, LANDMARK_TARGETS, POSE_TARGETS
from mdhr.training.pretraining.target_heads import PositionHead, RegionHead


class PretrainingModule(LightningModule):
    """Module that trains a backbone to regress the targets of a bank with a position head and a region head.

    Args:
        backbone: network to pretrain.
        crop_size: height and width of the frames in pixels.
        target_mean: mean ``K`` of the targets.
        target_std: standard deviation ``K`` of the targets. The loss uses standardized targets.
        learning_rate: maximum of the one-cycle schedule.
        weight_decay: weight decay of AdamW.
        pose_weight: weight of the pose loss and the landmark loss relative to the intensity losses.
    """

    target_mean: Tensor
    target_std: Tensor

    def __init__(
        self,
        *,
        backbone: Backbone,
        crop_size: CropSize,
        target_mean: Tensor,
        target_std: Tensor,
        learning_rate: PositiveFloat,
        weight_decay: NonNegativeFloat,
        pose_weight: NonNegativeFloat,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        width = backbone.widths[-1]
        num_positions = (crop_size // backbone.strides[-1]) ** 2
        num_intensities = len(target_mean[INTENSITY_TARGETS])
        self.position_head = PositionHead(in_features=width, num_positions=num_positions, out_features=len(target_mean))
        self.region_head = RegionHead(in_features=width, out_features=num_intensities)
        self.register_buffer("target_mean", target_mean)
        self.register_buffer("target_std", target_std)
        self.learning_rate, self.weight_decay, self.pose_weight = learning_rate, weight_decay, pose_weight
        self._validation_outputs: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return standardized targets ``B K`` (position head) and ``B 2U`` (region head) of frames ``B 3 S S``."""
        feature_map = self.backbone(normalize(frames)).last.permute(0, 2, 3, 1)  # B H W C
        return self.position_head(feature_map), self.region_head(feature_map)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the weighted sum of the mean squared errors of the standardized targets."""
        frames, targets = batch
        expected = (targets - self.target_mean) / self.target_std
        by_position, by_region = self(frames)
        intensities = expected[:, INTENSITY_TARGETS]
        intensity_loss = F.mse_loss(by_position[:, INTENSITY_TARGETS], intensities) + F.mse_loss(by_region, intensities)
        pose_loss = F.mse_loss(by_position[:, POSE_TARGETS], expected[:, POSE_TARGETS])
        landmark_loss = F.mse_loss(by_position[:, LANDMARK_TARGETS], expected[:, LANDMARK_TARGETS])
        self.log_dict(
            {"train/units": intensity_loss, "train/pose": pose_loss, "train/landmarks": landmark_loss},
            on_step=False,
            on_epoch=True,
            prog_bar=True,
        )
        return intensity_loss + self.pose_weight * (pose_loss + landmark_loss)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Store the predictions of a validation batch."""
        frames, targets = batch
        by_position, by_region = self(frames)
        self._validation_outputs.append((by_position * self.target_std + self.target_mean, by_region, targets))

    def on_validation_epoch_end(self) -> None:
        """Log the AUC of each action unit's occurrence and the landmark error as a fraction of the frame width."""
        by_position, by_region, targets = (torch.cat(parts) for parts in zip(*self._validation_outputs, strict=True))
        self._validation_outputs.clear()
        occurs = (_mean_of_sides(targets[:, INTENSITY_TARGETS]) >= OCCURRENCE_LEVEL).long()
        position_auc = _auc(_mean_of_sides(by_position[:, INTENSITY_TARGETS]), occurs)
        region_auc = _auc(_mean_of_sides(by_region), occurs)
        error = (by_position - targets)[:, LANDMARK_TARGETS].unflatten(1, (-1, 2)) / 2  # B L 2
        self.log_dict(
            {
                "val/auc_by_position": position_auc.mean(),
                "val/auc_by_region": region_auc.mean(),
                "val/landmark_error": error.norm(dim=-1).mean(),
                **{f"val/auc/AU{au}": auc for au, auc in zip(AUS, position_auc, strict=True)},
            }
        )

    def configure_optimizers(self) -> Any:
        """Return AdamW with a one-cycle schedule."""
        optimizer = AdamW(self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = OneCycleLR(optimizer, self.learning_rate, total_steps=steps, pct_start=0.1)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _mean_of_sides(intensity: Tensor) -> Tensor:
    """Return intensities ``B U`` of intensities ``B 2U``."""
    return intensity.unflatten(1, (-1, len(SIDES))).mean(-1)


def _auc(scores: Tensor, occurs: Tensor) -> Tensor:
    """Return the areas under the ROC curve ``U`` of scores and labels ``B U``."""
    return multilabel_auroc(scores.sigmoid(), occurs, num_labels=scores.shape[1], average=None)
