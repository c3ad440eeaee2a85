"""Each deliberately broken plugin fails its rule with the right words; sound ones pass all."""

import pytest

from annotator.engine.checks import check_plugin, run_here
from annotator.engine.contract import RULES
from tests.engine.broken_plugins import ANSWERS, BROKEN, write

IN_PROCESS = {"crash on import"}
"""Faults that would take this process along."""


def report(folder, name):
    findings = check_plugin(folder, run=name in IN_PROCESS)
    if any(finding.severity == "error" for finding in findings) or name in IN_PROCESS:
        return findings
    return [*findings, *run_here(folder)]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_fails_its_rule_with_the_right_words(tmp_path, name):
    broken = BROKEN[name]
    folder = write(tmp_path / "p", broken.kind, broken.code, broken.manifest)
    found = [
        finding
        for finding in report(folder, name)
        if finding.rule.partition(": ")[2] == broken.rule or finding.rule == broken.rule
    ]
    bad = [f"{f.severity}: {f.message}" for f in found if f.severity != "ok"]
    assert any(line.startswith(broken.severity) and broken.message in line for line in bad), bad


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_sound_plugin_passes_every_rule(tmp_path, kind):
    findings = check_plugin(write(tmp_path / "p", kind))
    assert {f.severity for f in findings} == {"ok"}, [f for f in findings if f.severity != "ok"]
    assert len(findings) > 10


def test_there_are_more_than_sixteen_faults_and_every_kind_has_some():
    assert len(BROKEN) > 16
    assert {broken.kind for broken in BROKEN.values()} == set(ANSWERS)
    known = {rule.name for rule in RULES}
    in_run = {b.rule for b in BROKEN.values()} & known
    assert len(in_run) >= 14
