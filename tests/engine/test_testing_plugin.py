"""The pytest plugin for authors: fixtures of an own home and of plugins opened and closed."""

from annotator.engine.paths import user_data
from annotator.testing import contract_cases
from tests.engine.helpers import NEAREST_CLICK, click_prompt, line_cloud, write_plugin

pytest_plugins = ["annotator.testing.plugin"]


def test_plugins_are_opened_in_a_home_of_their_own(open_plugin, annotator_home):
    engine = open_plugin("nearest-click", NEAREST_CLICK)
    assert engine.predict(engine.encode(line_cloud()), click_prompt((3, 4))).labels[0] == 4
    assert user_data("plugins").is_relative_to(annotator_home)


def test_cases_name_every_variant_and_rule_and_say_what_is_missing(tmp_path):
    manifest = """
    api = 1
    id = "two"
    version = "1.0"
    title = "Two"
    kind = "scene"
    target = "adapter:create"
    [[weights]]
    name = "w"
    file = "w.bin"
    [[variants]]
    id = "a"
    [[variants]]
    id = "b"
    weights = ["w"]
    """
    cases = contract_cases(write_plugin(tmp_path / "p", manifest))
    assert {case.ref for case in cases} == {"two:a", "two:b"}
    assert str(cases[0]).startswith("two:a-")
    assert not cases[0].missing_weights
    assert "missing" in cases[-1].missing_weights
