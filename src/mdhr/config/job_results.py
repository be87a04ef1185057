"""Outcomes of the jobs of a Hydra multirun, collected across processes."""

import shutil
from pathlib import Path
from uuid import uuid4

from mdhr.errors import IncompleteError


class JobResults:
    """Temporary folder with one file per finished job, which contains the job's name if the job failed.

    Launchers such as joblib run jobs in other processes and return nothing to the caller of ``hydra.main``. An instance
    therefore travels to the jobs with the pickled task function. The folder is in the working directory, which the
    nodes of a cluster share.
    """

    def __init__(self) -> None:
        self.folder = Path.cwd() / f".mdhr-multirun-{uuid4().hex[:12]}"

    def add(self, number: int, *, failed: str = "") -> None:
        """Store the outcome of the job with this number; ``failed`` is its name, empty if it succeeded."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{number:06d}").write_text(failed)

    def check(self) -> None:
        """Raise ``IncompleteError`` with the names of the failed jobs, if there are any."""
        names = [file.read_text() for file in sorted(self.folder.glob("*"))]
        failed = [name for name in names if name]
        if failed:
            raise IncompleteError(f"{len(failed)} of {len(names)} jobs failed (messages above): {', '.join(failed)}")

    def clear(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
