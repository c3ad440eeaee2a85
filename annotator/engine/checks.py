"""Checks a plugin for its author: manifest, files, requirements, then a run in its own process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from annotator.domain import AnnotatorError
from annotator.engine import threads
from annotator.engine.api import API_VERSION, DEPRECATED_APIS
from annotator.engine.contract import Rule, rules_for
from annotator.engine.files import sha256_of
from annotator.engine.layouts import read_layout
from annotator.engine.manifest import MANIFEST_NAME, Manifest, VariantSpec, read_manifest
from annotator.engine.opened import OpenEngine
from annotator.engine.registry import PluginRegistry
from annotator.engine.requirements import unmet, unmet_by
from annotator.engine.store import require_weights

Severity = Literal["ok", "warning", "error"]
MARK = "findings: "


@dataclass(frozen=True)
class Finding:
    """One line of a report.

    Attributes:
        severity: "ok", "warning" or "error".
        rule: What was looked at.
        message: What was found; empty if all is well.
    """

    severity: Severity
    rule: str
    message: str = ""


def check_plugin(path: Path, *, run: bool = True, timeout: float = 300.0) -> list[Finding]:
    """Check a plugin's folder or manifest.

    The code runs in another process: a plugin that crashes or hangs spoils its report only.

    Args:
        path: The folder, or the `plugin.toml` in it.
        run: Whether to import and try the code as well.
        timeout: Seconds that trying may take.
    """
    folder = path.parent if path.name == MANIFEST_NAME else path
    try:
        manifest = read_manifest(folder / MANIFEST_NAME)
    except AnnotatorError as error:
        return [Finding("error", "manifest", str(error))]
    findings = [Finding("ok", "manifest", f"{manifest.id} {manifest.version}")]
    findings += _check_files(manifest, folder)
    if run and not any(finding.severity == "error" for finding in findings):
        findings += _run_aside(folder, timeout)
    return findings


def _check_files(manifest: Manifest, folder: Path) -> list[Finding]:
    findings = [
        *_check_target(manifest, folder),
        *_check_api(manifest),
        *_check_devices(manifest),
        *_check_layouts(manifest, folder),
        *_check_sums(manifest, folder),
        *_check_requirements(manifest),
    ]
    for field in ("description", "licence"):
        if not getattr(manifest, field):
            findings.append(Finding("warning", "manifest", f"`{field}` is empty"))
    return findings


def _check_target(manifest: Manifest, folder: Path) -> Iterator[Finding]:
    if manifest.uses:
        return
    module = folder.joinpath(*manifest.target.partition(":")[0].split("."))
    if not (module.with_suffix(".py").is_file() or (module / "__init__.py").is_file()):
        yield Finding("error", "target", f"{module.with_suffix('.py')} does not exist")


def _check_api(manifest: Manifest) -> Iterator[Finding]:
    if manifest.api in DEPRECATED_APIS:
        last = DEPRECATED_APIS[manifest.api]
        words = f"version {manifest.api} works until {last}; the present one is {API_VERSION}"
        yield Finding("warning", "api", words)


def _check_devices(manifest: Manifest) -> Iterator[Finding]:
    if "cpu" not in manifest.devices:
        yield Finding("error", "devices", "`cpu` is missing: nothing works where there is no GPU")


def _check_sums(manifest: Manifest, folder: Path) -> Iterator[Finding]:
    """Compare files beside the manifest with their declared size and sha256."""
    for spec in manifest.weights:
        path = folder / spec.file
        if not path.is_file():
            continue
        rule = f"weights {spec.name}"
        if spec.sha256 and sha256_of(path) != spec.sha256:
            words = f"{spec.file} has the sha256 {sha256_of(path)}, not the declared one"
            yield Finding("error", rule, words)
        elif spec.size and path.stat().st_size != spec.size:
            words = f"{spec.file} has {path.stat().st_size} bytes, not {spec.size}"
            yield Finding("error", rule, words)
        elif not spec.sha256:
            yield Finding("warning", rule, f"{spec.file} has no sha256 in the manifest")


def _check_layouts(manifest: Manifest, folder: Path) -> Iterator[Finding]:
    for spec in manifest.weights:
        if spec.layout:
            try:
                read_layout(folder / spec.layout)
            except AnnotatorError as error:
                yield Finding("error", f"layout of {spec.name}", error.message)


def _check_requirements(manifest: Manifest) -> Iterator[Finding]:
    try:
        for problem in unmet(manifest.requires):
            yield Finding("error", "requires", problem)
        for variant in manifest.variants:
            unmet(variant.requires)  # of a variant only the notation; it may lack its packages
    except AnnotatorError as error:
        yield Finding("error", "requires", str(error))


def _run_aside(folder: Path, timeout: float) -> list[Finding]:
    """Run `run_here` in a fresh interpreter and read its findings."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from annotator.engine import checks; "
    code += f"checks.print_run({str(folder)!r})"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return [Finding("error", "run", f"no end after {timeout:g} s")]
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if not lines:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return [Finding("error", "run", f"the process ended early: {last}")]
    return [Finding(**item) for item in json.loads(lines[-1].removeprefix(MARK))]


def print_run(folder: str) -> None:
    """Print the findings of `run_here` for the parent process."""
    findings = [asdict(finding) for finding in run_here(Path(folder))]
    sys.stdout.write(f"\n{MARK}{json.dumps(findings)}\n")


@threads.steady()
def run_here(folder: Path) -> list[Finding]:
    """Import the plugin in this process and try every variant whose weights are there."""
    registry = PluginRegistry.discover([folder], disk=False)
    manifest = read_manifest(folder / MANIFEST_NAME)
    findings: list[Finding] = []
    for variant in manifest.variants or (manifest.variant(),):
        ref = f"{manifest.id}:{variant.id}" if variant.id else manifest.id
        missing = _missing_packages(manifest, variant) or _missing_weights(
            manifest, variant.weights, folder
        )
        if missing:
            findings.append(Finding("warning", ref, f"not tried: {missing}"))
            continue
        try:
            engine = registry.open(ref, device="cpu")
        except AnnotatorError as error:
            findings.append(Finding("error", ref, registry.entry(manifest.id).error or str(error)))
            continue
        findings += [_try(rule, engine, ref) for rule in rules_for(manifest.kind)]
        engine.close()
    return findings


def _try(rule: Rule, engine: OpenEngine, ref: str) -> Finding:
    try:
        rule.check(engine)
    except Exception as error:  # noqa: BLE001 - a plugin under test may raise anything
        return Finding(rule.severity, f"{ref}: {rule.name}", f"{type(error).__name__}: {error}")
    return Finding("ok", f"{ref}: {rule.name}")


def _missing_packages(manifest: Manifest, variant: VariantSpec) -> str:
    problems = unmet_by(manifest, variant)
    return f"it requires {', '.join(problems)}" if problems else ""


def _missing_weights(manifest: Manifest, names: tuple[str, ...], folder: Path) -> str:
    for spec in manifest.weights:
        if spec.name in names:
            try:
                require_weights(spec, folder)
            except AnnotatorError as error:
                return str(error)
    return ""
