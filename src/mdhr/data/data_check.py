"""Check of a data set and the table of its problems, for ``mdhr check``."""

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mdhr.config.signals import stop_on_signals
from mdhr.data.folds import BP4D_FOLDS
from mdhr.data.prepared.prepared_checks import check_prepared
from mdhr.data.problems import Problem
from mdhr.data.releases.release_checks import check_release
from mdhr.errors import InputError
from mdhr.files.atomic import write_text

Checked = dict[str, list[Problem]]
"""Problems by checked folder, errors before notes."""


def check(cfg: DictConfig) -> Checked:
    """Check the parts of a data set that exist: release, prepared form, released lists.

    Raises ``InputError`` if none exists.
    """
    checked: Checked = {}
    with stop_on_signals():
        for root, problems in _checks(cfg):
            checked[root] = sorted(problems, key=lambda problem: problem.level)
    if not checked:
        folders = " nor in ".join(dict.fromkeys([str(cfg.data.root), str(cfg.data.prepared)]))
        raise InputError(f"there is nothing to check in {folders}. Set data.root to the folder of a data set.")
    return checked


def _checks(cfg: DictConfig) -> Iterator[tuple[str, list[Problem]]]:
    root, prepared = str(cfg.data.root), str(cfg.data.prepared)
    if "fold" in cfg.data.module.source:
        if Path(root).is_dir():
            yield root, _check_lists(cfg)
        return
    settings = {"partial": cfg.partial, "num_workers": cfg.num_workers}
    has_prepared = Path(prepared).is_dir() and any(Path(prepared).iterdir())
    if "release" in cfg.data:
        if Path(root).is_dir():
            yield root, check_release(instantiate(cfg.data.release).read(), deep=cfg.deep, **settings)
        elif has_prepared:
            yield root, [Problem(root, "the release does not exist; only the prepared form was checked", level="note")]
    if has_prepared:
        yield prepared, check_prepared(prepared, instantiate(cfg.data.au_set), **settings)


def _check_lists(cfg: DictConfig) -> list[Problem]:
    """Return the first error of each fold's lists and all of their warnings."""
    problems = []
    for fold in BP4D_FOLDS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                instantiate(cfg.data.module.source, fold=fold)(au_set=instantiate(cfg.data.au_set))
            except InputError as error:
                problems.append(Problem(f"fold {fold}", str(error)))
        problems += [Problem(f"fold {fold}", str(warning.message), level="note") for warning in caught]
    return problems


def problem_table(checked: Checked, *, limit: int | None, width: int) -> Table:
    """Return one table of all problems with at most ``limit`` rows per kind and folder; ``width`` is in characters."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("where", ratio=4, overflow="fold")
    table.add_column("what", ratio=6, overflow="fold")
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("fix", ratio=4, overflow="fold")
    for root, problems in checked.items():
        table.add_section()
        if problems and len(checked) > 1:
            table.add_row(Text(root, style="bold"))
        kinds = Counter(map(_kind, problems))
        listed: Counter[tuple[str, str]] = Counter()
        for problem in problems:
            kind = _kind(problem)
            listed[kind] += 1
            style, mark = ("", "red") if problem.level == "error" else ("dim", "")
            if limit is None or listed[kind] <= limit or kinds[kind] == limit + 1:
                what = Text().append(f"{problem.level}: ", style=mark).append(problem.what)
                where = _wrapped_path(problem.where, width // 4)
                table.add_row(where, what, f"{problem.count:,}", Text(problem.fix), style=style)
            elif listed[kind] == kinds[kind]:
                more = f"and {kinds[kind] - limit} more; set limit=null to list all"
                table.add_row("", Text(more, style="italic"), style=style)
    return table


def _wrapped_path(path: str, longest: int) -> Text:
    """Break a long path before its last name."""
    return Text(path if len(path) <= longest else "/\n".join(path.rsplit("/", 1)))


def _kind(problem: Problem) -> tuple[str, str]:
    """Return the kind of a problem: problems with the same fix are of one kind."""
    return problem.level, problem.fix or problem.what


def summary(checked: Checked) -> str:
    """Return a summary such as ``1 error and 3 notes in data/bp4d``."""
    levels = Counter(problem.level for problems in checked.values() for problem in problems)
    numbers = [f"{levels[level]} {level}{'' if levels[level] == 1 else 's'}" for level in ("error", "note")]
    return f"{' and '.join(numbers)} in {' and '.join(checked)}"


def write_csv(checked: Checked, path: Path) -> None:
    """Write all problems with their folders; raises ``InputError`` if the file cannot be written."""
    rows = [{"root": root, **asdict(problem)} for root, problems in checked.items() for problem in problems]
    columns = ["root", *(field.name for field in fields(Problem))]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, pd.DataFrame(rows, columns=columns).to_csv(index=False))


def print_problems(cfg: DictConfig) -> int:
    """Print the table of problems and a summary line; return 1 if there are errors, else 0."""
    checked = check(cfg)
    if cfg.out:
        write_csv(checked, Path(cfg.out))
    return print_checked(checked, limit=cfg.limit)


def print_checked(checked: Checked, *, limit: int | None) -> int:
    """Print the table of problems and a summary line; return 1 if there are errors, else 0."""
    if any(checked.values()):
        console = Console()
        console.print(problem_table(checked, limit=limit, width=console.width))
    print(summary(checked))
    return int(any(problem.level == "error" for problems in checked.values() for problem in problems))
