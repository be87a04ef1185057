"""The model card: a page that goes with the weights and says what they are, how good, and what they are not for."""

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mdhr.action_units import AU_NAMES, action_unit_set
from mdhr.data.provenance import PROTOCOLS
from mdhr.files.text_tables import percent
from mdhr.inference.model_description import RENDERED, ModelDescription

FILE = "model_card.md"
"""In the folder of a run."""
UNKNOWN = "not known"

_LICENSES = {
    "rendered": "rendered by this project from CC0 assets; no real person is in it, and no agreement is needed.",
    "licensed": "the data belong to their owners; BP4D and DISFA are handed out for research alone, on a signed "
    "agreement. Whether weights that were trained on them may be passed on or used otherwise is theirs to say: ask "
    "before you do.",
}
_LIMITS = {
    "rendered": (
        "No real face took part in its training or its test: its numbers say how well it reads the renderer.",
        "It knows the renderer's people, light, camera and noise alone.",
    ),
    "licensed": (
        "It knows the people, the studio and the camera of its data set; other ages, skins, poses and light "
        "were not measured here.",
        "The coders of its data set decided what counts as active; others draw the line elsewhere.",
    ),
    "every": (
        "It takes the face crop as given: a crop that is framed otherwise than in training costs accuracy.",
        "Scores are not probabilities; a threshold for your own videos is chosen on your own videos.",
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
    """The card as Markdown.

    Parameters
    ----------
    network: a sentence without its full stop: what computes.
    data: what it was trained and tested on, for people; None for the name in the record.
    record: what ``metrics.json`` says; None where nothing is known of its test.
    """
    record = record or {}
    kind = "rendered" if description.trained_on == RENDERED else "licensed"
    page = Environment(
        loader=PackageLoader("mdhr.inference", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # Markdown: nothing is escaped
    return page.get_template("card.md.jinja").render(
        title=title,
        network=network,
        model=description,
        au_set=action_unit_set(description.au_set),
        rendered=kind == "rendered",
        data=data or record.get("data", UNKNOWN),
        protocol=PROTOCOLS.get(record.get("protocol", ""), UNKNOWN).removeprefix("protocol "),
        record=record,
        rows=list(_rows(record)),
        limits=[*_LIMITS[kind], *_LIMITS["every"]],
        license=_LICENSES[kind],
        unknown=UNKNOWN,
    )


def run_card(
    description: ModelDescription, settings: Mapping[str, Any], record: Mapping[str, Any] | None, *, name: str
) -> str:
    """The card of a run of ``mdhr train``, by its settings and what ``metrics.json`` says of its test."""
    kind, backbone = settings["network"]["_target_"].rpartition(".")[2], settings["network"]["backbone"]["name"]
    return model_card(
        description, title=f"{kind}, run {name}", network=f"{kind} with backbone {backbone}", record=record
    )


def _rows(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """One for every action unit, then the mean."""
    measured = [record.get(key, {}) for key in ("f1", "auc", "baseline_f1")]
    for column in measured[0]:
        yield column, AU_NAMES[int(column.removeprefix("AU"))], *(_percent(values.get(column)) for values in measured)
    yield "mean", "", *(_percent(record.get(key)) for key in ("f1_mean", "auc_mean", "baseline_f1_mean"))


def _percent(value: float | None) -> str:
    return percent(float("nan") if value is None else value)
