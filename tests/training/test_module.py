"""ActionUnitModule with a network of few parameters, and the golden loss curve of MDHR."""

import json
import os
import zlib
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor, nn

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.errors import InputError
from mdhr.network.mdhr import NetworkOutput
from mdhr.training.module import ActionUnitModule
from tests.support.paths import GOLDEN

LOSS_CURVE = GOLDEN / "loss_curve.json"


class MeanColorNetwork(nn.Module):
    """Network that computes scores from the mean color of a frame."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Linear(3, 4)
        self.head = nn.Linear(4, 12)

    def forward(self, frames: Tensor) -> NetworkOutput:
        return NetworkOutput(scores=self.head(self.backbone(frames.mean((-1, -2)))).sigmoid(), region_logits=())


def module_with(**changes: object) -> ActionUnitModule:
    settings = {
        "network": MeanColorNetwork(),
        "au_set": BP4D,
        "class_weights": None,
        "region_weight": 0.01,
        "learning_rate": 1e-3,
        "betas": (0.9, 0.999),
        "weight_decay": 5e-4,
        "backbone_lr_scale": 1.0,
        "threshold": 0.5,
    }
    return ActionUnitModule(**{**settings, **changes})


def test_backbone_has_a_separate_learning_rate():
    module = module_with(backbone_lr_scale=0.1)
    module.trainer = SimpleNamespace(estimated_stepping_batches=10)
    backbone, rest = module.configure_optimizers()["optimizer"].param_groups
    assert (backbone["lr"], rest["lr"]) == (pytest.approx(1e-4), 1e-3)
    assert backbone["params"] == list(module.network.backbone.parameters())
    assert rest["params"] == list(module.network.head.parameters())


def test_class_weights_are_computed_from_training_data_or_given():
    rates = torch.linspace(0.1, 0.6, 12, dtype=torch.float64)
    module = module_with()
    module.trainer = SimpleNamespace(datamodule=SimpleNamespace(class_rates=lambda: rates))
    module.on_fit_start()
    expected = (1 / rates) / (1 / rates).sum() * 12
    torch.testing.assert_close(module.loss.class_weights, expected.float())
    assert "loss.class_weights" in module.state_dict()

    given = module_with(class_weights=[2.0] * 12)
    given.on_fit_start()
    assert (given.loss.class_weights == 2).all()
    with pytest.raises(InputError, match=r"module\.class_weights has 3 values, expected 12: .* of BP4D"):
        module_with(class_weights=[1.0] * 3).on_fit_start()


@pytest.mark.parametrize(("au_set", "weight"), [(BP4D, 0.05), (DISFA, 0.01)], ids=["BP4D", "DISFA"])
def test_edge_weight_is_that_of_the_paper_or_given(au_set: ActionUnitSet, weight: float):
    assert module_with(au_set=au_set).loss.edge_weight == weight
    assert module_with(au_set=au_set, edge_weight=0.0).loss.edge_weight == 0


def fixed_batch() -> ClipBatch:
    generator = np.random.default_rng(0)
    au = torch.from_numpy(generator.choice([0, 1, -1], (2, 4, 12), p=[0.6, 0.3, 0.1]).astype(np.int8))
    coarse = generator.standard_normal((2, 4, 3, 4, 4))
    return ClipBatch(
        frames=torch.from_numpy(np.kron(coarse, np.ones((16, 16)))).float(),
        au=au,
        region=BP4D.region_pattern(au),
        video=torch.arange(2),
        frame=torch.arange(4).repeat(2, 1),
    )


NAMES_OF_THE_CURVE = {
    "mfd.": "dynamic.",
    "cross_region.attention.a_src": "cross_region.attention.source",
    "cross_region.attention.a_dst": "cross_region.attention.target",
    "tcn.": "temporal.",
    "similarity.prototypes": "similarity.anchors",
}
"""Names that parts of the network had when the golden curve was recorded; they seed the weights."""


def fill(network: nn.Module) -> None:
    """Fill all parameters with random numbers seeded by their names, independently of library versions."""
    for name, parameter in network.named_parameters():
        recorded = next(
            (name.replace(new, old) for new, old in NAMES_OF_THE_CURVE.items() if name.startswith(new)), name
        )
        values = np.random.default_rng(zlib.crc32(recorded.encode())).standard_normal(tuple(parameter.shape))
        if parameter.ndim > 1:
            values /= np.sqrt(np.prod(parameter.shape[1:]))
        else:
            values = 0.1 * values + name.endswith("weight")
        parameter.data.copy_(torch.from_numpy(values))


def test_golden_loss_curve(smoke: Callable[..., DictConfig]):
    """Five steps on one batch; ``MDHR_WRITE_GOLDEN=1`` updates the curve after an intended change."""
    cfg = smoke("module.learning_rate=1e-3")
    module: ActionUnitModule = instantiate(cfg.module, _convert_="all")
    fill(module.network)
    module.trainer = SimpleNamespace(estimated_stepping_batches=5)
    settings = module.configure_optimizers()
    clip, curve = fixed_batch(), []
    for _ in range(5):
        output = module.network(clip.frames)
        terms = module.loss(output.scores, output.region_logits, clip)
        settings["optimizer"].zero_grad()
        terms.total.backward()
        settings["optimizer"].step()
        settings["lr_scheduler"]["scheduler"].step()
        curve.append([terms.au.item(), terms.region.item()])
    if os.environ.get("MDHR_WRITE_GOLDEN"):
        LOSS_CURVE.write_text(json.dumps(curve, indent=1) + "\n")
    np.testing.assert_allclose(curve, json.loads(LOSS_CURVE.read_text()), rtol=1e-3)


@pytest.mark.slow
def test_compiled_network_keeps_its_parameter_names(smoke: Callable[..., DictConfig]) -> None:
    plain, compiled = (instantiate(smoke(f"module.compiled={word}").module, _convert_="all") for word in (False, True))
    assert plain.network._compiled_call_impl is None
    assert compiled.network._compiled_call_impl is not None
    assert compiled.state_dict().keys() == plain.state_dict().keys()
