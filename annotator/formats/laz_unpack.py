"""A program of its own that unpacks LAZ to LAS: `laz_unpack.py FROM TO LARGEST_BYTES`.

The decoder, written in Rust, ends its whole process when a damaged file makes it ask for
more memory than there is. In a process of its own that is an error like any other.
It imports nothing of the application, so that it can be run by its path.
"""

import sys

CHUNK = 250_000
MEMORY = 3 << 29
"""Bytes of address space; a chunk of the longest usual record takes a tenth of it."""


def limit(largest_file: int) -> None:
    """Bound memory and the size of the file written, where the system can (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def unpack(source: str, target: str) -> None:
    """Copy all points of the LAZ file `source` to the LAS file `target`.

    Raises:
        ValueError: If there are fewer points than promised; laspy's errors pass.
    """
    import laspy

    done = 0
    with laspy.open(source, laz_backend=laspy.LazBackend.Lazrs, read_evlrs=False) as las:
        promised = las.header.point_count
        with laspy.open(target, mode="w", header=las.header, do_compress=False) as out:
            for chunk in las.chunk_iterator(CHUNK):
                out.write_points(chunk)
                done += len(chunk)
    if done != promised:
        raise ValueError(f"{done:,} points where the header promises {promised:,}")


def main(arguments: list[str]) -> int:
    """Unpack; print the reason and return 1 if that fails."""
    source, target, largest = arguments
    limit(int(largest))
    try:
        unpack(source, target)
    except Exception as error:  # noqa: BLE001 - the process exists to turn any failure into words
        sys.stderr.write(f"\n{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
