"""Read Wavefront OBJ models with their materials."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Material:
    """Look of a face.

    Attributes:
        diffuse: Colour, red green blue in 0..1.
        opacity: 1 is solid, 0 is invisible.
        texture: Name of the image file, relative to the model; empty for none.
    """

    diffuse: tuple[float, float, float] = (0.7, 0.7, 0.7)
    opacity: float = 1.0
    texture: str = ""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with materials.

    Attributes:
        vertices: [V, 3] in the model's own frame (y up) and unit.
        uvs: [T, 2] texture coordinates.
        faces: [F, 3] rows of `vertices`.
        face_uvs: [F, 3] rows of `uvs`, -1 where a corner has none.
        face_materials: [F] rows of `materials`.
        materials: Looks.
    """

    vertices: Float
    uvs: Float
    faces: Int
    face_uvs: Int
    face_materials: Int
    materials: tuple[Material, ...]


@dataclass
class _Parts:
    vertices: list[tuple[float, ...]] = field(default_factory=list)
    uvs: list[tuple[float, ...]] = field(default_factory=list)
    faces: list[tuple[int, int, int]] = field(default_factory=list)
    face_uvs: list[tuple[int, int, int]] = field(default_factory=list)
    face_materials: list[int] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=lambda: {"": 0})
    library: dict[str, Material] = field(default_factory=dict)
    current: int = 0


def parse_obj(lines: Iterable[str], read_materials: Callable[[str], str]) -> Mesh:
    """Parse a model; polygons become fans of triangles, lines and points are skipped.

    Args:
        lines: The text of the file.
        read_materials: Returns the text of a material library by its name.

    Raises:
        ValueError: If a number is malformed or a face names a vertex that is not there.
    """
    parts = _Parts()
    for line in lines:
        words = line.split()
        if words:
            _take(parts, words, line, read_materials)
    mesh = Mesh(
        np.array(parts.vertices, np.float32).reshape(-1, 3),
        np.array(parts.uvs, np.float32).reshape(-1, 2),
        np.array(parts.faces, np.int64).reshape(-1, 3),
        np.array(parts.face_uvs, np.int64).reshape(-1, 3),
        np.array(parts.face_materials, np.int64),
        tuple(parts.library.get(name, Material()) for name in parts.names),
    )
    if mesh.faces.size and not 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices):
        raise ValueError("a face names a vertex that is not in the file")
    return mesh


def _take(parts: _Parts, words: list[str], line: str, read_materials: Callable[[str], str]) -> None:
    match words[0]:
        case "v":
            parts.vertices.append(tuple(map(float, words[1:4])))
        case "vt":
            parts.uvs.append(tuple(map(float, words[1:3])))
        case "f":
            _take_face(parts, words[1:])
        case "usemtl":
            parts.current = parts.names.setdefault(" ".join(words[1:]), len(parts.names))
        case "mtllib":
            name = line.split(maxsplit=1)[1].strip()
            parts.library.update(parse_materials(read_materials(name).splitlines()))


def _take_face(parts: _Parts, corners: list[str]) -> None:
    vertices, uvs = [], []
    for corner in corners:
        first, *rest = corner.split("/")
        vertices.append(_row(first, len(parts.vertices)))
        uvs.append(_row(rest[0], len(parts.uvs)) if rest and rest[0] else -1)
    for i in range(1, len(vertices) - 1):
        parts.faces.append((vertices[0], vertices[i], vertices[i + 1]))
        parts.face_uvs.append((uvs[0], uvs[i], uvs[i + 1]))
        parts.face_materials.append(parts.current)


def _row(word: str, count: int) -> int:
    """Return a 0-based row: OBJ counts from 1, negative numbers from the end."""
    number = int(word)
    return number - 1 if number > 0 else count + number


def parse_materials(lines: Iterable[str]) -> dict[str, Material]:
    """Parse a material library, ignoring what it does not know.

    Raises:
        ValueError: If a number is malformed.
    """
    found: dict[str, Material] = {}
    name = ""
    for line in lines:
        words = line.split()
        if not words:
            continue
        old = found.get(name, Material())
        match words[0]:
            case "newmtl":
                name = " ".join(words[1:])
                found[name] = Material()
            case "Kd":
                r, g, b = (min(1.0, max(0.0, float(w))) for w in words[1:4])
                found[name] = Material((r, g, b), old.opacity, old.texture)
            case "d":
                found[name] = Material(old.diffuse, float(words[-1]), old.texture)
            case "map_Kd":
                found[name] = Material(old.diffuse, old.opacity, words[-1])
    return found
