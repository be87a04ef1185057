"""One video of a release to prepare."""

from dataclasses import dataclass

from mdhr.data.releases.contents import ReleaseVideo
from mdhr.data.video.frame_source import FrameSource, VideoFile
from mdhr.data.video.image_folder import ImageFolder


@dataclass(frozen=True)
class PreparationJob:
    """Labeled frames of one video and the folder of their faces."""

    video: ReleaseVideo
    frames: tuple[int, ...]
    """Numbers of the labeled frames, ascending."""
    fps: float

    @property
    def folder(self) -> str:
        """Folder of the prepared frames relative to the root of the data set, such as ``frames/F001/T1``."""
        return f"frames/{self.video.name}"

    @property
    def source(self) -> FrameSource:
        """The labeled frames of the release."""
        if self.video.images is None:
            first = int(self.video.numbers[0])
            return VideoFile(self.video.path, positions=[frame - first for frame in self.frames])
        names = [self.video.images[frame] for frame in self.frames]
        return ImageFolder(self.video.path, names, [frame / self.fps for frame in self.frames])
