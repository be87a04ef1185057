"""Errors whose message is meant for the user.

Commands print the message without a traceback and exit with the status of the class.
"""


class InputError(ValueError):
    """Wrong input. The message is one line: what is wrong, where, and how to fix it. Exit status 2."""


class OutputError(InputError):
    """A file cannot be written, so that later work would be lost as well."""


class DivergedError(RuntimeError):
    """The training loss is NaN or infinite. The message is one line. Exit status 1."""


class IncompleteError(RuntimeError):
    """Part of the work is missing: failed jobs of a multirun, or runs that a table requires. Exit status 3."""
