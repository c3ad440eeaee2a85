"""Catalogues of textured OBJ furniture are read and sampled."""

import zipfile

import numpy as np
import pytest

from models.agile3d.synthetic.catalogue import CATALOGUE, Catalogue, read_items, sample_item
from models.agile3d.synthetic.library import FurnitureLibrary, build_library, place_of
from models.agile3d.synthetic.obj import parse_materials, parse_obj

PROPERTIES = """
license=Public domain
name#1=Shelf
category#1=Living room
model#1=/things/shelf.obj
width#1=80
depth#1=30
height#1=180
creator#1=Somebody
name#2=Broken
category#2=Living room
model#2=/things/none.obj
width#2=wide
depth#2=30
height#2=180
"""
MODEL = """
mtllib shelf.mtl
v 0 0 0
v 2 0 0
v 2 4 0
v 0 4 1
usemtl red paint
f 1 2 3 4
"""
MATERIALS = "newmtl red paint\nKd 0.9 0.1 0.1\nd 1\nnewmtl glass\nd 0.1\n"


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "Some-CC-0.sh3f"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(CATALOGUE, PROPERTIES)
        file.writestr("things/shelf.obj", MODEL)
        file.writestr("things/shelf.mtl", MATERIALS)
    return Catalogue(path)


def test_polygons_become_triangles_with_their_materials():
    mesh = parse_obj(MODEL.splitlines(), lambda name: MATERIALS)
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.materials[mesh.face_materials[0]].diffuse == (0.9, 0.1, 0.1)


def test_negative_rows_count_from_the_end():
    mesh = parse_obj(["v 0 0 0", "v 1 0 0", "v 0 1 0", "f -3 -2 -1"], str)
    assert mesh.faces.tolist() == [[0, 1, 2]]


def test_a_face_without_its_vertex_is_refused():
    with pytest.raises(ValueError, match="vertex that is not"):
        parse_obj(["v 0 0 0", "f 1 2 3"], str)


def test_materials_keep_names_with_spaces_and_opacity():
    made = parse_materials(MATERIALS.splitlines())
    assert set(made) == {"red paint", "glass"}
    assert made["glass"].opacity == 0.1


def test_incomplete_entries_are_skipped():
    items = read_items(PROPERTIES)
    assert [item.name for item in items] == ["Shelf"]
    assert items[0].size == (0.8, 0.3, 1.8)


def test_a_model_is_scaled_to_its_catalogue_size(catalogue):
    item = catalogue.items[0]
    made = sample_item(catalogue, item, np.random.default_rng(0), 0.02, 10_000)
    extent = made.high - made.low
    assert extent == pytest.approx([0.8, 0.3, 1.8], abs=0.05)
    assert made.low[2] >= 0
    assert made.rgb.mean(axis=0) == pytest.approx([0.9, 0.1, 0.1], abs=0.01)


def test_a_library_survives_its_file(catalogue, tmp_path):
    made = build_library([catalogue])
    made.save(tmp_path / "library.npz")
    again = FurnitureLibrary.load(tmp_path / "library.npz")
    drawn = again.draw(np.random.default_rng(0), "wallside")
    assert drawn is not None
    assert len(drawn[0]) == len(made.surface(0))
    assert again.names[0] == "Some-CC-0: Shelf by Somebody (CC0)"
    assert again.draw(np.random.default_rng(0), "ceiling") is None


def test_shelves_stand_at_walls(catalogue):
    assert place_of(catalogue.items[0]) == "wallside"
