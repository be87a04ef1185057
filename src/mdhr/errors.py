"""What a wrong input raises."""


class InputError(ValueError):
    """Something the user gave is wrong; the message is one line: what, where and how to mend it.

    Entry points print the message alone, without a traceback, and exit with status 2.
    """


class DivergedError(RuntimeError):
    """Training has left the finite numbers; the message is one line, printed alone, exit status 1."""


class FailedJobsError(RuntimeError):
    """Jobs of a multirun have failed and the others have been run; the message is one line, exit status 3."""
