"""The network in training: losses, optimizer, schedule and what is logged."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from mdhr.action_units import ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.errors import DivergedError, InputError
from mdhr.training.frame_scores import PredictionCollector, Predictions
from mdhr.training.losses import EDGE_WEIGHTS, ClipLoss, class_weights, weighted_asymmetric_loss
from mdhr.training.metrics import ActionUnitMetrics, action_unit_metrics

AU_SET_KEY = "mdhr_au_set"
"""Where a checkpoint says which action unit set it is for."""


class ActionUnitModule(LightningModule):
    """Trains any network that maps frames ``B T 3 H W`` to ``.scores`` (B T N), ``.region_logits``, ``.edge_logits``.

    Clips with stored feature maps are passed to ``network.forward_features`` instead.

    Recipe: AdamW, learning rate by cosine to 0 over all steps, no warm-up (supplement, Table 2 and section 4).
    After a validation or test epoch :attr:`predictions` and :attr:`metrics` hold its outcome, equal in all processes.

    Parameters
    ----------
    class_weights: ``N`` weights of the loss; None derives them from the training fold when training starts.
    region_weight: lambda of the loss.
    edge_weight: weight of the loss on edges, for networks that have them; None is that of the ME-GraphAU paper.
    backbone_lr_scale: the learning rate of ``network.backbone``, as a multiple of ``learning_rate``.
    threshold: smallest score that counts as a detection.
    compiled: let torch.compile make one program of the network: minutes at first, for GPUs.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        au_set: ActionUnitSet,
        class_weights: Sequence[float] | None,
        region_weight: float,
        learning_rate: float,
        betas: tuple[float, float],
        weight_decay: float,
        backbone_lr_scale: float,
        threshold: float,
        edge_weight: float | None = None,
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
        self.threshold = threshold
        self.collector = PredictionCollector(num_aus=len(au_set.aus))
        self.predictions: Predictions | None = None
        self.metrics: ActionUnitMetrics | None = None

    def forward(self, clip: ClipBatch) -> Any:
        """Return the network's output for normalized frames or stored feature maps."""
        if clip.features is None:
            return self.network(clip.frames)
        maps = self.network.backbone.unpack(clip.features.flatten(0, 1))  # type: ignore[operator, union-attr]
        return self.forward_features(maps, clip.features.shape[1])

    @cached_property
    def forward_features(self) -> Callable[..., Any]:
        """The network's ``forward_features``, compiled if the network is."""
        forward_features: Callable[..., Any] = self.network.forward_features  # type: ignore[assignment]
        return torch.compile(forward_features) if self.compiled else forward_features

    def setup(self, stage: str) -> None:
        """Maps that the data has stored must be those of this backbone."""
        stored = getattr(self.trainer.datamodule, "stored_maps", None)  # type: ignore[attr-defined]
        if stored is not None:
            stored.check_backbone(self.network.backbone.fingerprint())  # type: ignore[operator, union-attr]

    def on_fit_start(self) -> None:
        """The weights of the loss follow the training fold, unless they were given."""
        if self.given_class_weights is None:
            weights = class_weights(self.trainer.datamodule.class_rates())  # type: ignore[attr-defined]
        else:
            weights = torch.tensor(list(self.given_class_weights), dtype=torch.float64)
        if len(weights) != len(self.au_set.aus):
            raise InputError(
                f"module.class_weights: {len(weights)} weights for the {len(self.au_set.aus)} action units "
                f"of {self.au_set.name}: give one for each of {', '.join(self.au_set.columns)}"
            )
        self.loss.class_weights.copy_(weights)

    def training_step(self, clip: ClipBatch, batch_idx: int) -> Tensor:
        """Loss of a batch; raises ``DivergedError`` when it is no number any more."""
        output = self(clip)
        terms = self.loss(output.scores, output.region_logits, clip, output.edge_logits)
        if not terms.total.isfinite():
            raise DivergedError(
                f"the loss became {terms.total.item()} in epoch {self.current_epoch}, batch {batch_idx}: "
                f"lower module.learning_rate (now {self.learning_rate:g})"
            )
        size = len(clip.au)
        self.log("train/loss", terms.total, on_step=True, on_epoch=True, batch_size=size)
        self.log("train/loss_au", terms.au, on_step=False, on_epoch=True, batch_size=size)
        self.log("train/loss_region", terms.region, on_step=False, on_epoch=True, batch_size=size)
        if output.edge_logits is not None:
            self.log("train/loss_edge", terms.edge, on_step=False, on_epoch=True, batch_size=size)
        self.log("train/learning_rate", self.optimizers().param_groups[-1]["lr"])  # type: ignore[union-attr]
        return terms.total

    def validation_step(self, clip: ClipBatch, batch_idx: int) -> None:
        """Keep the scores; metrics come from the whole fold at once."""
        self.collector.add(self(clip).scores, clip)

    def test_step(self, clip: ClipBatch, batch_idx: int) -> None:
        """As in validation."""
        self.validation_step(clip, batch_idx)

    def on_validation_epoch_end(self) -> None:
        """Metrics of the validation part; the trial run before training is not worth reporting."""
        self._conclude("val", report=not self.trainer.sanity_checking)

    def on_test_epoch_end(self) -> None:
        """Metrics of the test fold."""
        self._conclude("test", report=True)

    def _conclude(self, split: str, *, report: bool) -> None:
        self.predictions, self.metrics = self.collector.gather(), None
        self.collector = PredictionCollector(num_aus=len(self.au_set.aus))
        if not report:
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
        self.log_dict(values, sync_dist=True)  # the mean of equal values: the same again

    def configure_optimizers(self) -> Any:
        """AdamW on every parameter; the cosine ends at 0 with the last step of the last epoch."""
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
            fused=True,  # one pass over parameters, gradients and moments; every device has it
        )
        schedule = CosineAnnealingLR(optimizer, T_max=int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say in the checkpoint which action units it is for."""
        checkpoint[AU_SET_KEY] = self.au_set.name

    def on_train_start(self) -> None:
        """A resumed run keeps the schedule it began with, so its length must be the same."""
        schedule: CosineAnnealingLR = self.lr_schedulers()  # type: ignore[assignment]
        steps = int(self.trainer.estimated_stepping_batches)
        if schedule.T_max != steps:
            raise InputError(
                f"the checkpoint's learning rate reaches 0 after {schedule.T_max} steps, this run ends after {steps}: "
                "resume with the trainer.max_epochs, data and batch size it began with, or start a new run"
            )
