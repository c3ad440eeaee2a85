import pytest

from annotator.engine.checks import check_plugin, run_here
from tests.engine.helpers import MINIMAL_ADAPTER, MINIMAL_MANIFEST, NEAREST_CLICK, write_plugin


def problems(findings):
    return {f.rule: f.message for f in findings if f.severity != "ok"}


def test_a_good_plugin_passes_in_its_own_process():
    findings = check_plugin(NEAREST_CLICK)
    assert set(problems(findings)) == {"manifest"}  # no licence is given: a warning
    assert {f.severity for f in findings} == {"ok", "warning"}
    assert "nearest-click: stateless" in {f.rule for f in findings}


def test_the_manifest_file_may_be_named_too():
    assert check_plugin(NEAREST_CLICK / "plugin.toml", run=False)[0].severity == "ok"


def test_static_mistakes_are_found_without_running_anything(tmp_path):
    more = 'requires = ["no-such-package-anywhere", "a b c"]\n'
    more += '[[weights]]\nname = "w"\nfile = "w.safetensors"\nlayout = "gone.tsv"\n'
    folder = write_plugin(tmp_path / "p", MINIMAL_MANIFEST + more, adapter=None)
    found = problems(check_plugin(folder))
    assert "does not exist" in found["target"]
    assert "gone.tsv" in found["layout of w"]
    assert "cannot be read" in found["requires"]
    assert not [rule for rule in found if rule.startswith("tiny")]


def test_a_wrong_manifest_ends_the_check(tmp_path):
    folder = write_plugin(tmp_path / "p", "api = 1")
    findings = check_plugin(folder)
    assert [f.severity for f in findings] == ["error"]
    assert "`id`" in findings[0].message


BROKEN = {
    "deterministic": ("np.ones(encoding, np.int32)", "np.random.randint(0, 2, encoding, np.int32)"),
    "stateless": (
        "return Mask(np.ones(encoding, np.int32))",
        "self.n = getattr(self, 'n', 0) + (2 if prompt.object_ids == (2,) else 0)\n"
        "        return Mask(np.full(encoding, self.n, np.int32))",
    ),
    "input unchanged": ("return len(asset)", "asset.xyz[:] += 1; return len(asset)"),
    "labels": ("np.ones(encoding, np.int32)", "np.full(encoding, 77, np.int32)"),
    "cancel": ("", ""),
    "clicked points": ("", ""),
    "empty prompt": ("", ""),
    "confidence": (
        "np.ones(encoding, np.int32)",
        "np.ones(encoding, np.int32), np.full(encoding, 2, np.float32)",
    ),
    "many clicks": ("return Mask", "assert len(prompt.clicks) < 200\n        return Mask"),
    "degenerate clouds": ("return len(asset)", "return len(asset) // np.ptp(asset.xyz)"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_broken_promise_is_found(tmp_path, rule):
    folder = write_plugin(tmp_path / "p", adapter=MINIMAL_ADAPTER.replace(*BROKEN[rule]))
    findings = problems(run_here(folder))
    assert f"tiny: {rule}" in findings


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        ("import os\nos._exit(7)", "exit status 7"),
        ("import time\ntime.sleep(60)", "no end after"),
        ("import no_such_package_anywhere", "no_such_package_anywhere"),
    ],
)
def test_a_plugin_that_crashes_or_hangs_spoils_only_its_report(tmp_path, adapter, words):
    folder = write_plugin(tmp_path / "p", adapter=adapter)
    timeout = 5.0 if "sleep" in adapter else 120.0
    findings = check_plugin(folder, timeout=timeout)
    errors = [f for f in findings if f.severity == "error"]
    assert len(errors) == 1
    assert words in errors[0].message


def test_output_of_the_plugin_does_not_confuse_the_report(tmp_path):
    noisy = MINIMAL_ADAPTER + "\nprint('findings: []')\nprint('no newline', end='')\n"
    folder = write_plugin(tmp_path / "p", adapter=noisy)
    assert "tiny: cancel" in problems(check_plugin(folder))


def test_a_variant_without_weights_is_not_tried_but_named(tmp_path):
    more = '[[weights]]\nname = "w"\nfile = "w.safetensors"\n'
    folder = write_plugin(tmp_path / "p", MINIMAL_MANIFEST + more)
    assert "not tried" in problems(check_plugin(folder))["tiny"]
