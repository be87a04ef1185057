"""Training steps submit their work to the accelerator without waiting for it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig

from mdhr.config.composition import compose_config
from mdhr.training.trainer import build_trainer
from tests.gpu.host_reads import HostAccesses, Watch

SETTINGS = ("data.batch_size=1", "trainer.max_epochs=1")  # six batches
ON_META = "+trainer.strategy._target_=tests.gpu.host_reads.MetaStrategy"
SWIN = ("backbone=swin_base", "backbone.name=swin_tiny_patch4_window7_224", "backbone.pretrained=false")


def fit(cfg: DictConfig, folder: Path, watch: Callable[[bool], None]) -> None:
    """Train and validate with the logger and those callbacks of a training run that write no results."""
    watched = Watch(watch)
    callbacks = [instantiate(cfg.callbacks[name]) for name in ("resume", "progress")]
    trainer = build_trainer(
        cfg.trainer, run=folder, callbacks=[*callbacks, watched], loggers=[CSVLogger(folder, name="csv")]
    )
    trainer.fit(instantiate(cfg.module, _convert_="all"), datamodule=instantiate(cfg.data.module, _convert_="all"))
    assert watched.batches > 5


@pytest.fixture
def host_accesses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[DictConfig], list[str]]:
    """Train on the meta device and return the accesses of the host."""
    # PyTorch implements the fused optimizer for the meta device, but does not list it.
    optimizers = sys.modules["torch.optim.optimizer"]
    monkeypatch.setattr(optimizers, "_get_fused_kernels_supported_devices", lambda: ["cuda", "meta"])

    def accesses(cfg: DictConfig) -> list[str]:
        with HostAccesses() as recorded:
            fit(cfg, tmp_path, recorded.watch)
        return recorded.found

    return accesses


@pytest.mark.parametrize(
    "settings",
    [
        (),
        pytest.param(SWIN, marks=pytest.mark.slow),
        pytest.param(("backbone.activation_checkpointing=true",), marks=pytest.mark.slow),
        pytest.param(("network=me_graphau_stage2",), marks=pytest.mark.slow),
    ],
    ids=["resnet", "swin", "activation-checkpointing", "me-graphau"],
)
def test_the_host_does_not_wait_in_a_step(
    host_accesses: Callable[[DictConfig], list[str]], smoke: Callable[..., DictConfig], settings: tuple[str, ...]
) -> None:
    assert host_accesses(smoke(*settings, *SETTINGS, ON_META, "trainer.log_every_n_steps=100")) == []


def test_logged_steps_read_their_values(
    host_accesses: Callable[[DictConfig], list[str]], smoke: Callable[..., DictConfig]
) -> None:
    """The loss of every logged step is read, and no other value."""
    found = host_accesses(smoke(*SETTINGS, ON_META, "trainer.log_every_n_steps=3"))
    assert [access.split()[0] for access in found] == ["aten._local_scalar_dense.default"]  # of the third batch


def test_most_steps_are_not_logged() -> None:
    assert compose_config("train", []).trainer.log_every_n_steps >= 10


@pytest.mark.parametrize(
    ("access", "operation"),
    [
        (lambda x: x[0].item(), "_local_scalar_dense"),
        (lambda x: bool((x > 0).all()), "_local_scalar_dense"),
        (lambda x: x.nonzero(), "nonzero"),
        (lambda x: torch.equal(x, x), "equal"),
        (lambda x: x.cpu(), "_to_copy"),
        (lambda x: x.tolist(), "_to_copy"),
        (lambda x: torch.zeros(3).to(x.device), "_to_copy"),
        (lambda x: x.copy_(torch.zeros(3)), "copy_"),
        (lambda x: torch.zeros(3).copy_(x), "copy_"),
        (lambda x: torch.tensor([1.0], device=x.device), "tensor"),
        (lambda x: f"{x[0]:.1f}", "format"),
    ],
)
def test_accesses_of_the_host_are_found(access: Callable[[torch.Tensor], object], operation: str) -> None:
    values = torch.zeros(3, device="meta")
    with HostAccesses() as recorded:
        access(values)
        assert recorded.found == []
        recorded.watch(True)
        access(values)
    assert any(operation in found for found in recorded.found)


def test_asynchronous_work_is_no_access() -> None:
    with HostAccesses() as recorded:
        recorded.watch(True)
        values = torch.zeros(3).to("meta", non_blocking=True)
        values.copy_(torch.zeros(3), non_blocking=True)
        torch.where(values > 0, 1.0, values).sum().add_(2)
        torch.tensor(3.0).item()
    assert recorded.found == []


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_cuda_does_not_wait_in_a_step(smoke: Callable[..., DictConfig], tmp_path: Path, precision: str) -> None:
    """CUDA raises an error where the host waits."""
    settings = (f"trainer.precision={precision}", "trainer.accelerator=gpu", "trainer.log_every_n_steps=100")
    fit(smoke(*SETTINGS, *settings), tmp_path, lambda on: torch.cuda.set_sync_debug_mode("error" if on else "default"))
