"""LightningModule that trains and evaluates a network: losses, optimizer, schedule and logged metrics."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from mdhr.action_units import ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.config.ranges import VALIDATION_F1, ClassWeights, Decay, NonNegativeFloat, PositiveFloat, Threshold
from mdhr.errors import DivergedError, InputError
from mdhr.training.frame_scores import FrameScores, ScoredFrames
from mdhr.training.losses import EDGE_WEIGHTS, ClipLoss, class_weights, constant_labels, weighted_asymmetric_loss
from mdhr.training.metrics import THRESHOLD, ActionUnitMetrics, action_unit_metrics

AU_SET_KEY = "mdhr_au_set"
"""Key of a checkpoint: name of the action unit set that the network predicts."""


class ActionUnitModule(LightningModule):
    """Training, validation and test of a network that predicts action units.

    The network maps frames ``B T 3 H W`` to an output with ``scores`` (``B T N``), ``region_logits`` and
    ``edge_logits`` (:class:`mdhr.network.mdhr.NetworkOutput`). Clips with stored feature maps are passed to
    ``network.forward_features``.

    Optimizer: AdamW. The learning rate decays to 0 over all steps along a cosine, without warm-up (supplement,
    Table 2 and section 4).

    Args:
        network: the network to train.
        au_set: the N action units that the network predicts.
        class_weights: N weights of the loss. None computes them from the training data when training starts.
        region_weight: lambda, weight of the loss on region patterns.
        learning_rate: initial learning rate.
        betas: coefficients of AdamW.
        weight_decay: weight decay of AdamW.
        backbone_lr_scale: learning rate of ``network.backbone`` as a multiple of ``learning_rate``.
        threshold: a score of at least this predicts an occurrence. ``validation_f1`` chooses one threshold per action
            unit after training (:mod:`mdhr.training.thresholds`); metrics in training are those at 0.5.
        edge_weight: weight of the loss on edges of ME-GraphAU. None selects the weight of its paper.
        compiled: compile the network with ``torch.compile``.

    Attributes:
        predictions: scores and labels of the last validation or test epoch, equal in all processes.
        thresholds: ``(N,)``, chosen on the validation split; None if they were not chosen.
        metrics: metrics of the last validation or test epoch, equal in all processes; None after the sanity check.
    """

    diverged_batch: Tensor
    """First batch whose loss was NaN or infinite; -1 if there is none."""

    def __init__(
        self,
        *,
        network: nn.Module,
        au_set: ActionUnitSet,
        class_weights: ClassWeights | None,
        region_weight: NonNegativeFloat,
        learning_rate: PositiveFloat,
        betas: tuple[Decay, Decay],
        weight_decay: NonNegativeFloat,
        backbone_lr_scale: NonNegativeFloat,
        threshold: Threshold,
        edge_weight: NonNegativeFloat | None = None,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.compiled = compiled
        if compiled:
            network.compile()
        self.au_set = au_set
        if edge_weight is None:
            edge_weight = EDGE_WEIGHTS.get(au_set.name, EDGE_WEIGHTS["BP4D"])
        self.loss = ClipLoss(num_aus=len(au_set.aus), region_weight=region_weight, edge_weight=edge_weight)
        self.given_class_weights = class_weights
        self.learning_rate = learning_rate
        self.betas = (betas[0], betas[1])
        self.weight_decay = weight_decay
        self.backbone_lr_scale = backbone_lr_scale
        self.threshold_setting = threshold
        self.threshold = THRESHOLD if threshold == VALIDATION_F1 else float(threshold)
        self.thresholds: Tensor | None = None
        self.frame_scores = FrameScores(num_aus=len(au_set.aus))
        self.register_buffer("diverged_batch", torch.tensor(-1), persistent=False)
        self.predictions: ScoredFrames | None = None
        self.metrics: ActionUnitMetrics | None = None

    def forward(self, clip: ClipBatch) -> Any:
        """Return the network's output for normalized frames or stored feature maps."""
        if clip.features is None:
            return self.network(clip.frames)
        maps = self.network.backbone.unpack(clip.features.flatten(0, 1))  # type: ignore[operator, union-attr]
        return self.forward_features(maps, num_frames=clip.features.shape[1])

    @cached_property
    def forward_features(self) -> Callable[..., Any]:
        """The network's ``forward_features``, compiled if the network is."""
        forward_features: Callable[..., Any] = self.network.forward_features  # type: ignore[assignment]
        return torch.compile(forward_features) if self.compiled else forward_features

    def setup(self, stage: str) -> None:
        """Check that stored feature maps belong to this backbone. Raises ``InputError`` if they do not."""
        stored = getattr(self.trainer.datamodule, "stored_features", None)  # type: ignore[attr-defined]
        if stored is not None:
            stored.check_backbone(self.network.backbone.fingerprint())  # type: ignore[operator, union-attr]

    def on_fit_start(self) -> None:
        """Set the class weights of the loss. Raises ``InputError`` if their number is wrong."""
        if self.given_class_weights is None:
            rates = self.trainer.datamodule.class_rates()  # type: ignore[attr-defined]
            weights = class_weights(rates)
            if constant := constant_labels(rates, self.au_set.columns):
                rank_zero_warn(f"{constant} in the labeled training frames; the network cannot learn when.")
        else:
            weights = torch.tensor(list(self.given_class_weights), dtype=torch.float64)
        if len(weights) != len(self.au_set.aus):
            raise InputError(
                f"module.class_weights has {len(weights)} values, expected {len(self.au_set.aus)}: "
                f"one for each action unit of {self.au_set.name} ({', '.join(self.au_set.columns)})."
            )
        self.loss.class_weights.copy_(weights)

    def on_train_start(self) -> None:
        """Check the length of a resumed schedule. Raises ``InputError`` if it is not that of this run."""
        schedule: CosineAnnealingLR = self.lr_schedulers()  # type: ignore[assignment]
        steps = int(self.trainer.estimated_stepping_batches)
        if schedule.T_max != steps:
            raise InputError(
                f"cannot resume: the learning rate schedule of the checkpoint has {schedule.T_max} steps, this run has "
                f"{steps}. Resume with the same trainer.max_epochs, data and batch size, or start a new run."
            )

    def training_step(self, clip: ClipBatch, batch_idx: int) -> Tensor:
        """Return the loss of a batch; see :meth:`check_divergence`."""
        output = self(clip)
        terms = self.loss(output.scores, output.region_logits, clip, output.edge_logits)
        first = (self.diverged_batch < 0) & ~terms.total.isfinite()
        self.diverged_batch = torch.where(first, batch_idx, self.diverged_batch)
        if self.device.type == "cpu":  # reading a value of an accelerator would wait for all its work
            self.check_divergence()
        size = len(clip.au)
        self.log("train/loss", terms.total, on_step=True, on_epoch=True, batch_size=size)
        self.log("train/loss_au", terms.au, on_step=False, on_epoch=True, batch_size=size)
        self.log("train/loss_region", terms.region, on_step=False, on_epoch=True, batch_size=size)
        if output.edge_logits is not None:
            self.log("train/loss_edge", terms.edge, on_step=False, on_epoch=True, batch_size=size)
        rate = self.optimizers().param_groups[-1]["lr"]  # type: ignore[union-attr]
        self.log("train/learning_rate", torch.tensor(rate))  # Lightning would copy a number to the accelerator and wait
        return terms.total

    def validation_step(self, clip: ClipBatch, batch_idx: int) -> None:
        """Collect the scores of a batch."""
        self.frame_scores.update(self(clip).scores, clip)

    def test_step(self, clip: ClipBatch, batch_idx: int) -> None:
        """Collect the scores of a batch."""
        self.validation_step(clip, batch_idx)

    def on_validation_epoch_end(self) -> None:
        """Compute and log the validation metrics, except in the sanity check."""
        self._end_evaluation("val", log=not self.trainer.sanity_checking)

    def on_test_epoch_end(self) -> None:
        """Compute and log the test metrics."""
        self._end_evaluation("test", log=True)

    def _end_evaluation(self, split: str, *, log: bool) -> None:
        self.predictions, self.metrics = self.frame_scores.compute(), None
        self.frame_scores.reset()
        if not log:
            return
        scores, labels = self.predictions.scores, self.predictions.labels
        self.metrics = action_unit_metrics(scores, labels, threshold=self.threshold)
        loss = weighted_asymmetric_loss(scores, labels, self.loss.class_weights.cpu())
        values = {
            f"{split}/loss_au": loss.item(),
            f"{split}/f1_mean": self.metrics.f1_mean,
            f"{split}/auc_mean": self.metrics.auc_mean,
            f"{split}/accuracy_mean": self.metrics.accuracy_mean,
        }
        for column, f1 in zip(self.au_set.columns, self.metrics.f1.tolist(), strict=True):
            values[f"{split}/f1/{column}"] = f1
        self.log_dict(values, sync_dist=True)  # equal in all processes; sync_dist avoids a warning of Lightning

    def on_train_epoch_end(self) -> None:
        """Check the losses of the epoch before its checkpoint is saved; see :meth:`check_divergence`."""
        self.check_divergence()

    def check_divergence(self) -> None:
        """Raise ``DivergedError`` if the loss of a batch was NaN or infinite.

        Called after every batch on a CPU, and after every epoch on accelerators.
        """
        batch = self.diverged_batch.item()
        if batch >= 0:
            raise DivergedError(
                f"training diverged: the loss is NaN or infinite in epoch {self.current_epoch}, batch {batch}. "
                f"Lower module.learning_rate (now {self.learning_rate:g})."
            )

    def configure_optimizers(self) -> Any:
        """Return AdamW on all parameters and a cosine schedule that reaches 0 after the last step."""
        named = list(self.network.named_parameters())
        backbone = [parameter for name, parameter in named if name.startswith("backbone.")]
        rest = [parameter for name, parameter in named if not name.startswith("backbone.")]
        optimizer = AdamW(
            [
                {"params": backbone, "lr": self.learning_rate * self.backbone_lr_scale},
                {"params": rest, "lr": self.learning_rate},
            ],
            betas=self.betas,
            weight_decay=self.weight_decay,
            fused=True,  # one kernel for all parameters
        )
        schedule = CosineAnnealingLR(optimizer, T_max=int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the action unit set."""
        checkpoint[AU_SET_KEY] = self.au_set.definition
