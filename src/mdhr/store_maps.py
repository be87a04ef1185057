"""Store the maps of a frozen backbone: ``python -m mdhr.store_maps experiment=...``, see ``conf/store_maps.yaml``.

What a training with ``data.module.maps`` reads instead of frames. Where they are up to date nothing is done.
"""

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.configuration import validate
from mdhr.data.stored_maps import StoredMaps, write_stored_maps
from mdhr.entry import entry_point, stop_on_signals
from mdhr.errors import InputError
from mdhr.network.backbone import Backbone


def store_maps(cfg: DictConfig) -> None:
    """Store the maps that the settings of a training name, if they name any.

    Raises ``InputError`` for a wrong setting or data.
    """
    if not cfg.data.module.get("maps"):
        return
    validate(cfg)
    folder, crop_size = Path(cfg.data.module.maps), cfg.data.crop_size
    manifest = instantiate(cfg.data.module.source)(au_set=instantiate(cfg.data.au_set))
    backbone: Backbone = instantiate(cfg.backbone, _convert_="all").eval()
    fingerprint = backbone.fingerprint()
    try:
        StoredMaps(folder, manifest=manifest, crop_size=crop_size).check_backbone(fingerprint)
        return
    except InputError:  # none, or outdated ones
        pass
    with stop_on_signals(), torch.inference_mode():
        write_stored_maps(
            folder,
            manifest=manifest,
            crop_size=crop_size,
            pack=lambda frames: backbone.pack(backbone(frames)),
            fingerprint=fingerprint,
        )
    print(f"maps of the frozen backbone are in {folder}")


main = entry_point("store_maps")(store_maps)

if __name__ == "__main__":
    main()
