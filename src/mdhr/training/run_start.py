"""Where training starts: the only place that decides which checkpoint a run resumes from."""

from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from mdhr.config.processes import is_first_process
from mdhr.errors import InputError
from mdhr.training.run_folder import run_state, stored_state

RESUMING = ("last", "auto")
"""Values of ``ckpt_path`` that resume the run in ``run_dir``."""


@dataclass(frozen=True)
class RunStart:
    """Checkpoint to start from, None for initial weights, and whether a new run starts."""

    checkpoint: Path | None
    is_new: bool


def plan_start(cfg: DictConfig) -> RunStart | None:
    """Return where the run in ``cfg.run_dir`` starts, None if it is complete.

    - ``ckpt_path=last`` and ``ckpt_path=auto`` resume the run, with the settings it was started with. Without a run,
      ``last`` is refused and ``auto`` starts one.
    - ``ckpt_path=FILE`` starts a new run that continues the training of another run: weights, optimizer, epoch.
    - Otherwise a new run starts. ``overwrite=true`` replaces an existing one.

    Raises ``InputError`` if the checkpoint does not exist, if the run was started with other settings, or if a new run
    would replace another one without ``overwrite=true``.
    """
    run, last = Path(cfg.run_dir), Path(cfg.callbacks.last.path)
    requested = cfg.ckpt_path
    if requested not in (None, *RESUMING) and Path(requested).resolve() == last.resolve():
        requested = "last"
    if requested == "last" and cfg.overwrite:
        raise InputError("ckpt_path=last resumes the run that overwrite=true replaces. Omit one of them.")
    if requested in RESUMING:
        state = run_state(cfg)
        if state == "complete":
            return None
        if state == "incomplete":
            return RunStart(last, is_new=False)
        if requested == "last":
            raise InputError(f"ckpt_path=last: {last} does not exist. Omit ckpt_path to start a new run.")
    elif is_first_process() and stored_state(cfg) != "new" and not cfg.overwrite:
        # Other processes find the files of the new run.
        raise InputError(
            f"{run} contains a run. Pass ckpt_path=last to resume it, name=... to start another run, "
            "or overwrite=true to replace it."
        )
    if requested in (None, "auto"):
        return RunStart(None, is_new=True)
    file = Path(requested)
    if not file.is_file():
        raise InputError(f"ckpt_path={requested}: {file} does not exist. Omit ckpt_path to start a new run.")
    if file.resolve().is_relative_to(run.resolve()):
        raise InputError(
            f"ckpt_path={requested} belongs to the run in {run}. Pass ckpt_path=last to resume it, or name=... to "
            "continue from this file in a new run."
        )
    return RunStart(file, is_new=True)
