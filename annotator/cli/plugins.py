"""`annotator plugins`: what is there, what it can do, whether it is sound."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from annotator.cli.console import out, print_table
from annotator.domain import AnnotatorError

if TYPE_CHECKING:
    from annotator.engine.manifest import Manifest, VariantSpec

app = typer.Typer(no_args_is_help=True)

MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "error": "[red]error[/]"}


@app.command("list")
def list_plugins() -> None:
    """List all plugins; their code is not loaded for it."""
    from annotator.engine.registry import PluginRegistry

    rows = []
    for plugin_id, entry in PluginRegistry.discover().entries.items():
        manifest = entry.manifest
        variants = " ".join(variant.id for variant in manifest.variants)
        state = entry.state if entry.trusted else "untrusted"
        rows.append((plugin_id, manifest.version, manifest.kind, variants, state, manifest.title))
    print_table(("plugin", "version", "kind", "variants", "state", "title"), rows)


@app.command()
def info(plugin: str = typer.Argument(..., help="Plugin id.")) -> None:
    """Show what a plugin declares: capabilities, parameters, variants, weights."""
    from annotator.engine.registry import PluginRegistry

    entry = PluginRegistry.discover().entry(plugin)
    manifest = entry.manifest
    out.print(f"[bold]{manifest.title}[/] {manifest.version} ({manifest.kind})")
    if entry.error:
        out.print(f"[red]{entry.state}[/]\n{entry.error}", markup=True)
        return
    out.print(manifest.description)
    print_table(("capability", ""), list(manifest.capabilities.model_dump().items()))
    print_table(
        ("parameter", "type", "default", "what it does"),
        [(p.name, p.type, p.default, p.help) for p in manifest.parameters],
    )
    print_table(
        ("variant", "title", "weights", "missing packages"),
        [
            (v.id, v.title, " ".join(v.weights), _missing(manifest, v))
            for v in manifest.variants or (manifest.variant(),)
        ],
    )
    out.print(f"Folder: {entry.folder}")


def _missing(manifest: "Manifest", variant: "VariantSpec") -> str:
    from annotator.engine.requirements import how_to_install, unmet_by

    problems = unmet_by(manifest, variant)
    if not problems:
        return ""
    return f"{', '.join(problems)}. {how_to_install(variant.extra or manifest.extra)}"


@app.command()
def new(
    name: str = typer.Argument(..., help="Id of the plugin: small letters, digits, hyphens."),
    kind: str = typer.Option("scene", help="scene, image, pose or animation."),
    folder: Path = typer.Option(Path(), "-o", help="Where to make its folder."),
) -> None:
    """Write a new plugin that works at once: manifest, adapter, weights and test."""
    from annotator.engine.api import EngineKind
    from annotator.engine.scaffold import write_plugin

    if kind not in set(EngineKind):
        raise AnnotatorError(f"There is no kind {kind!r}.", f"Use {', '.join(EngineKind)}.")
    made = write_plugin(name, EngineKind(kind), folder)
    for path in sorted(made.iterdir()):
        out.print(f"  {path}")
    out.print(f"Now: annotator plugins check {made}; pytest {made}; see docs/plugins.md")


@app.command()
def install(folder: Path = typer.Argument(..., help="Plugin folder to copy.")) -> None:
    """Copy a plugin's folder to where plugins are found; its code still has to be trusted."""
    import shutil

    from annotator.engine.manifest import MANIFEST_NAME, read_manifest
    from annotator.engine.paths import user_data

    manifest = read_manifest(folder / MANIFEST_NAME)
    target = user_data("plugins") / manifest.id
    if target.exists():
        raise AnnotatorError(f"{target} is there already.", "Remove it first.")
    ignored = shutil.ignore_patterns("__pycache__", ".git", ".pytest_cache")
    shutil.copytree(folder, target, ignore=ignored)
    out.print(f"{manifest.id} is in {target}. Now: annotator plugins trust {manifest.id}")


@app.command()
def trust(
    plugin: str = typer.Argument(..., help="Plugin id."),
    yes: bool = typer.Option(False, "--yes", help="Agree without being asked."),
) -> None:
    """Agree to run a plugin's code as it is now; any change of its files asks again."""
    from annotator.engine import trust as agreements
    from annotator.engine.registry import PluginRegistry

    entry = PluginRegistry.discover().entry(plugin)
    if entry.trusted:
        out.print(f"{plugin} is trusted already.")
        return
    content = agreements.content_of(entry.folder)
    out.print(f"{entry.manifest.title} {entry.manifest.version} in {entry.folder}")
    out.print(f"{len(content.files)} files: {', '.join(content.files[:12])}", markup=False)
    out.print(f"sha256 {content.sha256}")
    if not yes and not typer.confirm("Its code can do all that you can do. Run it?"):
        raise AnnotatorError(f"{plugin} stays untrusted; nothing of it was run.")
    agreements.trust(entry.folder, content.sha256)
    out.print(f"{plugin} is trusted.")


@app.command()
def distrust(plugin: str = typer.Argument(..., help="Plugin id.")) -> None:
    """Take the agreement to run a plugin's code back."""
    from annotator.engine import trust as agreements
    from annotator.engine.registry import PluginRegistry

    found = agreements.distrust(PluginRegistry.discover().entry(plugin).folder)
    out.print(f"{plugin} is no longer trusted." if found else f"{plugin} was not agreed to.")


@app.command()
def configure(
    plugin: str = typer.Argument(..., help="Plugin id."),
    isolation: str | None = typer.Option(None, help="inprocess, process, or '' as declared."),
    python: str | None = typer.Option(None, help="Interpreter of its worker process; '' for ours."),
    remote: str | None = typer.Option(
        None, help="HOST:PORT of an `annotator worker`; '' for none."
    ),
    token_file: str | None = typer.Option(None, help="File with that worker's token."),
    cancel_seconds: float | None = typer.Option(None, help="Patience before a worker is ended."),
    silence_seconds: float | None = typer.Option(None, help="Longest time without sign of life."),
) -> None:
    """Say where a plugin runs: here, in a process, under another Python, on another machine."""
    from annotator.engine.placement import PluginSettings, change_settings, read_settings
    from annotator.engine.registry import PluginRegistry

    PluginRegistry.discover().entry(plugin)
    given = {
        "isolation": isolation,
        "python": python,
        "remote": remote,
        "token_file": token_file,
        "cancel_seconds": cancel_seconds,
        "silence_seconds": silence_seconds,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        change_settings(plugin, changes)
    settings = read_settings().get(plugin, PluginSettings())
    print_table(("setting", "value"), list(settings.model_dump().items()), title=plugin)


@app.command()
def check(
    path: Path = typer.Argument(..., help="Plugin folder, its plugin.toml, or a plugin id."),
    run: bool = typer.Option(True, help="Also import the code and try it, in another process."),
) -> None:
    """Check a plugin: manifest, files, protocol, statelessness, cancellation."""
    from annotator.engine.checks import check_plugin
    from annotator.engine.registry import PluginRegistry

    folder = path if path.exists() else PluginRegistry.discover().entry(str(path)).folder
    findings = check_plugin(folder, run=run)
    for finding in findings:
        out.print(f"{MARKS[finding.severity]:<18} {finding.rule}: {finding.message}")
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        raise AnnotatorError(f"{folder.name} breaks {errors} rule(s).", "See the list above.")
