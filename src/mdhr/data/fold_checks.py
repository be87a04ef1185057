"""Check that the test folds of a data set cover its subjects exactly once."""

from collections import Counter
from collections.abc import Collection, Mapping

from mdhr.data.problems import Level, Problem


def check_fold_subjects(
    folds: Mapping[int, Collection[str]], subjects: Collection[str], *, partial: bool = False
) -> list[Problem]:
    """Return the subjects of folds that are absent, and the subjects that are in no fold or in several.

    If there is only one fold, subjects in no fold are training subjects.

    Args:
        folds: test subjects of every fold.
        subjects: subjects with frames or labels.
        partial: report absent subjects as notes.
    """
    problems = []
    fix, level = absence_report(partial=partial)
    for fold, members in folds.items():
        if absent := sorted(set(members) - set(subjects)):
            what = f"no frames and no labels of {', '.join(absent)}"
            problems.append(Problem(f"fold {fold}", what, len(absent), fix, level))
    num_folds = Counter(subject for members in folds.values() for subject in set(members))
    for subject in sorted(set(subjects) | set(num_folds)):
        if num_folds[subject] != 1 and (num_folds[subject] or len(folds) != 1):
            what = f"is a test subject of {num_folds[subject] or 'no'} fold{'s' if num_folds[subject] else ''}"
            problems.append(Problem(subject, what, fix="correct the folds or the subject's name"))
    return problems


def absence_report(*, partial: bool) -> tuple[str, Level]:
    """Return fix and level of the problem that subjects or videos are absent."""
    return ("", "note") if partial else ("restore it, or set partial=true if it is left out on purpose", "error")
