import re
from pathlib import Path

import annotator
from annotator.engine.checks import check_plugin, run_here

README = Path(annotator.__file__).parents[1] / "plugins" / "README.md"


def test_the_smallest_plugin_of_the_guide_works_as_printed(tmp_path):
    text = README.read_text()
    manifest = re.search(r"```toml\n(.*?)```", text, re.S).group(1)
    adapter = re.search(r"```python\n(.*?)```", text, re.S).group(1)
    (tmp_path / "plugin.toml").write_text(manifest)
    (tmp_path / "adapter.py").write_text(adapter)
    assert not [f for f in check_plugin(tmp_path, run=False) if f.severity == "error"]
    by_rule = {f.rule.partition(": ")[2]: f.severity for f in run_here(tmp_path)}
    kept = ("runs", "deterministic", "stateless", "many clicks", "degenerate clouds")
    assert {by_rule[rule] for rule in kept} == {"ok"}
