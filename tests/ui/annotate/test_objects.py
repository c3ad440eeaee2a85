"""The objects list: edited, hidden, locked, merged, deleted, ordered and filtered."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QColorDialog, QComboBox, QLineEdit

from annotator.domain import LabelClass, LabelSet
from annotator.ui.annotate import objects_model as columns

FIRST, SECOND, THIRD = 465, 1365, 2265


@pytest.fixture
def three(bench):
    """Three objects, one on each square."""
    for object_id, row in ((1, FIRST), (2, SECOND), (3, THIRD)):
        bench.do("select_object", object_id)
        bench.click(row)
    bench.wait_answer()
    return bench


def dock(bench):
    return bench.controller.docks()[0]


def cell(bench, row, column):
    return dock(bench).table.model().index(row, column)


def column(bench, number):
    model = dock(bench).table.model()
    return [model.index(row, number).data() for row in range(model.rowCount())]


def test_the_list_counts_clicks_and_points(three):
    assert column(three, columns.NAME) == ["Object 1", "Object 2", "Object 3"]
    assert column(three, columns.CLICKS) == ["1", "1", "1"]
    counts = [int(text.replace(",", "")) for text in column(three, columns.POINTS)]
    assert sum(counts) == len(three.cloud)
    assert counts == [np.count_nonzero(three.labels == i) for i in (1, 2, 3)]


def test_a_name_edited_in_the_list_is_journalled(three):
    table = dock(three).table
    table.model().setData(cell(three, 0, columns.NAME), "Armchair")
    assert three.asset.objects[1].name == "Armchair"
    assert column(three, columns.NAME)[0] == "Armchair"
    three.do("undo")
    assert column(three, columns.NAME)[0] == "Object 1"


def test_rename_opens_the_editor_on_the_current_object(three):
    three.do("select_object", 2)
    three.do("rename_object")
    editor = dock(three).table.findChild(QLineEdit)
    assert editor is not None
    editor.setText("Table")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    three.qtbot.waitUntil(lambda: three.asset.objects[2].name == "Table")


def test_typing_a_name_survives_what_happens_meanwhile(three):
    three.do("select_object", 2)
    three.do("rename_object")
    editor = dock(three).table.findChild(QLineEdit)
    editor.setText("half a na")
    three.project.add_click(three.asset_id, three.cloud.xyz[FIRST + 3], 1, index=FIRST + 3)
    three.wait_answer()
    assert column(three, columns.CLICKS)[0] == "2"
    assert editor.text() == "half a na"


def test_labels_are_offered_from_the_label_set_and_free_words_are_taken(three):
    three.project.set_label_set(LabelSet((LabelClass(1, "chair"), LabelClass(2, "table"))))
    table = dock(three).table
    table.edit(cell(three, 0, columns.LABEL))
    box = table.findChild(QComboBox)
    assert [box.itemText(i) for i in range(box.count())] == ["", "chair", "table"]
    box.setCurrentText("lamp")
    table.itemDelegateForColumn(columns.LABEL).setModelData(
        box, table.model(), cell(three, 0, columns.LABEL)
    )
    assert three.asset.objects[1].label == "lamp"


def test_choosing_a_row_makes_the_object_current(three):
    table = dock(three).table
    table.setCurrentIndex(cell(three, 0, columns.NAME))
    assert three.controller.bench.current_object == 1
    three.do("select_object", 3)
    assert table.currentIndex().row() == 2


def test_walking_through_objects_goes_around(three):
    seen = []
    for _ in range(3):
        three.do("next_object")
        seen.append(three.controller.bench.current_object)
    assert seen == [1, 2, 3]
    three.do("previous_object")
    assert three.controller.bench.current_object == 2


def test_hiding_takes_points_and_markers_off_the_view(three):
    three.do("select_object", 2)
    three.do("hide_object")
    assert not three.asset.objects[2].visible
    assert {m.object_id for m in three.view.overlay.markers} == {1, 3}
    under = three.view.pick(*three.place(SECOND), 9)
    assert under is None or three.labels[under] != 2
    three.do("show_all")
    assert three.asset.objects[2].visible
    assert {m.object_id for m in three.view.overlay.markers} == {1, 2, 3}


def test_ticks_in_the_list_hide_and_lock(three):
    model = dock(three).table.model()
    role = Qt.ItemDataRole.CheckStateRole
    model.setData(cell(three, 0, columns.SHOWN), Qt.CheckState.Unchecked.value, role)
    model.setData(cell(three, 1, columns.LOCKED), Qt.CheckState.Checked.value, role)
    assert not three.asset.objects[1].visible
    assert three.asset.objects[2].locked


def test_isolating_shows_one_object_only_and_again_all(three):
    three.do("select_object", 2)
    three.do("isolate_object", True)
    assert "isolated" in three.controller.conditions()
    assert three.controller.bench.hidden == {0, 1, 3}
    assert all(info.visible for info in three.asset.objects.values())  # a look, not an edit
    three.do("isolate_object", False)
    assert not three.controller.bench.hidden


def test_merging_gives_clicks_and_points_to_the_other_object(three):
    three.do("select_object", 3)
    menu = three.controller.ask_merge()
    assert [a.text() for a in menu.actions()] == ["Object 1", "Object 2"]
    menu.actions()[1].trigger()
    menu.close()
    three.wait_answer()
    assert set(three.asset.objects) == {1, 2}
    assert three.controller.bench.current_object == 2
    assert {c.object_id for c in three.asset.clicks} == {1, 2}
    assert three.labels[THIRD] == 2


def test_deleting_an_object_takes_its_clicks_along_and_undo_brings_them_back(three):
    three.do("select_object", 2)
    three.do("delete_object")
    three.wait_answer()
    assert set(three.asset.objects) == {1, 3}
    assert 2 not in three.labels
    asked = len(three.requests)
    three.do("undo")
    assert three.labels[SECOND] == 2
    assert len(three.requests) == asked


def test_the_filter_looks_at_number_name_and_label(three):
    three.project.update_object(three.asset_id, 2, name="Sofa", label="furniture")
    line = dock(three).findChild(QLineEdit)
    for text, left in (("sof", ["Sofa"]), ("FURN", ["Sofa"]), ("3", ["Object 3"]), ("xyz", [])):
        line.setText(text)
        assert column(three, columns.NAME) == left
        assert three.controller.bench.current_object == 3
    line.clear()
    assert dock(three).table.currentIndex().row() == 2


def test_the_list_is_ordered_by_numbers_not_by_their_digits(three):
    three.do("select_object", 10)
    three.click(FIRST + 100)
    three.wait_answer()
    table = dock(three).table
    table.sortByColumn(columns.OBJECT, Qt.SortOrder.DescendingOrder)
    assert column(three, columns.NAME) == ["Object 10", "Object 3", "Object 2", "Object 1"]


def test_commands_without_a_current_object_do_nothing(bench):
    for name in ("hide_object", "lock_object", "isolate_object", "delete_object", "rename_object"):
        bench.do(name)
    assert not [e for e in bench.project.log() if e.event.is_step]
    assert bench.controller.ask_merge() is None


def test_buttons_of_the_docks_do_what_they_say(three):
    dock(three).button("new_object").click()
    assert set(three.asset.objects) == {1, 2, 3, 4}
    dock(three).button("delete_object").click()
    assert set(three.asset.objects) == {1, 2, 3}


def test_a_colour_chosen_for_an_object_is_used_everywhere(three):
    dock(three).table.doubleClicked.emit(cell(three, 2, columns.OBJECT))
    dialog = dock(three).findChild(QColorDialog)
    dialog.setCurrentColor(QColor(10, 20, 30))
    dialog.accept()
    assert three.asset.objects[3].colour == (10, 20, 30)
    assert {m.colour for m in three.view.overlay.markers if m.object_id == 3} == {(10, 20, 30)}
    three.do("undo")
    assert three.asset.objects[3].colour != (10, 20, 30)
