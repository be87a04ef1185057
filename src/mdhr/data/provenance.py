"""What has to be said beside a number: the protocol it was measured with, and that rendered faces are not people."""

RENDERED = "rendered faces, not BP4D: these numbers say nothing about real people"

PROTOCOLS = {
    "honest": "protocol honest: a part of the training subjects chose the epoch, the test fold was scored once",
    "paper": "protocol paper: the epoch was chosen on the test fold, as the released code does, an optimiztic figure",
}

NOT_COMPLETE = "NOT COMPLETE"
"""How a note begins that says which runs a table is without."""


def is_rendered(data: str) -> bool:
    """Whether the data set of that name shows no real people."""
    return data.startswith("synthetic")
