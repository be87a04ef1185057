"""What a wrong input raises."""


class InputError(ValueError):
    """Something the user gave is wrong; the message is one line: what, where and how to mend it.

    Entry points print the message alone, without a traceback, and exit with status 2.
    """


class DivergedError(RuntimeError):
    """Training has left the finite numbers; the message is one line, printed alone, exit status 1."""


class IncompleteError(RuntimeError):
    """What could be done was done, but not all: jobs of a multirun failed, or a table lacks runs.

    The message is one line, printed alone, exit status 3.
    """
