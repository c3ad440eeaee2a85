"""The preferences dialog, built from the table of settings; every change applies at once."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.basics.settings import SETTINGS, Preferences, Setting


class PreferencesDialog(QDialog):
    """All settings by section."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("preferencesDialog")
        self.setWindowTitle("Preferences")
        self.setMinimumWidth(480)
        self._preferences = preferences
        self.fields: dict[str, QWidget] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        for section in dict.fromkeys(setting.section for setting in SETTINGS):
            column.addWidget(self._make_section(section))
        column.addWidget(self._make_place_label())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.accept)
        column.addWidget(buttons)

    def _make_place_label(self) -> QLabel:
        label = QLabel(f"Changes apply at once and are kept in {self._preferences.path}", self)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _make_section(self, section: str) -> QGroupBox:
        box = QGroupBox(section, self)
        form = QFormLayout(box)
        form.setContentsMargins(14, 12, 14, 12)
        for setting in SETTINGS:
            if setting.section == section:
                self._add_row(form, setting)
        return box

    def _add_row(self, form: QFormLayout, setting: Setting) -> None:
        field = self._make_field(setting)
        field.setObjectName(f"setting_{setting.key}")
        field.setAccessibleName(setting.title)
        field.setAccessibleDescription(setting.tip)
        field.setToolTip(setting.tip)
        form.addRow(setting.title, field)
        self.fields[setting.key] = field

    def _make_field(self, setting: Setting) -> QWidget:
        if setting.choices:
            return self._make_choice(setting)
        if isinstance(setting.default, bool):
            return self._make_check(setting)
        if isinstance(setting.default, str):
            return self._make_text(setting)
        return self._make_number(setting)

    def _make_choice(self, setting: Setting) -> QComboBox:
        box = QComboBox(self)
        for value, title in setting.choices:
            box.addItem(title, value)
        box.setCurrentIndex(box.findData(self._preferences[setting.key]))
        box.currentIndexChanged.connect(lambda _: self._store(setting, box.currentData()))
        return box

    def _make_check(self, setting: Setting) -> QCheckBox:
        box = QCheckBox(self)
        box.setChecked(self._preferences[setting.key])
        box.toggled.connect(lambda on: self._store(setting, on))
        return box

    def _make_text(self, setting: Setting) -> QLineEdit:
        field = QLineEdit(self._preferences[setting.key], self)
        field.editingFinished.connect(lambda: self._store(setting, field.text().strip()))
        return field

    def _make_number(self, setting: Setting) -> QSpinBox | QDoubleSpinBox:
        field: QSpinBox | QDoubleSpinBox
        if isinstance(setting.default, int):
            field = QSpinBox(self)
            field.setRange(int(setting.minimum), int(setting.maximum))
            field.setSingleStep(setting.step)
            field.setGroupSeparatorShown(True)
        else:
            field = QDoubleSpinBox(self)
            field.setDecimals(3)
            field.setRange(setting.minimum, setting.maximum)
            field.setSingleStep(0.01)
        if setting.default == setting.minimum == 0:
            field.setSpecialValueText("automatic")
        field.setSuffix(setting.unit)
        field.setKeyboardTracking(False)
        field.setValue(self._preferences[setting.key])
        field.valueChanged.connect(lambda value: self._store(setting, value))
        return field

    def _store(self, setting: Setting, value: str | int | float | bool) -> None:
        if setting.accepts(value):
            self._preferences[setting.key] = value
