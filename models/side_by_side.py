"""Independent predictions side by side on a processor: a part of the threads each.

The layers of a click network are small: threads that share one of them wait for each other
longer than they compute, the more so the busier the machine is. A batch does not help
either, as its intermediate results leave the processor's caches.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(work: Callable[[T], R], items: Sequence[T], device: torch.device) -> list[R]:
    """Return the result of `work` for every item, in order.

    On a processor as many run at once as torch has threads, which are shared out among
    them; elsewhere one after another.
    The first exception that any raises is raised here, after those under way have ended.

    Args:
        work: Safe to run in several threads; gradients are off.
        items: What to work on.
        device: Where the tensors are.
    """
    threads = min(torch.get_num_threads(), len(items))
    if device.type != "cpu" or threads < 2:
        return [work(item) for item in items]
    before = torch.get_num_threads()
    share = before // threads
    try:
        with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(share)) as pool:
            return list(pool.map(torch.no_grad()(work), items))
    finally:
        # the workers' setting is also what threads born later begin with
        torch.set_num_threads(before)
