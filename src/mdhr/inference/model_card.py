"""Model card: Markdown page with a model's input, training data, test results, intended use, limits and license."""

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mdhr.action_units import parse_action_unit_set
from mdhr.action_units.facs import action_unit, au_name
from mdhr.data.provenance import PROTOCOLS
from mdhr.files.text_tables import percent
from mdhr.inference.model_description import RENDERED_FACES, ModelDescription

MODEL_CARD_FILE = "model_card.md"
"""Name in a run folder."""
UNKNOWN = "unknown"
_TEMPLATE = "model_card.md.jinja"

_LICENSES = {
    "rendered": "rendered by this project from CC0 and MIT assets. It shows no real person and requires no agreement.",
    "licensed": "the property of its owners. BP4D and DISFA are distributed for research only, under a signed "
    "agreement. Ask the owners before you share weights trained on them or use them for another purpose.",
}
_LIMITS = {
    "rendered": (
        "The model was trained and tested on rendered faces only. Its results do not apply to real faces.",
        "Identities, lighting, camera and noise are those of the renderer.",
    ),
    "licensed": (
        "Subjects, studio and camera are those of one data set. Other ages, skin tones, poses and lighting "
        "were not tested.",
        "Labels follow the coders of that data set. Other coders may set the limit of an active action unit differently.",
    ),
    "all": (
        "Accuracy decreases if faces are cropped differently than in training.",
        "Scores are not probabilities. Choose the threshold on labeled videos of your own.",
    ),
}


def model_card(
    description: ModelDescription,
    *,
    title: str,
    network: str,
    data: str | None = None,
    record: Mapping[str, Any] | None = None,
) -> str:
    """Return the model card as Markdown.

    Args:
        network: network and backbone as text, without a final period.
        data: training and test data as text; by default the data set of the record.
        record: content of ``metrics.json``; None if the test results are unknown.
    """
    record = record or {}
    kind = "rendered" if description.trained_on == RENDERED_FACES else "licensed"
    environment = Environment(
        loader=PackageLoader("mdhr.inference", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # without HTML escaping, because the output is Markdown
    return environment.get_template(_TEMPLATE).render(
        title=title,
        network=network,
        model=description,
        au_set=parse_action_unit_set(description.au_set),
        rendered=kind == "rendered",
        data=data or record.get("data", UNKNOWN),
        protocol=PROTOCOLS.get(record.get("protocol", ""), UNKNOWN).removeprefix("protocol "),
        record=record,
        rows=list(_rows(record)),
        limits=[*_LIMITS[kind], *_LIMITS["all"]],
        license=_LICENSES[kind],
        unknown=UNKNOWN,
    )


def run_card(
    description: ModelDescription, settings: Mapping[str, Any], record: Mapping[str, Any] | None, *, name: str
) -> str:
    """Return the model card of a training run.

    Args:
        settings: settings of the run, with an entry ``network``.
        record: content of ``metrics.json``; None if the run was not tested.
        name: name of the run.
    """
    kind, backbone = settings["network"]["_target_"].rpartition(".")[2], settings["network"]["backbone"]["name"]
    return model_card(
        description, title=f"{kind}, run {name}", network=f"{kind} with backbone {backbone}", record=record
    )


def _rows(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield one row per action unit, then the mean."""
    measured = [record.get(key, {}) for key in ("f1", "auc", "baseline_f1")]
    for column in measured[0]:
        yield column, au_name(action_unit(column)), *(_percent(values.get(column)) for values in measured)
    yield "mean", "", *(_percent(record.get(key)) for key in ("f1_mean", "auc_mean", "baseline_f1_mean"))


def _percent(value: float | None) -> str:
    return percent(float("nan") if value is None else value)
