"""Adaptation of batch normalization to unlabeled test data."""

from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from omegaconf import DictConfig
from torch.nn.modules.batchnorm import _BatchNorm

from mdhr.data.datamodule import FaceVideoData
from mdhr.training.module import ActionUnitModule
from mdhr.training.trainer import build_trainer


def adapt_batch_norm(module: ActionUnitModule, data: FaceVideoData, settings: DictConfig, *, run: Path) -> None:
    """Replace the statistics of batch normalization by those of the test data (AdaBN).

    Labels are not used, and parameters do not change. Stored feature maps keep the statistics of the backbone that
    computed them. The test is transductive: the scores of a frame depend on the other test frames.

    Source: Li et al. 2018, "Adaptive batch normalization for practical domain adaptation".

    Args:
        settings: node ``trainer``.
        run: folder of the evaluation.
    """
    trainer = build_trainer(settings, run=run, callbacks=[_RecomputedStatistics()], loggers=[])
    trainer.test(module, datamodule=data, verbose=False)


class _RecomputedStatistics(Callback):
    """Computes the statistics of batch normalization in a test pass, as means over its batches."""

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the statistics of the training data."""
        for norm in self._norms(trainer, pl_module):
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
            norm.train()

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Average the statistics over processes and keep them."""
        for norm in self._norms(trainer, pl_module):
            for statistic in (norm.running_mean, norm.running_var):
                statistic.copy_(trainer.strategy.reduce(statistic, reduce_op="mean"))  # type: ignore[union-attr]

    def _norms(self, trainer: Trainer, pl_module: LightningModule) -> list[_BatchNorm]:
        has_features = trainer.datamodule.stored_features is not None  # type: ignore[attr-defined]
        return [
            module
            for name, module in pl_module.named_modules()
            if isinstance(module, _BatchNorm) and not (has_features and name.startswith("network.backbone."))
        ]
