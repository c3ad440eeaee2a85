"""The table of actions, and everything that is built from it."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QToolBar, QWidgetAction

from annotator.ui.basics import icons
from annotator.ui.commands.actions import ACTIONS, ANNOTATION_HANDLERS, MENUS, SCAN_HANDLERS
from annotator.ui.commands.command_palette import CommandPalette, match_score
from annotator.ui.commands.help_dialog import HelpDialog, shortcuts_page
from annotator.ui.commands.shortcuts import TextFieldsWin, changed_only, conflicts, effective
from annotator.ui.commands.shortcuts_editor import ShortcutsEditor


def test_ids_are_unique_and_menus_and_icons_exist():
    ids = [spec.action_id for spec in ACTIONS]
    assert len(ids) == len(set(ids))
    assert {spec.menu for spec in ACTIONS} <= {*MENUS, ""}
    drawn = set(icons.names())
    missing = {spec.icon for spec in ACTIONS if spec.toolbar and spec.icon not in drawn}
    assert not missing


def test_the_table_has_no_conflicting_keys():
    assert conflicts(effective({})) == {}


def test_digits_of_main_row_and_keypad_choose_objects():
    keys = effective({})
    for n in range(10):
        assert keys[f"object_{n}"] == (str(n), f"Num+{n}")


def test_every_row_has_a_handler_when_a_scan_is_open(opened):
    handlers = opened.actions_manager._handlers
    assert {s.handler for s in ACTIONS if "kind_image" not in s.needs} <= set(handlers)
    assert set(opened.controller.action_handlers()) == ANNOTATION_HANDLERS | SCAN_HANDLERS


def test_toolbar_buttons_have_icons_names_and_tooltips(window):
    for bar in window.findChildren(QToolBar):
        for action in bar.actions():
            if action.isSeparator() or isinstance(action, QWidgetAction):
                continue
            button = bar.widgetForAction(action)
            assert not action.icon().isNull(), action.text()
            assert button.accessibleName(), action.text()
            assert action.toolTip(), action.text()


def test_undo_is_named_after_what_it_takes_back(opened):
    action = opened.actions_manager.actions["undo"]
    assert not action.isEnabled()
    opened.workspace.project.add_object(1, name="chair")
    assert action.isEnabled()
    assert action.text() == f"Undo {opened.workspace.project.undo_text}"
    opened.actions_manager.trigger("undo")
    assert not action.isEnabled()
    assert opened.actions_manager.actions["redo"].isEnabled()


@pytest.mark.parametrize(
    ("key", "modifier", "number"),
    [
        (Qt.Key.Key_3, Qt.KeyboardModifier.NoModifier, 3),
        (Qt.Key.Key_4, Qt.KeyboardModifier.KeypadModifier, 4),
        (Qt.Key.Key_0, Qt.KeyboardModifier.NoModifier, 0),
    ],
)
def test_digit_keys_choose_the_object(opened, qtbot, key, modifier, number):
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    QTest.keyClick(opened.view, key, modifier)
    assert opened.controller.bench.current_object == number


def test_text_fields_win_over_bare_letter_shortcuts(opened, qtbot):
    text_filter = TextFieldsWin()
    QApplication.instance().installEventFilter(text_filter)
    try:
        before = opened.controller.bench.current_object
        field = QLineEdit(opened)
        field.show()
        opened.activateWindow()
        qtbot.waitUntil(opened.isActiveWindow)
        field.setFocus()
        qtbot.waitUntil(field.hasFocus)
        QTest.keyClicks(field, "new 7")
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert field.text() == "new 7"
        assert opened.controller.bench.current_object == before
        assert not opened.workspace.asset.objects
        opened.view.setFocus()
        QTest.keyClick(opened.view, Qt.Key.Key_7)
        assert opened.controller.bench.current_object == 7
    finally:
        QApplication.instance().removeEventFilter(text_filter)


# The palette ---------------------------------------------------------------------------


def palette_of(window):
    window.actions_manager.trigger("palette")
    return window.findChild(CommandPalette)


def test_the_palette_finds_and_runs_a_command_by_a_few_letters(opened):
    palette = palette_of(opened)
    QTest.keyClicks(palette.field, "look grnd")
    QTest.keyClick(palette.field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(palette.field, "colhei")
    assert palette.list.currentItem().text() == "View: Colour by Height"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert opened.view.colour_mode == "height"


def test_the_palette_lists_engines_and_walks_with_arrow_keys(opened):
    palette = palette_of(opened)
    QTest.keyClicks(palette.field, "nearest")
    assert "Nearest click" in palette.list.currentItem().text()
    palette.field.clear()
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 1
    palette.close()


def test_the_palette_does_not_run_what_is_disabled(window):
    palette = palette_of(window)
    palette.field.setText("Export Labels")
    assert not palette.list.item(0).flags() & Qt.ItemFlag.ItemIsEnabled
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()
    palette.close()


def test_matching_prefers_word_starts_and_refuses_missing_letters():
    assert match_score("exl", "Export Labels") > match_score("exl", "Relax it later")
    assert match_score("zzz", "File: Export Labels…") is None


# The shortcuts editor ------------------------------------------------------------------


def editor_of(window):
    window.shell.edit_shortcuts()
    return window.findChild(ShortcutsEditor)


def press_into(editor, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(editor.edit, key, modifier)


def test_a_new_key_works_at_once_and_survives_a_restart(opened, qtbot, preferences):
    editor = editor_of(opened)
    editor.select("look_top")
    press_into(editor, Qt.Key.Key_W)
    editor.add_button.click()
    editor.accept()
    sequences = [k.toString() for k in opened.actions_manager.actions["look_top"].shortcuts()]
    assert "W" in sequences
    assert type(preferences)().shortcuts["look_top"] == ("Ctrl+1", "W")


def test_a_conflict_is_shown_before_and_after_adding(window):
    editor = editor_of(window)
    editor.select("fit")
    press_into(editor, Qt.Key.Key_N)
    assert "New Object" in editor.conflict_label.text()
    editor.add_button.click()
    assert "Fit in View" in editor.conflict_label.text()
    assert "New Object" in editor.table.currentItem().text(2)
    editor.standard_button.click()
    assert editor.conflict_label.text() == ""
    editor.reject()


def test_cancelling_the_editor_changes_nothing(window, preferences):
    editor = editor_of(window)
    editor.select("fit")
    editor.clear_button.click()
    editor.reject()
    assert preferences.shortcuts == {}


def test_an_action_can_be_left_without_any_key(window, preferences):
    editor = editor_of(window)
    editor.select("fit")
    editor.clear_button.click()
    editor.accept()
    assert preferences.shortcuts == {"fit": ()}
    assert window.actions_manager.actions["fit"].shortcuts() == []


def test_only_differences_from_the_table_are_kept():
    assert changed_only(effective({})) == {}
    assert changed_only({**effective({}), "fit": ("Z",)}) == {"fit": ("Z",)}


# Help ----------------------------------------------------------------------------------


def test_the_help_sheet_shows_the_keys_in_force(window, preferences):
    preferences.set_shortcuts({"fit": ("Ctrl+J",)})
    window.actions_manager.trigger("help")
    text = window.findChild(HelpDialog).browser.toPlainText()
    assert "Ctrl+J" in text
    assert "Fit in View" in text
    assert "<script" not in shortcuts_page({})


def test_the_toolbar_says_how_points_are_coloured_and_which_engine_answers(opened):
    colour, engine = opened._choosers
    assert colour.text() == "Colour by: Photo Colours"
    assert engine.text() == "Engine: Nearest click"
    opened.actions_manager.trigger("colour_height")
    assert colour.text() == "Colour by: Height"
    colour.menu().aboutToShow.emit()
    assert len(colour.menu().actions()) == 5


@pytest.mark.parametrize("action_id", ["shading", "auto_run", "full_screen"])
def test_what_can_be_switched_can_be_switched_off_and_on_again(opened, action_id, qtbot):
    action = opened.actions_manager.actions[action_id]
    before = action.isChecked()
    for wanted in (not before, before, not before, before):
        action.trigger()
        qtbot.waitUntil(lambda wanted=wanted: action.isChecked() == wanted)
        assert (action_id in opened.actions_manager.conditions) == wanted
