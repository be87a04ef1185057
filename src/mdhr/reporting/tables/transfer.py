"""Transfer between groups of people: networks trained on one head model and tested on unseen people of every one.

The group of a subject is the ending of its name after a hyphen: ``S02-ict`` belongs to the group ``ict``. Runs differ in
``data.module.train_suffix``; each is tested on all subjects of its test fold. The folder ``adapted-ict`` in a run is an
evaluation with the statistics of batch normalization of the group ``ict`` (``mdhr evaluate adapt_batch_norm=true``).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mdhr.data.provenance import INCOMPLETE, RENDERED, is_rendered
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.text_tables import latex_tables, markdown_page, p_value, percent
from mdhr.reporting.finished_runs import TRAIN_SUFFIX, check_one_recipe, provenance_note
from mdhr.reporting.people_metrics import ALL, PeopleMetrics, people_metrics, subject_group
from mdhr.reporting.tables.transfer_tests import transfer_tests
from mdhr.training.frame_scores import action_unit_columns, read_predictions
from mdhr.training.run_record import METRICS_FILE

_KEYS = ["network", TRAIN_SUFFIX]
TRAINING, TESTED = "training", "tested people"
"""Data from which the statistics of batch normalization are."""
_TESTS_NOTE = (
    "comparisons: paired t-tests over people, with the statistics of the training data. The value of a person is the mean AUC "
    "over action units of the person's frames, averaged over seeds; Holm: adjusted over all rows. All digits: tests.csv"
)
_OF_TRAINING_GROUP = (TRAIN_SUFFIX, "data.module.features", "backbone.weights")
"""Endings of the settings that belong to a training group: each has its own pretrained backbone."""


def transfer_table(runs: pd.DataFrame, folds: Sequence[int] = (1, 2, 3)) -> pd.DataFrame:
    """Return one row per network, training group and tested group, and another one with adapted batch normalization.

    The second row exists if all runs have such an evaluation. Columns: ``network``, ``trained_on``, ``tested_on``,
    ``statistics`` (of batch normalization: :data:`TRAINING` or :data:`TESTED`), ``seeds`` (with all folds), ``people``,
    ``frames``, ``f1``, ``always_positive_f1``, ``f1_gain`` with ``f1_gain_low`` and ``f1_gain_high``, ``auc`` with
    ``auc_low`` and ``auc_high``, ``auc_within_clips``, and ``f1_AU1``, ..., ``auc_AU1``, .... Values are means over the
    seeds, each computed over the test subjects of all folds; intervals are the mean bounds.

    Raises ``InputError`` if the runs do not share one recipe.
    """
    rows: list[dict[str, Any]] = []
    for (network, suffix), group in runs.groupby(_KEYS):
        seeds = [own for _, own in group.groupby("seed") if set(folds) <= set(own["fold"])]
        folders = [[Path(folder) for folder in own["folder"][own["fold"].isin(folds)]] for own in seeds]
        by_seed = [_predictions(own) for own in folders]
        for name in sorted(by_seed[0]["group"].unique() if by_seed else ()):
            for statistics, of_seeds in ((TRAINING, by_seed), (TESTED, _adapted_predictions(folders, name))):
                if not of_seeds:
                    continue
                metrics = [
                    people_metrics(table[table["group"] == name], threshold=float(own["threshold"].iloc[0]))
                    for table, own in zip(of_seeds, seeds, strict=True)
                ]
                row = {"network": network, "trained_on": suffix.removeprefix("-") or ALL, "tested_on": name}
                row |= {"statistics": statistics, "seeds": len(seeds)}
                rows.append({**row, **_mean_row(metrics, action_unit_columns(by_seed[0]))})
    return pd.DataFrame(rows)


def write_transfer(runs: pd.DataFrame, out: Path, *, folds: Sequence[int] = (1, 2, 3), command: str) -> Path:
    """Write ``table.csv``, ``table.md``, ``table.tex`` and, for several networks, ``tests.csv``; return ``table.md``.

    Raises ``InputError`` if there are no runs with all folds, or if they do not share one recipe.
    """
    if not len(runs):
        raise InputError(f"no finished run for the transfer table. Run `{command}` or set runs to another folder.")
    check_one_recipe(runs, column=TRAIN_SUFFIX, settings=_OF_TRAINING_GROUP)
    table = transfer_table(runs, folds)
    if not len(table):
        raise InputError(f"no network of the transfer table has runs of all folds {list(folds)}. Run `{command}`.")
    data = str(runs["data"].iloc[0])
    title = f"Transfer between head models: {data}, in %"
    tests = transfer_tests(runs, folds)
    notes = [*_notes(runs, table, folds), *([_TESTS_NOTE] if len(tests) else []), f"command: `{command}`"]
    if is_rendered(data):
        notes.append(RENDERED)
    out.mkdir(parents=True, exist_ok=True)
    shown = [_shown_table(table), _shown_action_units(table)]
    if len(tests):
        write_text(out / "tests.csv", tests.to_csv(index=False))
        shown.insert(1, _shown_tests(tests))
    write_text(out / "table.csv", table.to_csv(index=False))
    write_text(out / "table.md", markdown_page(*shown, title=title, notes=notes))
    write_text(out / "table.tex", latex_tables(*shown, title=title, notes=notes))
    return out / "table.md"


def _predictions(folders: Sequence[Path]) -> pd.DataFrame:
    """Return the prediction tables of all folders, one below the other, with a column ``group``."""
    table = pd.concat([read_predictions(folder) for folder in folders], ignore_index=True)
    return table.assign(group=table["subject"].astype(str).map(subject_group))


def _adapted_predictions(folders: Sequence[Sequence[Path]], group: str) -> list[pd.DataFrame]:
    """Return the predictions of the adapted evaluations on a group, per seed; an empty list unless all runs have one."""
    adapted = [[folder / f"adapted-{group}" for folder in own] for own in folders]
    is_complete = all((folder / METRICS_FILE).is_file() for own in adapted for folder in own)
    return [_predictions(own) for own in adapted] if is_complete else []


def _mean_row(metrics: Sequence[PeopleMetrics], aus: Sequence[str]) -> dict[str, Any]:
    def mean(name: str) -> np.ndarray:
        return np.mean([getattr(each, name) for each in metrics], axis=0)

    gain, area = mean("f1_gain_interval"), mean("auc_interval")
    return {
        "people": metrics[0].num_people,
        "frames": metrics[0].num_frames,
        "f1": np.nanmean(mean("f1")),
        "always_positive_f1": np.nanmean(mean("always_positive_f1")),
        "f1_gain": mean("f1_gain"), "f1_gain_low": gain[0], "f1_gain_high": gain[1],
        "auc": np.nanmean(mean("auc")), "auc_low": area[0], "auc_high": area[1],
        "auc_within_clips": np.nanmean(mean("auc_within_clips")),
        **{f"f1_{au}": value for au, value in zip(aus, mean("f1"), strict=True)},
        **{f"auc_{au}": value for au, value in zip(aus, mean("auc"), strict=True)},
    }  # fmt: skip


def _labels(table: pd.DataFrame) -> pd.DataFrame:
    return table[["network", "trained_on", "tested_on", "statistics"]].rename(
        columns=lambda name: name.replace("_", " ")
    )


def _shown_table(table: pd.DataFrame) -> pd.DataFrame:
    gains = zip(table["f1_gain"], table["f1_gain_low"], table["f1_gain_high"], strict=True)
    areas = zip(table["auc"], table["auc_low"], table["auc_high"], strict=True)
    return _labels(table).assign(
        **{
            "people": table["people"].astype(str),
            "F1": table["f1"].map(percent),
            "always positive": table["always_positive_f1"].map(percent),
            "difference (95 %)": [f"{percent(x)} ({percent(low)} to {percent(high)})" for x, low, high in gains],
            "AUC (95 %)": [f"{percent(x)} ({percent(low)} to {percent(high)})" for x, low, high in areas],
            "AUC within clips": table["auc_within_clips"].map(percent),
            "seeds": table["seeds"].astype(str),
        }
    )


def _shown_action_units(table: pd.DataFrame) -> pd.DataFrame:
    columns = [column for column in table if str(column).startswith("auc_AU")]
    return _labels(table).assign(**{f"AUC {c.removeprefix('auc_')}": table[c].map(percent) for c in columns})


def _shown_tests(tests: pd.DataFrame) -> pd.DataFrame:
    intervals = zip(tests["low"], tests["high"], strict=True)
    return pd.DataFrame(
        {
            "comparison": tests["comparison"],
            "trained on": tests[TRAIN_SUFFIX].str.removeprefix("-").replace("", ALL),
            "tested on": tests["tested_on"],
            "people": tests["pairs"].astype(str),
            "AUC difference, points": tests["difference"].map(percent),
            "95 % interval": [f"{percent(low)} to {percent(high)}" for low, high in intervals],
            "p": tests["p"].map(p_value),
            "p, Holm": tests["p_holm"].map(p_value),
        }
    )


def _notes(runs: pd.DataFrame, table: pd.DataFrame, folds: Sequence[int]) -> list[str]:
    notes = [
        provenance_note(runs, folds),
        "rows: people of the tested head model that training has not seen; the network trained on `all` has seen other "
        "people of every head model",
        "AUC: over all frames; within clips: mean over the clips that contain both labels of an action unit",
        "statistics: batch normalization has those of the training data, or those of the tested people, without their labels",
        "95 %: bootstrap interval over people; for several seeds, the mean of the bounds",
    ]
    expected = len(folds) * runs["seed"].nunique()
    counts = runs[runs["fold"].isin(folds)].groupby(_KEYS).size()
    short = [
        f"{network} trained on {suffix.removeprefix('-') or ALL} ({n} of {expected} runs)"
        for (network, suffix), n in counts.items()
        if n < expected
    ]
    return [notes[0], f"{INCOMPLETE}: {', '.join(short)}", *notes[1:]] if short else notes
