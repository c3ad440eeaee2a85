"""Errors that a person reads, and the signal that a person's cancellation sends."""


class AnnotatorError(Exception):
    """Something a person can understand and act on.

    The window shows `message` as the headline and `remedy` below it; the command
    line prints both and exits with status 1. Code that raises it names the file or
    plugin concerned in `message`.

    Attributes:
        message: What happened, to what.
        remedy: What to do next; empty if nothing useful can be said.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message} {remedy}".strip())


class Cancelled(Exception):  # noqa: N818 - a request that was honoured, not an error
    """Raised by long work when its cancel token was set."""
