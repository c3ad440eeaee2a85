"""A skeleton that is being edited: joints come, go and move before it is one again."""

from dataclasses import dataclass, field

from annotator.domain import Skeleton
from annotator.domain.poses import DEFAULT_SIGMA, Point


@dataclass
class SkeletonDraft:
    """Joints with their edges; numbers are places in the lists.

    Attributes:
        name: Of the skeleton.
        joints: Names.
        layout: Places in a box from (0, 0) to (1, 1).
        others: Name of the joint on the other side of each; its own for none.
        sigmas: Spread of each.
        edges: Pairs of joints, the smaller number first.
    """

    name: str = "skeleton"
    joints: list[str] = field(default_factory=list)
    layout: list[Point] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    sigmas: list[float] = field(default_factory=list)
    edges: set[tuple[int, int]] = field(default_factory=set)

    @classmethod
    def of(cls, skeleton: Skeleton) -> "SkeletonDraft":
        """Return a draft of a skeleton."""
        return cls(
            skeleton.name,
            list(skeleton.joints),
            list(skeleton.layout),
            [skeleton.joints[m] for m in skeleton.mirror],
            list(skeleton.sigmas),
            {(min(a, b), max(a, b)) for a, b in skeleton.edges},
        )

    def skeleton(self) -> Skeleton:
        """Return what the draft describes.

        Raises:
            ValueError: If it is no skeleton, in words.
        """
        numbers = {name: number for number, name in enumerate(self.joints)}
        unknown = [name for name in self.others if name and name not in numbers]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of its joints")
        mirror = tuple(numbers.get(n, i) for i, n in enumerate(self.others))
        return Skeleton(
            self.name.strip() or "skeleton", tuple(self.joints), tuple(sorted(self.edges)),
            mirror, tuple(self.sigmas), tuple(self.layout),
        )  # fmt: skip

    def add(self, place: Point) -> int:
        """Add a joint; return its number."""
        number = len(self.joints)
        names = (f"joint {n}" for n in range(number + 1, 2 * number + 3))
        name = next(name for name in names if name not in self.joints)
        self.joints.append(name)
        self.others.append(name)
        self.layout.append(_within(place))
        self.sigmas.append(DEFAULT_SIGMA)
        return number

    def remove(self, joint: int) -> None:
        """Take a joint away, with its edges."""
        gone = self.joints[joint]
        del self.joints[joint], self.others[joint], self.layout[joint], self.sigmas[joint]
        pairs = zip(self.others, self.joints, strict=True)
        self.others = [own if other == gone else other for other, own in pairs]
        kept = ((a, b) for a, b in self.edges if joint not in (a, b))
        self.edges = {(a - (a > joint), b - (b > joint)) for a, b in kept}

    def rename(self, joint: int, name: str) -> None:
        """Give a joint another name; pairs follow."""
        old, name = self.joints[joint], name.strip()
        if name:
            self.joints[joint] = name
            self.others = [name if other == old else other for other in self.others]

    def pair(self, joint: int, other: str) -> None:
        """Say which joint is on the other side; an unknown or its own name is none."""
        for number, name in enumerate(self.joints):
            if self.others[number] == self.joints[joint]:
                self.others[number] = name
        self.others[joint] = self.joints[joint]
        if other in self.joints and other != self.joints[joint]:
            place = self.joints.index(other)
            self.pair(place, "")
            self.others[joint], self.others[place] = other, self.joints[joint]

    def move(self, joint: int, place: Point) -> None:
        """Move a joint within the box."""
        self.layout[joint] = _within(place)

    def toggle_edge(self, first: int, second: int) -> None:
        """Connect two joints, or part them."""
        if first != second:
            self.edges ^= {(min(first, second), max(first, second))}


def _within(place: Point) -> Point:
    return (min(max(place[0], 0.0), 1.0), min(max(place[1], 0.0), 1.0))
