"""Store the frames of a data set as pixels: ``python -m mdhr.store_frames data=...``, see ``conf/store_frames.yaml``.

What a training with ``data.module.frames`` reads instead of image files. Where they are up to date nothing is done.
"""

from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.data.stored_frames import StoredFrames, write_stored_frames
from mdhr.entry import entry_point, stop_on_signals
from mdhr.errors import InputError


def store_frames(cfg: DictConfig) -> None:
    """Store the frames of the data set where ``data.module.frames`` says.

    Raises ``InputError`` if it says nothing, if the data set cannot be read, or the disk is too small.
    """
    if not cfg.data.module.frames:
        raise InputError("data.module.frames is not set: say data.module.frames=<a folder to store the frames in>")
    folder = Path(cfg.data.module.frames)
    manifest = instantiate(cfg.data.module.source)(au_set=instantiate(cfg.data.au_set))
    try:
        StoredFrames(folder, manifest=manifest)
        return
    except InputError:  # none, or outdated ones
        pass
    with stop_on_signals():
        write_stored_frames(folder, manifest=manifest)
    print(f"the frames are in {folder}: train with data.module.frames={folder}")


main = entry_point("store_frames")(store_frames)

if __name__ == "__main__":
    main()
