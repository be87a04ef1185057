"""Hydra's own sweep, which runs every job and ends by naming those that failed.

Hydra finds its plugins in the namespace ``hydra_plugins``, nowhere else. Chosen by ``hydra/sweeper: every_job``.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn

from mdhr.config.hydra_command import FailedJob
from mdhr.errors import IncompleteError


class EveryJobSweeper(BasicSweeper):
    """The product of all comma-separated values, like its parent, whatever launcher runs the jobs."""

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Run all jobs; raise ``IncompleteError`` when they have ended if some have failed."""
        batches = super().sweep(arguments)
        outcomes = [job.return_value for batch in batches for job in batch]
        failed = [os.path.basename(outcome.folder) for outcome in outcomes if isinstance(outcome, FailedJob)]
        if failed:
            raise IncompleteError(
                f"{len(failed)} of {len(outcomes)} jobs failed, each with its message above: {', '.join(failed)}"
            )
        return batches


@dataclass
class EveryJobSweeperConf(BasicSweeperConf):
    """Settings of the basic sweeper: ``params``, ``max_batch_size``."""

    _target_: str = f"{__name__}.{EveryJobSweeper.__name__}"


ConfigStore.instance().store(group="hydra/sweeper", name="every_job", node=EveryJobSweeperConf, provider="mdhr")
