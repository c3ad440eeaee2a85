"""A form for an engine's parameters, built from what its manifest declares."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from annotator.engine.manifest import ParameterSpec

_UNBOUNDED = 1_000_000_000


class ParametersForm(QDialog):
    """One row a parameter; after `accept`, `values` holds the choice."""

    def __init__(
        self,
        title: str,
        specs: Sequence[ParameterSpec],
        values: Mapping[str, Any],
        defaults: Mapping[str, Any],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("parametersForm")
        self.setWindowTitle(f"Parameters of {title}")
        self._specs, self._defaults = tuple(specs), dict(defaults)
        self.fields: dict[str, QWidget] = {}
        form = QFormLayout()
        for spec in self._specs:
            field = _make_field(spec)
            field.setObjectName(f"parameter_{spec.name}")
            field.setAccessibleName(spec.title or spec.name)
            field.setToolTip(spec.help)
            form.addRow(spec.title or spec.name, field)
            self.fields[spec.name] = field
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        if not self._specs:
            column.addWidget(QLabel("This engine has no parameters.", self))
        column.addLayout(form)
        column.addWidget(self._make_buttons())
        self.show_values({**self._defaults, **values})

    def _make_buttons(self) -> QDialogButtonBox:
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel | kinds.RestoreDefaults, self)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        restore = buttons.button(kinds.RestoreDefaults)
        restore.clicked.connect(lambda: self.show_values(self._defaults))
        return buttons

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Fill the fields."""
        for spec in self._specs:
            _write(self.fields[spec.name], values.get(spec.name, spec.default))

    @property
    def values(self) -> dict[str, Any]:
        """The chosen value of every parameter."""
        return {spec.name: spec.accept(_read(self.fields[spec.name])) for spec in self._specs}


class FileField(QLineEdit):
    """A path to type or, by the button inside, to choose."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        icon = self.style().standardIcon(QStyle.StandardPixmap.SP_DialogOpenButton)
        self.browse = self.addAction(icon, QLineEdit.ActionPosition.TrailingPosition)
        self.browse.setToolTip("Choose a file")
        self.browse.triggered.connect(self.choose)

    def choose(self) -> None:
        """Ask for a file; leave the path as it is if the person cancels."""
        chosen, _ = QFileDialog.getOpenFileName(self, self._title, self.text())
        if chosen:
            self.setText(chosen)


def _make_field(spec: ParameterSpec) -> QWidget:
    if spec.type == "bool":
        return QCheckBox()
    if spec.type == "text":
        return QLineEdit()
    if spec.type == "file":
        return FileField(spec.title or spec.name)
    if spec.type == "choice":
        box = QComboBox()
        box.addItems(list(spec.choices))
        return box
    low = -_UNBOUNDED if spec.min is None else spec.min
    high = _UNBOUNDED if spec.max is None else spec.max
    number: QSpinBox | QDoubleSpinBox
    if spec.type == "int":
        number = QSpinBox()
        number.setRange(round(low), round(high))
    else:
        number = QDoubleSpinBox()
        number.setDecimals(4)
        number.setRange(low, high)
        number.setSingleStep(0.01)
    number.setSuffix(f" {spec.unit}" if spec.unit else "")
    return number


def _write(field: QWidget, value: Any) -> None:  # noqa: ANN401 - the manifest gives the type
    if isinstance(field, QCheckBox):
        field.setChecked(bool(value))
    elif isinstance(field, QComboBox):
        field.setCurrentText(str(value))
    elif isinstance(field, QLineEdit):
        field.setText(str(value))
    elif isinstance(field, QSpinBox):
        field.setValue(int(value))
    elif isinstance(field, QDoubleSpinBox):
        field.setValue(float(value))


def _read(field: QWidget) -> bool | str | int | float:
    if isinstance(field, QCheckBox):
        return field.isChecked()
    if isinstance(field, QComboBox):
        return field.currentText()
    if isinstance(field, QSpinBox | QDoubleSpinBox):
        return field.value()
    assert isinstance(field, QLineEdit)
    return field.text()
