"""All files of ``conf`` compose, validate and instantiate; every wrong setting is reported in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from lightning.pytorch import Callback
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf, open_dict

from mdhr.config.command_schema import EvaluationSettings
from mdhr.config.precision import trainer_precision
from mdhr.config.settings_schema import TrainingSettings
from mdhr.config.validation import validate
from mdhr.data.provenance import is_rendered
from mdhr.errors import InputError
from mdhr.reporting.paper_results import paper_row
from mdhr.training.module import ActionUnitModule
from tests.support.paths import CONF


def options(group: str) -> list[str]:
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


EXPERIMENTS = [name for name in options("experiment") if not name.startswith(("table_", "me_graphau", "transfer"))]
"""Recipes; sweeps are tested in test_multirun.py."""


def composed(*overrides: str, config_name: str = "train") -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(config_name, list(overrides))


def build_module(cfg: DictConfig) -> ActionUnitModule:
    """Module on the meta device, without pretrained weights."""
    cfg.backbone.pretrained, cfg.backbone.weights = False, None
    with torch.device("meta"):
        return instantiate(cfg.module, _convert_="all")


@pytest.mark.parametrize(
    "override",
    [
        *(f"{group}={name}" for group in ("data", "backbone", "network") for name in options(group)),
        *(f"experiment={name}" for name in EXPERIMENTS),
    ],
)
def test_data_and_network_compose_validate_and_instantiate(override: str):
    cfg = composed(override)
    validate(cfg)
    module = build_module(cfg)
    data = instantiate(cfg.data.module, _convert_="all")
    assert data.num_frames == cfg.data.num_frames
    assert module.au_set == data.au_set


@pytest.mark.parametrize("name", options("trainer"))
def test_trainers_compose_validate_and_instantiate(name: str):
    cfg = composed(f"trainer={name}")
    validate(cfg)
    if cfg.trainer.accelerator == "gpu" and not torch.cuda.is_available():
        with pytest.raises(Exception, match="No supported gpu backend found"):
            instantiate(cfg.trainer, precision="32-true")
    else:
        assert instantiate(cfg.trainer, logger=False, precision=trainer_precision(cfg.trainer)).max_epochs == 200


@pytest.mark.parametrize("name", options("logger"))
def test_loggers_compose_validate_and_instantiate(name: str, tmp_path: Path):
    cfg = composed(f"logger={name}", f"run_dir={tmp_path}")
    validate(cfg)
    assert all(isinstance(instantiate(logger), Logger) for logger in cfg.logger.values())


@pytest.mark.parametrize("name", options("callbacks"))
def test_callbacks_compose_validate_and_instantiate(name: str, tmp_path: Path):
    is_training = name == "training"
    run = [] if is_training else ["run=runs/demo"]
    cfg = composed(f"callbacks={name}", f"run_dir={tmp_path}", *run, config_name="train" if is_training else "evaluate")
    validate(cfg, TrainingSettings if is_training else EvaluationSettings)
    assert all(isinstance(instantiate(callback), Callback) for callback in cfg.callbacks.values())


def test_evaluation_composes_and_requires_a_run():
    with pytest.raises(InputError, match=r"^run is not set: set run=\.\.\.$"):
        validate(composed(config_name="evaluate"), EvaluationSettings)
    validate(composed("run=runs/demo", config_name="evaluate"), EvaluationSettings)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_have_a_name_and_their_row_of_the_paper(name: str):
    cfg = composed(f"experiment={name}", config_name="cross_validate")
    assert cfg.name == name
    assert cfg.run_dir == f"runs/{name}-honest-seed1"
    if cfg.paper_row is not None:
        columns = instantiate(cfg.data.au_set).columns
        row = paper_row(**cfg.paper_row, columns=columns)
        assert f"mean F1 {row.mean} with protocol paper" in (CONF / "experiment" / f"{name}.yaml").read_text()
    is_in_paper = not is_rendered(cfg.data.name) and cfg.data.name != "own_data"
    assert (cfg.paper_row is not None) == is_in_paper


@pytest.mark.parametrize(
    ("override", "num_aus"),
    [
        ("data=bp4d", 12),
        ("data=disfa", 8),
        ("experiment=bp4d_resnet50", 12),
        ("experiment=bp4d_swin_base", 12),
        ("experiment=disfa_resnet50", 8),
        ("experiment=disfa_swin_base", 8),
    ],
)
def test_recipe_of_the_paper_is_the_default(override: str, num_aus: int):
    cfg = composed(override)
    assert (cfg.backbone.drop_path_rate, cfg.data.module.clips_per_video) == (0.5 if "swin" in override else 0, 1)
    assert (cfg.data.batch_size, cfg.data.num_frames, cfg.data.crop_size) == (8, 16, 224)
    assert (cfg.network.temporal_radius, cfg.trainer.max_epochs, cfg.trainer.check_val_every_n_epoch) == (5, 200, 25)
    module = build_module(cfg)
    assert module.loss.region_weight == 0.01
    assert len(module.loss.class_weights) == num_aus
    module.trainer = type("Trainer", (), {"estimated_stepping_batches": 100})()
    settings = module.configure_optimizers()
    optimizer, schedule = settings["optimizer"], settings["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step()
    assert rates[0] == 1e-4
    assert rates[50] == pytest.approx(0.5e-4)
    assert optimizer.param_groups[-1]["lr"] == pytest.approx(0, abs=1e-18)
    assert {(group["betas"], group["weight_decay"]) for group in optimizer.param_groups} == {((0.9, 0.999), 5e-4)}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(module.network.parameters()))


WRONG = {
    "network.temporal_radius=0": r"network\.temporal_radius=0 is out of range: expected 1 to 8 \(half of data\.num_frames=16\)",
    "network.temporal_radius=9": r"network\.temporal_radius=9 is out of range: expected 1 to 8 \(half of data\.num_frames=16\)",
    "network.temporal_radius=abc": r"network\.temporal_radius=abc: should be a valid integer",
    "backbone.name=resnet5": r"backbone\.name=resnet5: timm has no such model; closest names: .*resnet50",
    "data.au_set.name=BP5D": r"data\.au_set\.name=BP5D: unknown action unit set 'BP5D': expected one of BP4D, DISFA",
    "data.crop_size=100": r"data\.crop_size=100: should be a multiple of 32",
    "data.batch_size=0": r"data\.batch_size=0: should be greater than or equal to 1",
    "data.fold=0": r"data\.fold=0: should be greater than or equal to 1",
    "data.protocol=lucky": r"data\.protocol=lucky: should be 'honest' or 'paper'",
    "data.module.jitter=wild": r"data\.module\.jitter=wild: should be a valid array",
    "backbone.feature_source=roof": r"backbone\.feature_source=roof: should be 'stage_input' or 'stage_output'",
    "module.learning_rate=-1": r"module\.learning_rate=-1: should be greater than 0",
    "trainer.max_epochs=3": r"trainer\.check_val_every_n_epoch=25 is out of range: expected at most trainer\.max_epochs=3",
    "+network.temporal_raduis=5": r"there is no setting network\.temporal_raduis: did you mean network\.temporal_radius\?",
    "+sede=1": r"there is no setting sede: did you mean seed\?",
    "module._target_=mdhr.training.module.Modul": r"module\._target_=mdhr\.training\.module\.Modul: .*",
    "~module.betas": r"module\.betas is not set: ActionUnitModule requires it",
    "data.root=???": r"data\.root is not set: set data\.root=\.\.\.",
}


@pytest.mark.parametrize(("override", "line"), WRONG.items(), ids=WRONG)
def test_wrong_setting_is_one_line(override: str, line: str):
    with pytest.raises(InputError, match=line) as raised:
        validate(composed(override))
    assert "\n" not in str(raised.value)


def test_every_wrong_setting_has_its_line():
    with pytest.raises(InputError) as raised:
        validate(composed("data.fold=0", "data.crop_size=100", "+data.module.num_worker=1"))
    lines = str(raised.value).splitlines()
    assert [line.split("=")[0].split(":")[0] for line in lines] == [
        "data.fold",
        "data.crop_size",
        "there is no setting data.module.num_worker",
    ]


def test_smoke_experiment_is_small(smoke: Callable[..., DictConfig]):
    cfg = smoke()
    validate(cfg)
    cfg.backbone.pretrained = False
    assert sum(p.numel() for p in build_module(cfg).parameters()) < 2_000_000


def test_validation_leaves_the_configuration_as_it_was():
    cfg = composed()
    before = OmegaConf.to_yaml(cfg)
    validate(cfg)
    assert OmegaConf.to_yaml(cfg) == before
    with open_dict(cfg):
        cfg.more = 1
    with pytest.raises(InputError, match="there is no setting more"):
        validate(cfg)
