"""What the animator refuses, in words."""


class MotionError(ValueError):
    """A motion that cannot be made.

    Attributes:
        message: What is wrong.
        remedy: What to do instead.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
