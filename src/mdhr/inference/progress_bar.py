"""Progress bar over the frames of several videos, with frames per second and remaining time."""

from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _FramesPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} frames/s" if speed else "", style="progress.data.speed")


class FrameProgressBar:
    """Progress bar on a terminal; hidden if stderr is not a terminal.

    Args:
        expected: number of frames by video; 0 if unknown.
    """

    def __init__(self, expected: dict[str, int]) -> None:
        console = Console(stderr=True)
        self._expected = expected
        self._video, self._num_completed, self._num_scored = "", 0, 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} frames"),
            _FramesPerSecond(),
            TimeRemainingColumn(),
            TextColumn("remaining"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=sum(expected.values()))

    def __enter__(self) -> "FrameProgressBar":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def print(self, line: str, file: TextIO | None = None) -> None:
        """Print a line above the bar."""
        print(line, file=file, flush=True)

    def start_video(self, video: str) -> None:
        """Start the next video."""
        self._video, self._num_scored = video, 0
        self.set_stage("scoring")

    def set_stage(self, stage: str) -> None:
        """Show what is being done with the video."""
        self._bar.update(self._task, description=f"{Path(self._video).name}: {stage}")

    def update(self, frames: int) -> None:
        """Set the number of completed frames of the video; smaller numbers than before are ignored."""
        self._num_scored = max(self._num_scored, frames)
        self._bar.update(self._task, completed=self._num_completed + self._num_scored)

    def finish_video(self) -> None:
        """Count the current video as completed, also after an error. Its number of frames is now exact."""
        self._num_completed += self._num_scored
        self._expected[self._video] = self._num_scored
        self._bar.update(self._task, completed=self._num_completed, total=sum(self._expected.values()))
