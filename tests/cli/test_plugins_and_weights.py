"""Plugins and weights are listed, checked and brought in from the command line."""

import pickle
from pathlib import Path

import pytest


class Bomb:
    """Writes a file if it is unpickled by someone careless."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


def test_list_shows_built_in_and_own_plugins(run) -> None:
    status, out, _ = run("plugins", "list")

    assert status == 0
    assert "agile3d" in out
    assert "nearest-click" in out


def test_info_shows_parameters(run) -> None:
    status, out, _ = run("plugins", "info", "agile3d")

    assert status == 0
    assert "voxel_size" in out
    assert "negative_clicks" in out


def test_check_passes_a_sound_plugin(run) -> None:
    status, out, err = run("plugins", "check", "nearest-click")

    assert status == 0, out + err
    assert "error" not in out


def test_check_fails_a_broken_manifest(run, tmp_path: Path) -> None:
    (tmp_path / "plugin.toml").write_text('api = 1\nid = "x"\n')

    status, out, err = run("plugins", "check", tmp_path)

    assert status == 1
    assert "error" in out
    assert "breaks" in err


def test_unknown_plugin_is_refused(run) -> None:
    assert run("plugins", "info", "nobody")[0] == 1


def test_weights_list_says_what_is_missing(run) -> None:
    status, out, _ = run("weights", "list")

    assert status == 0
    assert "agile3d-official" in out
    assert "missing" in out


def test_pull_without_address_tells_where_to_get_it(run) -> None:
    status, _, err = run("weights", "pull", "agile3d-official")

    assert status == 1
    assert "weights import" in err


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".bin"])
def test_import_of_a_pickle_with_code_is_refused_and_runs_nothing(run, tmp_path, suffix) -> None:
    canary = tmp_path / "canary"
    file = tmp_path / f"evil{suffix}"
    file.write_bytes(pickle.dumps({"model": Bomb(canary)}))

    status, _, err = run("weights", "import", file)

    assert status == 1
    assert file.name in err
    assert not canary.exists()


def test_a_strange_plugin_is_listed_and_trusted_only_on_request(run, tmp_path: Path) -> None:
    from annotator.engine.paths import user_data

    folder = user_data("plugins") / "nearest_click"
    with (folder / "adapter.py").open("a") as file:
        file.write("\n# changed\n")

    assert "untrusted" in run("plugins", "list")[1]
    status, out, _ = run("plugins", "trust", "nearest-click", "--yes")
    assert status == 0
    assert "adapter.py" in out
    assert "untrusted" not in run("plugins", "list")[1]
    assert "no longer" in run("plugins", "distrust", "nearest-click")[1]
    assert "untrusted" in run("plugins", "list")[1]


def test_configure_shows_and_stores_where_a_plugin_runs(run) -> None:
    status, out, _ = run("plugins", "configure", "nearest-click", "--isolation", "process")

    assert status == 0
    assert "process" in out
    assert run("plugins", "configure", "nearest-click", "--remote", "nowhere")[0] == 1
    assert "│ process" in run("plugins", "configure", "nearest-click")[1]
    assert run("plugins", "configure", "nobody")[0] == 1
