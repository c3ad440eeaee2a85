"""The contract suite for any engine plugin: parametrise a test with `contract_cases`.

A plugin author writes

    @pytest.mark.parametrize(("ref", "rule"), contract_cases("my-plugin"), ids=str)
    def test_keeps_the_contract(ref, rule):
        run_rule(PluginRegistry.discover(extra_folders=[FOLDER]), ref, rule)
"""

from annotator.engine.contract import rules_for
from annotator.engine.registry import PluginRegistry


def contract_cases(ref, extra_folders=()):
    """Return (ref, rule name) for every rule that the plugin's kind has to keep."""
    registry = PluginRegistry.discover(extra_folders, disk=False)
    kind = registry.entry(ref.partition(":")[0]).manifest.kind
    return [(ref, rule.name) for rule in rules_for(kind)]


def run_rule(registry, ref, name, device="cpu"):
    """Open the engine and hold it to one rule."""
    engine = registry.open(ref, device=device)
    try:
        rule = next(r for r in rules_for(engine.manifest.kind) if r.name == name)
        rule.check(engine)
    finally:
        engine.close()
