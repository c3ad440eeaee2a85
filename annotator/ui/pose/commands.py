"""What a person does to people as objects, and how joints are picked by keys."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from annotator.ui.pose.bench import PoseBench

TYPING_SECONDS = 1.0
"""Digits typed faster than this after one another are one number."""


class PeopleCommands:
    """Carries out object commands on the people of a photo."""

    def __init__(self, bench: PoseBench) -> None:
        self._bench = bench

    def step(self, by: int) -> None:
        """Choose the next (+1) or previous (-1) person, around the end."""
        bench = self._bench
        ids = list(bench.people)
        if ids:
            now = bench.current_object
            place = ids.index(now) + by if now in ids else (0 if by > 0 else -1)
            bench.choose_object(ids[place % len(ids)])

    def change(self, object_id: int, fields: Mapping[str, Any]) -> None:
        """Change fields of a person: name, label, colour, visible or locked."""
        bench = self._bench
        if bench.asset_id is not None:
            bench.attempt(bench.project.update_object, bench.asset_id, object_id, **fields)

    def toggle(self, field: str) -> None:
        """Turn "visible" or "locked" of the current person around."""
        info = self._bench.current
        if info is not None:
            self.change(info.object_id, {field: not getattr(info, field)})

    def toggle_isolated(self) -> None:
        """Show the current person only, or all again."""
        bench = self._bench
        same = bench.isolated == bench.current_object
        bench.isolate(None if same or bench.current is None else bench.current_object)

    def show_all(self) -> None:
        """Show everybody."""
        bench = self._bench
        for object_id in bench.people:
            if bench.asset and not bench.asset.objects[object_id].visible:
                self.change(object_id, {"visible": True})
        bench.isolate(None)

    def delete(self) -> None:
        """Delete the current person."""
        bench = self._bench
        if bench.asset_id is None or bench.person is None:
            return
        ids = list(bench.people)
        place = ids.index(bench.current_object)
        remove = bench.project.remove_object
        if bench.attempt(remove, bench.asset_id, bench.current_object) is not None:
            left = list(bench.people)
            bench.choose_object(left[min(place, len(left) - 1)] if left else 0)


class JointPicker:
    """Chooses joints of the current person by typed numbers, names and steps."""

    def __init__(self, bench: PoseBench) -> None:
        self._bench = bench
        self._typed, self._when = "", 0.0

    def digit(self, digit: int) -> None:
        """Choose the joint of a number; two digits typed one after the other are one."""
        person = self._person()
        if person is None:
            return
        now = time.monotonic()
        typed = self._typed if now - self._when < TYPING_SECONDS else ""
        number = int(f"{typed}{digit}")
        if not 1 <= number <= len(person.start):
            number = digit
        self._typed, self._when = str(number), now
        if 1 <= number <= len(person.start):
            self._bench.choose_joint(number - 1)

    def step(self, by: int) -> None:
        """Choose the next (+1) or previous (-1) joint, around the end."""
        person = self._person()
        if person is not None:
            now = self._bench.joint
            place = (0 if by > 0 else -1) if now is None else now + by
            self._bench.choose_joint(place % len(person.start))

    def _person(self) -> Any:  # noqa: ANN401 - a Person or None
        bench = self._bench
        if bench.person is None and bench.people:
            bench.choose_object(next(iter(bench.people)))
        return bench.person

    def names(self) -> tuple[str, ...]:
        """Return the names of the current person's joints."""
        person = self._person()
        return () if person is None else self._bench.project.skeleton_of(person).joints

    def named(self, text: str) -> int | None:
        """Choose the first joint that a few letters of its name mean; return its number."""
        found = match_joint(text, self.names())
        if found is not None:
            self._bench.choose_joint(found)
        return found


def match_joint(text: str, names: tuple[str, ...]) -> int | None:
    """Return the joint that letters mean: its whole name, its beginning, initials or a part."""
    wanted = text.strip().casefold().replace(" ", "_")
    if not wanted:
        return None
    plain = [name.casefold().replace(" ", "_").replace("-", "_") for name in names]
    initials = ["".join(part[:1] for part in name.split("_")) for name in plain]
    tests: tuple[Callable[[int], bool], ...] = (
        lambda i: plain[i] == wanted,
        lambda i: initials[i] == wanted,
        lambda i: plain[i].startswith(wanted),
        lambda i: wanted in plain[i],
    )
    return next((i for test in tests for i in range(len(names)) if test(i)), None)
