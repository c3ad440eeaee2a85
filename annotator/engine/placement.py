"""Where a plugin runs: in the application, in a worker process, or on another machine.

The manifest may only ask for a process of its own. Which interpreter it gets, or which
machine, is the user's to say: a plugin could otherwise start any program.
"""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from annotator.domain import AnnotatorError
from annotator.engine.files import replacing
from annotator.engine.manifest import Manifest
from annotator.engine.paths import shipped, user_config
from annotator.engine.process import LocalPlace, Patience
from annotator.engine.process.links import Place
from annotator.engine.process.remote import RemotePlace

FILE = "plugins.json"
Isolation = Literal["inprocess", "process"]


class PluginSettings(BaseModel):
    """What the user decided about one plugin.

    Attributes:
        isolation: Where it runs; empty to follow the manifest.
        python: Interpreter of its worker; empty for the application's own.
        remote: "host:port" of an `annotator worker`; empty for this machine.
        token_file: File with that worker's token.
        cancel_seconds: How long a worker may ignore a cancellation before it is ended.
        silence_seconds: How long it may give no sign of life.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    isolation: Literal["", "inprocess", "process"] = ""
    python: str = ""
    remote: Annotated[str, Field(pattern=r"^(.+:[0-9]{1,5})?$")] = ""
    token_file: str = ""
    cancel_seconds: Annotated[float, Field(gt=0)] = Patience.cancel_seconds
    silence_seconds: Annotated[float, Field(gt=0)] = Patience.silence_seconds

    @model_validator(mode="after")
    def _is_consistent(self) -> "PluginSettings":
        if self.remote and not self.token_file:
            raise ValueError("`remote` needs `token_file`")
        if self.isolation == "inprocess" and (self.python or self.remote):
            raise ValueError("`python` and `remote` need a process, not `inprocess`")
        return self

    @property
    def elsewhere(self) -> bool:
        """Whether packages are those of another environment or machine."""
        return bool(self.python or self.remote)

    @property
    def patience(self) -> Patience:
        """How long the worker is waited for."""
        return Patience(self.cancel_seconds, self.silence_seconds)


def read_settings() -> dict[str, PluginSettings]:
    """Return the user's decisions by plugin id.

    Raises:
        AnnotatorError: If the file is damaged.
    """
    path = user_config(FILE)
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): PluginSettings.model_validate(v) for key, v in stored.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise AnnotatorError(
            f"{path} cannot be read: {error}.", "Correct or delete it; it holds plugin settings."
        ) from error


def change_settings(plugin_id: str, changes: Mapping[str, object]) -> PluginSettings:
    """Change the user's decisions about one plugin and return all of them.

    Raises:
        AnnotatorError: If a value is not allowed, in words.
    """
    everything = read_settings()
    values = {**everything.get(plugin_id, PluginSettings()).model_dump(), **changes}
    try:
        everything[plugin_id] = PluginSettings.model_validate(values)
    except ValidationError as error:
        words = "; ".join(
            f"{'.'.join(map(str, item['loc']))} {item['msg']}".strip() for item in error.errors()
        )
        raise AnnotatorError(f"Plugin {plugin_id!r} cannot be set up so: {words}.") from None
    content = {key: value.model_dump(exclude_defaults=True) for key, value in everything.items()}
    with replacing(user_config(FILE)) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True), encoding="utf-8")
    return everything[plugin_id]


def place_of(
    manifest: Manifest,
    folder: Path,
    settings: PluginSettings,
    isolation: Isolation | None = None,
    requires: tuple[str, ...] = (),
) -> Place | None:
    """Return where a plugin's workers run; None if it runs in the application.

    Args:
        manifest: Of the plugin.
        folder: Of the plugin.
        settings: The user's.
        isolation: What the caller insists on, on this machine.
        requires: Packages that the worker must have beside the manifest's.
    """
    if settings.remote and isolation is None:
        return RemotePlace(manifest.id, settings.remote, Path(settings.token_file).expanduser())
    asked = isolation or settings.isolation or manifest.isolation
    if asked == "inprocess" and not (settings.python and isolation is None):
        return None
    packages = _models() if folder.is_relative_to(shipped("plugins")) else {}
    needed = (*manifest.requires, *requires)
    return LocalPlace(manifest.id, folder, manifest.target, needed, settings.python, packages)


def _models() -> dict[str, Path]:
    """Return where the networks are that the application's own plugins import."""
    spec = find_spec("models")
    places = list(spec.submodule_search_locations or []) if spec else []
    return {"models": Path(places[0])} if places else {}
