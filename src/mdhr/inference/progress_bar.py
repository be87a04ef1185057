"""How far a program has come with the frames of many videos: a bar, frames a second and the time that is left."""

from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} frames/s" if speed else "", style="progress.data.speed")


class FrameBar:
    """A bar on a terminal; elsewhere nothing. A frame is looked at and scored: each counts half.

    Parameters
    ----------
    expected: frames of every video, 0 where that is not known.
    """

    def __init__(self, expected: dict[str, int]) -> None:
        console = Console(stderr=True)
        self._expected = expected
        self._video, self._looked_at, self._done = "", 0, 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} frames"),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=sum(expected.values()))

    def __enter__(self) -> "FrameBar":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def print(self, line: str, file: TextIO | None = None) -> None:
        """As the function of that name, above the bar."""
        print(line, file=file, flush=True)

    def begin(self, video: str) -> None:
        """The next video."""
        self._video, self._looked_at = video, 0
        self.say("looking for faces")

    def say(self, what: str) -> None:
        """What is being done with the video."""
        self._bar.update(self._task, description=f"{Path(self._video).name}: {what}")

    def update(self, stage: str, frames: int) -> None:
        """So many frames of the video have been looked at (``faces``) or scored (``scores``)."""
        if stage == "faces":
            self._looked_at = frames
            self._bar.update(self._task, completed=self._done + frames / 2)
            return
        self.say("scoring")
        self._expected[self._video] = self._looked_at  # now it is known
        completed = self._done + (self._looked_at + frames) / 2
        self._bar.update(self._task, completed=completed, total=sum(self._expected.values()))

    def end(self) -> None:
        """The video is done, or has failed."""
        self._done += self._expected[self._video]
        self._bar.update(self._task, completed=self._done)
