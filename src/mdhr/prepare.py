"""Prepare a data set: ``python -m mdhr.prepare data=synthetic``; go on where it was stopped, keep what is there."""

from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.entry import entry_point, stop_on_signals
from mdhr.errors import InputError


def prepare(cfg: DictConfig) -> None:
    """Run what ``cfg.data.prepare`` describes: anything with a method ``run``."""
    if "prepare" not in cfg.data:
        raise InputError(f"data={cfg.data.name} says not how it is prepared (it has no node data.prepare)")
    with stop_on_signals():
        instantiate(cfg.data.prepare).run()
    print(f"{cfg.data.name} is in {cfg.data.root}")


main = entry_point("prepare")(prepare)

if __name__ == "__main__":
    main()
