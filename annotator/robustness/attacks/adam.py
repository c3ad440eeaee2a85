"""Adam for a vector of two or three numbers (Kingma and Ba, ICLR 2015)."""

import numpy as np

from annotator.robustness.contract import Floats


class Adam:
    """Turns gradients into steps.

    Args:
        rate: Length of the first step along each axis.
        betas: Memories of the gradient's mean and square.
        epsilon: Added to the root of the square.
    """

    def __init__(
        self, rate: float, betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8
    ) -> None:
        self._rate, self._betas, self._epsilon = rate, betas, epsilon
        self._mean: Floats = np.zeros(1)
        self._square: Floats = np.zeros(1)
        self._count = 0

    def step(self, gradient: Floats) -> Floats:
        """Return what to add to the vector in order to go down."""
        first, second = self._betas
        self._count += 1
        self._mean = first * self._mean + (1 - first) * gradient
        self._square = second * self._square + (1 - second) * gradient**2
        mean = self._mean / (1 - first**self._count)
        root = np.sqrt(self._square / (1 - second**self._count))
        result: Floats = -self._rate * mean / (root + self._epsilon)
        return result
