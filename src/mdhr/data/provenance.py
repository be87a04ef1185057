"""Statements that accompany reported numbers: evaluation protocol, rendered data, missing runs."""

from mdhr.errors import InputError

RENDERED = "rendered faces, not real people: these numbers do not predict results on BP4D or DISFA"
"""Note for results on rendered data."""

PROTOCOLS = {
    "honest": "protocol honest: the checkpoint was selected on held-out training subjects, the test fold was scored once",
    "paper": "protocol paper: the checkpoint was selected on the test fold, as in the released code, which is optimistic",
}
"""Note for results of each value of ``data.protocol``."""

INCOMPLETE = "INCOMPLETE"
"""First word of the note that lists the missing runs of a table."""


_RENDERED_PREFIX = "synthetic"


def is_rendered(data: str) -> bool:
    """Return whether the data set ``data`` consists of rendered faces."""
    return data.startswith(_RENDERED_PREFIX)


def check_rendered_name(data: str) -> None:
    """Raise ``InputError`` for names of rendered data sets whose results could be mistaken for those of real faces."""
    if not is_rendered(data):
        raise InputError(
            f"data.name={data}: names of rendered data sets start with {_RENDERED_PREFIX}, so that their results are not "
            f"mistaken for those of real faces. Set data.name={_RENDERED_PREFIX}_{data}."
        )
