import subprocess
import sys

import pytest

from annotator.domain import AnnotatorError
from annotator.engine.api import EngineKind
from annotator.engine.checks import check_plugin, run_here
from annotator.engine.scaffold import write_plugin


@pytest.mark.parametrize("kind", EngineKind)
def test_a_new_plugin_passes_its_check(tmp_path, kind):
    folder = write_plugin("my-plugin", kind, tmp_path)
    findings = [*check_plugin(folder, run=False), *run_here(folder)]
    assert {f.severity for f in findings} == {"ok"}, [f for f in findings if f.severity != "ok"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", EngineKind)
def test_a_new_plugin_passes_its_own_tests(tmp_path, kind):
    folder = write_plugin("my-plugin", kind, tmp_path)
    code = f"import sys; sys.path[:] = {sys.path!r}; import pytest; "
    code += "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '.']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.mark.parametrize("name", ["My Plugin", "", "../up", "a_b", "1st"])
def test_other_names_are_refused(tmp_path, name):
    with pytest.raises(AnnotatorError, match="no plugin id"):
        write_plugin(name, EngineKind.SCENE, tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(AnnotatorError, match="cannot be made"):
        write_plugin("mine", EngineKind.SCENE, tmp_path)
