"""Requeueing of Slurm jobs."""

import os
import subprocess

from lightning.pytorch.plugins.environments import SLURMEnvironment


def requeue_job() -> str:
    """Requeue this Slurm job and return its number; return an empty string outside of a job or if Slurm refuses."""
    if not SLURMEnvironment.detect():
        return ""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID", "")
    try:
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return job
