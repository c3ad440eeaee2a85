"""Read the furniture catalogues of Debian's package sweethome3d-furniture (`*.sh3f`)."""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.agile3d.synthetic.obj import Material, Mesh, parse_obj
from models.agile3d.synthetic.surfaces import Float, Rng, Surface

CATALOGUE = "PluginFurnitureCatalog.properties"
SYSTEM_FOLDER = Path("/usr/share/sweethome3d/furniture")
"""Where the package puts its catalogues."""

_TRANSPARENT = 0.35
"""Materials less opaque than this are left out: depth cameras look through glass."""


@dataclass(frozen=True)
class Item:
    """One piece of furniture of a catalogue.

    Attributes:
        name: English name.
        category: English category, such as "Living room".
        creator: Author of the model.
        licence: Licence text of the catalogue.
        model: Path of the OBJ file in the catalogue.
        size: Width, depth, height in metres.
        shelf: Height at which things can stand on it, metres; 0 if nothing can.
        elevation: Height over the floor at which it hangs, metres.
        rotation: Rotation of the model, nine numbers by row; identity if empty.
    """

    name: str
    category: str
    creator: str
    licence: str
    model: str
    size: tuple[float, float, float]
    shelf: float = 0.0
    elevation: float = 0.0
    rotation: tuple[float, ...] = ()


def read_items(text: str) -> list[Item]:
    """Parse the properties file of a catalogue; incomplete entries are skipped."""
    values = dict(re.findall(r"^([\w#]+)=(.*?)\s*$", text, flags=re.MULTILINE))
    numbers = sorted(int(k[6:]) for k in values if k.startswith("model#"))
    made = (_item({k: values.get(f"{k}#{n}", "") for k in _KEYS}, values) for n in numbers)
    return [item for item in made if item is not None]


_KEYS = (
    "name", "category", "creator", "model", "width", "depth", "height",
    "dropOnTopElevation", "elevation", "modelRotation",
)  # fmt: skip


def _item(v: dict[str, str], header: dict[str, str]) -> Item | None:
    try:
        size = (float(v["width"]) / 100, float(v["depth"]) / 100, float(v["height"]) / 100)
        shelf = float(v["dropOnTopElevation"] or 0) / 100
        elevation = float(v["elevation"] or 0) / 100
        rotation = tuple(float(n) for n in v["modelRotation"].split())
    except ValueError:
        return None
    return Item(
        v["name"], v["category"], v["creator"], header.get("license", ""), v["model"].lstrip("/"),
        size, shelf, elevation, rotation if len(rotation) == 9 else (),
    )  # fmt: skip


class Catalogue:
    """An open `.sh3f` file.

    Args:
        path: The file.

    Raises:
        OSError, zipfile.BadZipFile, KeyError: If it is not a furniture catalogue.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self._zip = zipfile.ZipFile(path)
        self.items = read_items(self._zip.read(CATALOGUE).decode("latin-1"))

    def mesh(self, item: Item) -> Mesh:
        """Read the model of an item.

        Raises:
            KeyError, ValueError: If the model is missing or malformed.
        """
        text = self._zip.read(item.model).decode("latin-1")
        return parse_obj(text.splitlines(), lambda name: self._text_beside(item, name))

    def _text_beside(self, item: Item, name: str) -> str:
        return self._zip.read(_beside(item, name)).decode("latin-1")

    def texture(self, item: Item, material: Material) -> npt.NDArray[np.float32] | None:
        """Return a material's texture [H, W, 3] in 0..1; None without one (or without Pillow)."""
        if not material.texture:
            return None
        try:
            from PIL import Image

            data = self._zip.read(_beside(item, material.texture))
            with Image.open(io.BytesIO(data)) as image:
                image.thumbnail((256, 256))
                return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
        except (ImportError, KeyError, OSError):
            return None


def _beside(item: Item, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(item.model), name))


def catalogues(folder: Path = SYSTEM_FOLDER) -> Iterator[Catalogue]:
    """Open every catalogue of a folder, sorted by name; nothing if the folder is missing."""
    for path in sorted(folder.glob("*.sh3f")):
        yield Catalogue(path)


def sample_item(catalogue: Catalogue, item: Item, rng: Rng, spacing: float, limit: int) -> Surface:
    """Sample the visible surface of an item, standing on z = 0 with its back towards +y.

    Args:
        catalogue: The catalogue of the item.
        item: What to sample.
        rng: Source of the samples.
        spacing: Mean distance of the samples in metres.
        limit: Largest number of points.

    Raises:
        KeyError, ValueError: If the model is missing or malformed.
    """
    mesh = catalogue.mesh(item)
    solid = np.array([m.opacity >= _TRANSPARENT for m in mesh.materials])[mesh.face_materials]
    corners = _placed(mesh.vertices, item)[mesh.faces]
    edges = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(edges, axis=1) / 2 * solid
    total = float(area.sum())
    if not total > 0:
        raise ValueError(f"{item.name} has no surface")
    count = int(min(limit, max(50, total / spacing**2)))
    face = rng.choice(len(area), size=count, p=area / total)
    weights = _barycentric(rng, count)
    xyz = np.einsum("pk,pkc->pc", weights, corners[face])
    return Surface.of(xyz, _colours(catalogue, item, mesh, face, weights))


def _placed(vertices: Float, item: Item) -> Float:
    """Turn y-up model coordinates into metres: width along x, depth along -y, z up."""
    v = vertices @ np.reshape(item.rotation, (3, 3)).T if item.rotation else vertices
    low, high = v.min(axis=0), v.max(axis=0)
    unit = (v - (low + high) / 2) / np.maximum(high - low, 1e-9)
    width, depth, height = item.size
    placed = np.stack(
        [unit[:, 0] * width, -unit[:, 2] * depth, (unit[:, 1] + 0.5) * height], axis=1
    )
    return placed.astype(np.float32)


def _barycentric(rng: Rng, count: int) -> Float:
    u, v = rng.random((2, count), dtype=np.float32)
    root = np.sqrt(u)
    return np.stack([1 - root, root * (1 - v), root * v], axis=1)


def _colours(
    catalogue: Catalogue, item: Item, mesh: Mesh, face: npt.NDArray[np.int64], weights: Float
) -> Float:
    rgb = np.array([m.diffuse for m in mesh.materials], np.float32)[mesh.face_materials[face]]
    for number, material in enumerate(mesh.materials):
        rows = np.flatnonzero(mesh.face_materials[face] == number)
        image = catalogue.texture(item, material) if len(rows) else None
        uv_rows = mesh.face_uvs[face[rows]]
        if image is None or not len(mesh.uvs) or uv_rows.min() < 0:
            continue
        uv = np.einsum("pk,pkc->pc", weights[rows], mesh.uvs[uv_rows]) % 1.0
        height, width = image.shape[:2]
        column = np.minimum((uv[:, 0] * width).astype(int), width - 1)
        line = np.minimum(((1 - uv[:, 1]) * height).astype(int), height - 1)
        rgb[rows] = image[line, column]
    return rgb
