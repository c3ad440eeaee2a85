"""How many processor threads networks compute with, and that they get along with others.

torch's threads wait for each other by spinning. Alone on the machine that is fastest; but
as soon as other processes want the same cores, each spins away the time that the other
needs: a prediction that takes 0.4 s took 3 s, and an encoding of 0.7 s 11 s, on two cores
with six busy processes. Waiting threads therefore go to sleep almost at once.

Even so, threads that wait for each other have to be woken together, which a machine with
more work than processors does late. Automatic therefore leaves out the processors that
others keep busy.
"""

import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from annotator.domain import AnnotatorError

VARIABLE = "ANNOTATOR_THREADS"
"""Environment variable that the command line's `--threads` sets."""

_CGROUP = Path("/sys/fs/cgroup")
_SPINS = "1000"  # some microseconds; the default of 300,000 is some milliseconds
_preferred = 0
_own = 0  # torch's number before it was changed; 0 until it is known


def sleep_when_waiting(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let waiting threads sleep, unless a person decided otherwise.

    To be called before torch is loaded: its OpenMP libraries, GNU's on Linux and
    LLVM's or Intel's elsewhere, read this once.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"} & environment.keys():
        environment["GOMP_SPINCOUNT"] = _SPINS
        environment["KMP_BLOCKTIME"] = "1"


def prefer(count: int) -> None:
    """Compute with `count` threads from the next step on; 0 chooses automatically."""
    global _preferred
    _preferred = max(0, count)


def wanted() -> int:
    """Return the number of threads asked for by flag, variable or preference; 0 for none.

    Raises:
        AnnotatorError: If the variable is not a number.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return _preferred
    if not text.isdigit():
        raise AnnotatorError(f"{text!r} is no number of threads.", "Use 0 for automatic, or 1, 2…")
    return int(text)


def usable_cores() -> int:
    """Return how many processors this process may use, also inside a container."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, _quota() or cores))


def _quota() -> int:
    """Return the processors that a Linux container may use; 0 if it is not limited."""
    try:
        if (_CGROUP / "cpu.max").exists():
            limit, period = (_CGROUP / "cpu.max").read_text().split()
        else:
            folder = _CGROUP / "cpu"
            limit = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text()
        return 0 if limit in ("max", "-1") else ceil(int(limit) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return 0


def free_cores(own: int) -> int:
    """Return how many of the usable processors others leave free, at least 1.

    Args:
        own: Threads of this process that may be part of the load.
    """
    cores = usable_cores()
    if cores < (os.cpu_count() or 1) or not hasattr(os, "getloadavg"):
        return cores  # the load is that of the whole machine, these are our own processors
    others = max(0.0, os.getloadavg()[0] - own)
    return max(1, min(cores, round(cores - others)))


def apply() -> None:
    """Set torch's number for the calling thread, if torch is loaded.

    Automatic never goes above torch's own number, which heeds OMP_NUM_THREADS.
    """
    global _own
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_num_threads"):
        return
    now = torch.get_num_threads()
    _own = _own or now
    count = wanted() or min(_own, free_cores(now))
    if now != count:
        torch.set_num_threads(count)


def _openmp_threads() -> int:
    """Return the number that torch will heed once it is loaded."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdigit() and int(text) else usable_cores()


@contextmanager
def steady() -> Iterator[None]:
    """Keep the number of threads as it is now, also in processes that are started meanwhile.

    Sums over another number of threads round otherwise. Who compares two answers to the
    last bit does not want the automatic number to follow the machine's load in between.
    """
    apply()
    torch = sys.modules.get("torch")
    asked = os.environ.get(VARIABLE)
    if not wanted():
        count = torch.get_num_threads() if torch else min(free_cores(1), _openmp_threads())
        os.environ[VARIABLE] = str(count)
    try:
        yield
    finally:
        if asked is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = asked
