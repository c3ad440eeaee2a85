import subprocess
import sys

import numpy as np
import pytest

from annotator.domain import AnnotatorError
from annotator.engine.api import EngineKind
from annotator.engine.paths import user_data
from annotator.engine.registry import PluginRegistry
from annotator.engine.trust import UntrustedPlugin, trust
from tests.engine.helpers import (
    MINIMAL_ADAPTER,
    MINIMAL_MANIFEST,
    NEAREST_CLICK,
    click_prompt,
    line_cloud,
    nearest_click_registry,
    write_plugin,
)


def test_the_built_in_and_given_plugins_are_found_without_importing_them():
    registry = nearest_click_registry()
    assert list(registry.entries)[:2] == ["nearest-click", "agile3d"]
    assert {entry.state for entry in registry.entries.values()} == {"found"}


def test_discovery_imports_neither_torch_nor_any_plugin():
    code = (
        "import sys; from annotator.engine.registry import PluginRegistry; "
        "PluginRegistry.discover(); "
        "assert not {'torch', 'models', 'PySide6', 'open3d'} & set(sys.modules); "
        "assert not [m for m in sys.modules if m.startswith('_annotator_plugin')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_plugins_in_the_users_folder_are_found(own_home):
    write_plugin(user_data("plugins") / "mine")
    trust(user_data("plugins") / "mine")
    registry = PluginRegistry.discover()
    assert registry.entries["tiny"].folder == user_data("plugins") / "mine"
    engine = registry.open("tiny")
    assert engine.predict(engine.encode(line_cloud()), click_prompt()).labels.sum() == 10
    assert registry.entries["tiny"].state == "loaded"


def test_plugins_of_installed_packages_are_found_by_entry_point(tmp_path, monkeypatch):
    write_plugin(tmp_path / "site" / "tinypack" / "inner")
    (tmp_path / "site" / "tinypack" / "__init__.py").write_text("raise RuntimeError('imported')")
    info = tmp_path / "site" / "tinypack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tinypack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[annotator.plugins]\ntiny = tinypack.inner\nlost = nowhere.to.be.found\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    registry = PluginRegistry.discover()
    with pytest.raises(UntrustedPlugin):
        registry.open("tiny")
    trust(tmp_path / "site" / "tinypack" / "inner")
    assert registry.open("tiny").manifest.title == "Tiny"


def test_of_two_plugins_with_one_id_the_first_counts(tmp_path):
    first = write_plugin(tmp_path / "a")
    write_plugin(tmp_path / "b")
    registry = PluginRegistry.discover([tmp_path])
    assert registry.entries["tiny"].folder == first


def test_two_plugins_may_both_have_an_adapter_with_neighbours(tmp_path):
    for name in ("one", "two"):
        folder = write_plugin(
            tmp_path / name,
            MINIMAL_MANIFEST.replace('"tiny"', f'"{name}"'),
            MINIMAL_ADAPTER + "\nfrom .helper import NAME\nTiny.NAME = NAME\n",
        )
        (folder / "helper.py").write_text(f"NAME = {name!r}")
    registry = PluginRegistry.discover([tmp_path])
    assert [registry.open(n).engine.NAME for n in ("one", "two")] == ["one", "two"]


def test_a_broken_manifest_fails_alone_and_says_where(tmp_path):
    write_plugin(tmp_path / "broken", "api = 1\nid = 'broken'\n")
    registry = PluginRegistry.discover([tmp_path, NEAREST_CLICK])
    assert registry.entries["broken"].state == "failed"
    assert "`version`" in registry.entries["broken"].error
    with pytest.raises(AnnotatorError, match=r"broken.*failed"):
        registry.open("broken")
    assert registry.open("nearest-click").device == "cpu"


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        ("import no_such_package_anywhere", "ModuleNotFoundError"),
        ("def create(context):\n    raise KeyError('oops')", "KeyError"),
        ("this is no python", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def create(context):\n    return object()", "returned no engine"),
    ],
)
def test_a_plugin_whose_code_fails_is_disabled_alone_with_its_traceback(tmp_path, adapter, words):
    write_plugin(tmp_path / "bad", adapter=adapter)
    registry = PluginRegistry.discover([tmp_path, NEAREST_CLICK])
    with pytest.raises(AnnotatorError, match="'tiny' failed to load") as caught:
        registry.open("tiny")
    assert words in caught.value.message
    entry = registry.entries["tiny"]
    assert entry.state == "failed"
    assert "Traceback" in entry.error
    assert words in entry.error
    usable = {e.manifest.id for e in registry.of_kind(EngineKind.SCENE)}
    assert "nearest-click" in usable
    assert "tiny" not in usable
    registry.open("nearest-click")


def test_a_target_that_does_not_exist_is_named(tmp_path):
    write_plugin(tmp_path / "bad", adapter="x = 1")
    with pytest.raises(AnnotatorError, match="no function 'create'"):
        PluginRegistry.discover([tmp_path]).open("tiny")


def test_a_corrected_plugin_works_after_enabling_it_again(tmp_path):
    folder = write_plugin(tmp_path / "bad", adapter="import no_such_package_anywhere")
    registry = PluginRegistry.discover([tmp_path])
    with pytest.raises(AnnotatorError):
        registry.open("tiny")
    (folder / "adapter.py").write_text(MINIMAL_ADAPTER)
    with pytest.raises(AnnotatorError, match="failed"):
        registry.open("tiny")
    registry.enable("tiny")
    assert registry.open("tiny").ref == "tiny"


def test_a_disabled_plugin_is_not_opened_until_enabled():
    registry = nearest_click_registry(disabled=["nearest-click", "no-longer-there"])
    with pytest.raises(AnnotatorError, match="disabled"):
        registry.open("nearest-click")
    registry.enable("nearest-click")
    assert registry.open("nearest-click").ref == "nearest-click"


def test_missing_packages_are_named_before_any_import(tmp_path):
    needs = 'requires = ["no-such-package-anywhere>=2", "numpy>=999", "numpy>=1.0"]\n'
    write_plugin(tmp_path / "p", MINIMAL_MANIFEST + needs, adapter="raise RuntimeError")
    with pytest.raises(AnnotatorError) as caught:
        PluginRegistry.discover([tmp_path]).open("tiny")
    assert "no-such-package-anywhere>=2 (not installed)" in caught.value.message
    assert "numpy>=999 (installed is" in caught.value.message
    assert "numpy>=1.0" not in caught.value.message


def test_missing_weights_are_a_clear_error_and_no_failure_of_the_plugin(tmp_path):
    weights = '[[weights]]\nname = "w"\nfile = "w.safetensors"\nlayout = "l.tsv"\n'
    write_plugin(tmp_path / "p", MINIMAL_MANIFEST + weights)
    registry = PluginRegistry.discover([tmp_path])
    with pytest.raises(AnnotatorError, match=r"weights 'w'.*missing.*weights import"):
        registry.open("tiny")
    assert registry.entries["tiny"].state == "found"
    user_data("weights").mkdir(parents=True)
    (user_data("weights") / "w.safetensors").write_bytes(b"anything")
    assert registry.open("tiny").identity.weights["w"]


def test_a_precision_that_the_plugin_lacks_is_refused():
    with pytest.raises(AnnotatorError, match=r"does not compute in bfloat16.*float32"):
        nearest_click_registry().open("nearest-click", dtype="bfloat16")


def test_an_encoding_is_made_once_and_found_again_on_disk(monkeypatch):
    calls = []
    first = nearest_click_registry()
    engine = first.open("nearest-click")
    real = engine.engine.encode
    monkeypatch.setattr(engine.engine, "encode", lambda *a, **k: calls.append(1) or real(*a, **k))
    engine.encode(line_cloud())
    engine.encode(line_cloud(name="the same points under another name"))
    assert len(calls) == 1
    engine.encode(line_cloud(11))
    assert len(calls) == 2
    again = nearest_click_registry().open("nearest-click")
    monkeypatch.setattr(again.engine, "encode", lambda *a, **k: pytest.fail("not from disk"))
    labels = again.predict(again.encode(line_cloud()), click_prompt((0, 1), (9, 2))).labels
    assert labels.tolist() == [1] * 5 + [2] * 5


def test_only_parameters_that_affect_encoding_name_the_encoding():
    registry = nearest_click_registry()
    cloud = line_cloud()
    plain = registry.open("nearest-click").identity.key(cloud)
    near = registry.open("nearest-click", parameters={"reach": 1.0}).identity.key(cloud)
    slow = registry.open("nearest-click", parameters={"encode_seconds": 0.01}).identity.key(cloud)
    assert plain == near
    assert plain != slow


def test_running_out_of_memory_says_what_to_do():
    engine = nearest_click_registry().open("nearest-click", parameters={"fail": "memory"})
    with pytest.raises(AnnotatorError, match="Memory of cpu ran out") as caught:
        engine.encode(line_cloud())
    assert "voxel size" in caught.value.remedy


def test_a_result_of_the_wrong_type_is_refused(monkeypatch):
    engine = nearest_click_registry().open("nearest-click")
    encoding = engine.encode(line_cloud())
    from annotator.domain import Mask

    for wrong in (None, np.zeros(10, np.int32), Mask(np.zeros(10, np.int64))):
        monkeypatch.setattr(engine.engine, "predict", lambda *a, wrong=wrong, **k: wrong)
        with pytest.raises(AnnotatorError, match="not a Mask with int32 labels"):
            engine.predict(encoding, click_prompt())
