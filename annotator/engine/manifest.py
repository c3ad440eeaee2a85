"""The schema of `plugin.toml`: all that is known of a plugin before its code is imported."""

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from annotator.domain import AnnotatorError
from annotator.engine.api import API_VERSION, DEPRECATED_APIS, EngineKind
from annotator.engine.toml_lines import line_of

MANIFEST_NAME = "plugin.toml"
MAX_MANIFEST_BYTES = 1 << 20

Scalar = bool | int | float | str
PluginId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,127}$")]
Package = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
PlainFile = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
ExtraName = Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]{0,63})?$")]
Sha256 = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
DeviceType = Literal["cpu", "cuda", "mps"]
DType = Literal["float32", "float16", "bfloat16"]


class _Table(BaseModel):
    """A table of the manifest: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Capabilities(_Table):
    """What the engine understands; the window greys out the rest.

    Attributes:
        negative_clicks: Clicks that say "not this" (object 0) are used.
        many_objects: Several objects in one prediction. Image engines that say no are
            asked for each object by itself, as object 1 with the outside as object 0.
        boxes: Boxes as prompts.
        candidates: Several masks to choose from.
        words: Text as prompts.
        colour: Whether colour is ignored, used when there, or required.
        max_objects: Most objects in one prompt; 0 = no limit.
        max_clicks: Most clicks in one prompt; 0 = no limit.
        differentiable_clicks: Gradients flow to click coordinates (robustness attacks).
    """

    negative_clicks: bool = True
    many_objects: bool = True
    boxes: bool = False
    candidates: bool = False
    words: bool = False
    colour: Literal["ignored", "optional", "required"] = "optional"
    max_objects: int = Field(default=0, ge=0)
    max_clicks: int = Field(default=0, ge=0)
    differentiable_clicks: bool = False


class ParameterSpec(_Table):
    """One setting of a plugin, from which a row of the settings form is built.

    Attributes:
        name: Key in `PluginContext.parameters`.
        type: What the form shows. A "file" is the path of a file of the user's, empty for none;
            what is in it counts for the identity of encodings.
        default: Value if the user chooses none.
        min: Smallest value of a number.
        max: Largest value of a number.
        choices: Allowed values of a "choice".
        title: Label in the form.
        help: One sentence for the tool tip.
        unit: Shown behind the number, such as "m".
        affects: "encode" if another value needs a new encoding, "predict" if not.
    """

    name: Name
    type: Literal["float", "int", "bool", "choice", "text", "file"]
    default: Scalar
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    title: str = ""
    help: str = ""
    unit: str = ""
    affects: Literal["encode", "predict"] = "encode"

    @model_validator(mode="after")
    def _default_is_allowed(self) -> "ParameterSpec":
        if self.type == "choice" and not self.choices:
            raise ValueError("a choice needs `choices`")
        self.accept(self.default)
        return self

    def accept(self, value: object) -> Scalar:
        """Return `value` in the parameter's type.

        Raises:
            ValueError: If the type is wrong or the value out of range, in words.
        """
        if self.type == "bool":
            return _expect(value, bool, "true or false")
        if self.type == "choice":
            if value not in self.choices:
                raise ValueError(f"{value!r} is none of {', '.join(self.choices)}")
            return str(value)
        if self.type in {"text", "file"}:
            return _expect(value, str, "a text")
        return self._accept_number(value)

    def _accept_number(self, value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{value!r} is not a number")
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is not a finite number")
        if self.type == "int" and value != int(value):
            raise ValueError(f"{value!r} is not a whole number")
        if self.min is not None and not value >= self.min:
            raise ValueError(f"{value} is below the least value {self.min:g}")
        if self.max is not None and not value <= self.max:
            raise ValueError(f"{value} is above the largest value {self.max:g}")
        return int(value) if self.type == "int" else float(value)


def _expect(value: object, kind: type[Any], words: str) -> Scalar:
    if not isinstance(value, kind):
        raise ValueError(f"{value!r} is not {words}")
    accepted: Scalar = value
    return accepted


class WeightsSpec(_Table):
    """A file of weights that the plugin needs: where from, under which licence.

    Attributes:
        name: Name in `annotator weights` and in `PluginContext.weights`.
        file: Plain file name in a weights folder, usually `.safetensors`.
        sha256: Of the file at `url`, or of the bundled file; empty if only known by layout.
        size: Bytes of that file; 0 if unknown.
        licence: SPDX id or words.
        url: Where `weights pull` fetches it; needs `sha256` and `size`.
        homepage: Where a person finds it.
        checkpoint: Name under which its authors publish the file, if not `file`.
        layout: File in the plugin's folder listing key, shape and dtype of every tensor, by
            which `weights import` recognises a checkpoint.
        inert: Python packages of which the checkpoint holds objects beside its weights.
            They are read as empty shells: nothing of the packages is imported or run.
    """

    name: Name
    file: PlainFile
    sha256: Sha256 = ""
    size: int = Field(default=0, ge=0)
    licence: str = ""
    url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    homepage: str = ""
    checkpoint: str = ""
    layout: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,127})?$")] = ""
    inert: tuple[Package, ...] = ()

    @model_validator(mode="after")
    def _url_is_checkable(self) -> "WeightsSpec":
        if self.url and not (self.sha256 and self.size):
            raise ValueError("`url` needs `sha256` and `size`, or a download could not be checked")
        return self


class MistakenSpec(_Table):
    """A kind of checkpoint that people take for one of the plugin's.

    Attributes:
        keys: Tensors by which it is recognised; all must be there.
        message: What it is.
        remedy: What to get instead.
    """

    keys: tuple[str, ...] = Field(min_length=1)
    message: str
    remedy: str = ""


class VariantSpec(_Table):
    """One set of weights and defaults of a plugin.

    Attributes:
        id: Behind the colon of a reference such as "agile3d:compact".
        title: What a person reads.
        default: Whether a reference without a variant means this one.
        weights: Names of the weights entries it needs.
        parameters: Defaults that differ from the plugin's.
        requires: Python packages that it needs beside the plugin's own.
        extra: Extra of the application that installs them; the plugin's if empty.
    """

    id: PluginId
    title: str = ""
    default: bool = False
    weights: tuple[Name, ...] = ()
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    requires: tuple[str, ...] = ()
    extra: ExtraName = ""


class Manifest(_Table):
    """A whole `plugin.toml`.

    A plugin has code of its own (`target`) or takes that of another one (`uses`), giving it
    other parameters: so an ONNX file becomes an engine without a line of code.
    """

    api: int
    id: PluginId
    version: str
    title: str
    kind: EngineKind
    target: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] = ""
    uses: Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]{0,63})?$")] = ""
    description: str = ""
    homepage: str = ""
    licence: str = ""
    isolation: Literal["inprocess", "process"] = "inprocess"
    devices: tuple[DeviceType, ...] = Field(default=("cpu",), min_length=1)
    dtypes: tuple[DType, ...] = Field(default=("float32",), min_length=1)
    requires: tuple[str, ...] = ()
    extra: ExtraName = ""
    capabilities: Capabilities = Capabilities()
    parameters: tuple[ParameterSpec, ...] = ()
    variants: tuple[VariantSpec, ...] = ()
    weights: tuple[WeightsSpec, ...] = ()
    mistaken: tuple[MistakenSpec, ...] = ()

    @field_validator("api")
    @classmethod
    def _api_is_supported(cls, api: int) -> int:
        if api > API_VERSION:
            raise ValueError(f"{api} is newer than this application's {API_VERSION}; update it")
        if api != API_VERSION and api not in DEPRECATED_APIS:
            raise ValueError(f"{api} is not supported any more; this application has {API_VERSION}")
        return api

    @model_validator(mode="after")
    def _is_consistent(self) -> "Manifest":
        if bool(self.target) == bool(self.uses):
            raise ValueError("either `target` or `uses` says where the code is")
        for field in ("parameters", "weights"):
            _require_unique(field, [spec.name for spec in getattr(self, field)])
        _require_unique("variants", [variant.id for variant in self.variants])
        if sum(variant.default for variant in self.variants) > 1:
            raise ValueError("more than one of `variants` is the default")
        for variant in self.variants:
            self._check_variant(variant)
        return self

    def _check_variant(self, variant: VariantSpec) -> None:
        unknown = set(variant.weights) - {spec.name for spec in self.weights}
        if unknown:
            raise ValueError(f"variant {variant.id!r} names unknown weights {sorted(unknown)}")
        for name, value in variant.parameters.items():
            self._accept(name, value, f"variant {variant.id!r}")

    def _accept(self, name: str, value: object, where: str) -> Scalar:
        spec = next((spec for spec in self.parameters if spec.name == name), None)
        if spec is None:
            known = ", ".join(spec.name for spec in self.parameters) or "none"
            raise ValueError(f"{where}: there is no parameter {name!r} (known: {known})")
        try:
            return spec.accept(value)
        except ValueError as error:
            raise ValueError(f"{where}: parameter {name!r}: {error}") from None

    def variant(self, variant_id: str = "") -> VariantSpec:
        """Return the variant of that id, or the default one.

        A plugin without variants has one nameless variant that needs all its weights.

        Raises:
            AnnotatorError: If there is no such variant.
        """
        if not self.variants and not variant_id:
            names = tuple(spec.name for spec in self.weights)
            return VariantSpec.model_construct(id="", title="", default=True, weights=names)
        if not variant_id:
            return next((v for v in self.variants if v.default), self.variants[0])
        for variant in self.variants:
            if variant.id == variant_id:
                return variant
        known = ", ".join(f"{self.id}:{v.id}" for v in self.variants) or self.id
        raise AnnotatorError(f"Plugin {self.id!r} has no variant {variant_id!r}.", f"Try {known}.")

    def built_on(self, other: "Manifest") -> "Manifest":
        """Return this manifest with the code, packages and other parameters of the one it uses."""
        own = {spec.name: spec for spec in self.parameters}
        known = {spec.name: spec for spec in other.parameters}
        return self.model_copy(
            update={
                "target": other.target,
                "requires": tuple(dict.fromkeys((*other.requires, *self.requires))),
                "extra": self.extra or other.extra,
                "parameters": tuple({**known, **own}.values()),
            }
        )

    def placed_in(self, folder: Path) -> "Manifest":
        """Return this manifest with default files found in its folder as whole paths."""
        placed = [_placed(spec, folder) for spec in self.parameters]
        return self.model_copy(update={"parameters": tuple(placed)})

    def resolve_parameters(
        self, variant: VariantSpec, given: "dict[str, Any] | None" = None
    ) -> dict[str, Scalar]:
        """Return every parameter's value: default, then the variant's, then the given ones.

        Raises:
            AnnotatorError: If a given name or value is not allowed.
        """
        values: dict[str, Scalar] = {
            spec.name: spec.accept(spec.default) for spec in self.parameters
        }
        try:
            for name, value in {**variant.parameters, **(given or {})}.items():
                values[name] = self._accept(name, value, f"Plugin {self.id!r}")
        except ValueError as error:
            raise AnnotatorError(f"{error}.", f"See `annotator plugins info {self.id}`.") from None
        return values


def _placed(spec: ParameterSpec, folder: Path) -> ParameterSpec:
    file = folder / str(spec.default)
    if spec.type != "file" or not spec.default or not file.is_file():
        return spec
    return spec.model_copy(update={"default": str(file.resolve())})


def _require_unique(field: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"`{field}` names {', '.join(twice)} twice")


def read_manifest(path: Path) -> Manifest:
    """Read and validate a `plugin.toml`.

    Raises:
        AnnotatorError: Naming the file and every wrong field.
    """
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise AnnotatorError(f"{path} is too large to be a plugin manifest.")
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AnnotatorError(f"{path} cannot be read: {error}.", "Is it valid TOML?") from error
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        details = "; ".join(_describe(item, text) for item in error.errors())
        raise AnnotatorError(
            f"{path}: {details}.", "Correct these fields of the manifest."
        ) from None


def _describe(item: Any, text: str) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    field = ""
    for part in item["loc"]:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    message = str(item["msg"]).removeprefix("Value error, ")
    line = line_of(text, item["loc"])
    return f"line {line}, `{field}`: {message}" if field else message
