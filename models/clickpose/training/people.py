"""Which people a training uses, as its command line says it."""

import argparse
from pathlib import Path

from models.clickpose.training.coco import read_coco, reserved_numbers
from models.clickpose.training.labelled import Labelled
from models.clickpose.training.lspe import read_lspe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command line name the datasets that are trained on."""
    parser.add_argument("--lspe", type=Path, help="folder of Leeds Sports Pose Extended")
    parser.add_argument(
        "--coco", type=Path, nargs=2, action="append", default=[], metavar=("TABLE", "PHOTOS")
    )
    parser.add_argument("--reserved", type=Path, help="photo numbers of COCO to leave out")


def training_people(given: argparse.Namespace) -> list[Labelled]:
    """Return the people of all datasets that a command line names, none of them held back.

    Raises:
        SystemExit: If it names none.
    """
    people = [] if given.lspe is None else read_lspe(given.lspe, held_back=False)
    reserved = set() if given.reserved is None else reserved_numbers(given.reserved)
    for table, photos in given.coco:
        people += read_coco(table, photos, reserved)
    if not people:
        raise SystemExit("no people to train on: name a dataset by --lspe or --coco")
    return people
