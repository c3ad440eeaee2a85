"""The published animation network on a user's checkpoint and Stable Diffusion folder, tiny."""

import pickle
import shutil

import numpy as np
import pytest
import torch

from annotator.domain import AnnotatorError, Cancelled, CancelToken, Prompt, Region
from annotator.engine import requirements
from annotator.engine.api import EngineKind
from annotator.engine.contract import prompt_in, rules_for
from annotator.engine.registry import PluginRegistry
from annotator.engine.warmup import sample_image
from tests.plugins.diffusion_folder import (
    WIDTHS,
    WORDS,
    write_folder,
    write_followclick,
    write_pia,
)

for package in ("diffusers", "transformers"):
    pytest.importorskip(package, reason="needs the extra `diffusion`")

WRITERS = {"followclick": write_followclick, "pia": write_pia}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diffusion")
    made = {"stable_diffusion": write_folder(folder / "sd")}
    return made | {name: write(folder / f"{name}.ckpt") for name, write in WRITERS.items()}


def settings(files, kind="followclick", **values):
    paths = {"checkpoint": files[kind], "stable_diffusion": files["stable_diffusion"]}
    small = {"size": 64, "steps": 2, "frames": 8}
    return {name: str(path) for name, path in paths.items()} | small | values


def opened(files, kind="followclick", device="cpu", **values):
    registry = PluginRegistry.discover(disk=False)
    chosen = settings(files, kind, **values)
    return registry.open("followclick-diffusion", device=device, parameters=chosen)


def telling(words="waves", **region):
    mask = np.zeros((56, 64), bool)
    mask[10:46, 8:56] = True
    return Prompt(object_ids=(1,), words=((1, words),), regions=(Region(1, mask, **region),))


def clip_of(engine, prompt=None):
    return engine.predict(engine.encode(sample_image()), prompt or telling(confined=True))


@pytest.mark.parametrize("rule", rules_for(EngineKind.ANIMATION), ids=lambda rule: rule.name)
def test_it_keeps_the_contract(rule, files):
    rule.check(opened(files))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_confined_region_moves_and_the_rest_stays_to_the_bit(files, kind):
    clip, photo, mask = clip_of(opened(files, kind)), sample_image().rgb, telling().regions[0].mask
    assert clip.frames.shape == (8, *photo.shape)
    assert (clip.frames[0] == photo).all()
    assert (clip.frames[:, ~mask] == photo[~mask]).all()
    assert all((frame[mask] != photo[mask]).any() for frame in clip.frames[1:])


def test_a_free_region_makes_the_picture_anew_and_says_so(files):
    clip = clip_of(opened(files), telling(confined=False))
    assert "anew" in clip.notes[0]
    assert (clip.frames[1] != sample_image().rgb)[0].any()


def test_there_and_back_ends_as_it_begins(files):
    frames = clip_of(opened(files, loop=True)).frames
    assert len(frames) == 8
    for number in range(1, 8):
        assert (frames[number] == frames[8 - number]).all()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1}, {"flow_strength": 12.0}, {"stride": 8}, {"guidance": 1.0}, {"steps": 3},
        {"mask_frames": "first"}, {"photo_frames": "all"}, {"partial_mask_ratio": 0.9},
        {"prediction": "epsilon"}, {"spacing": "trailing"}, {"norms": "inflated"},
        {"negative_prompt": "blurred"}, {"prompt_suffix": "best quality"},
    ],
    ids=str,
)  # fmt: skip
def test_every_switch_reaches_the_network(files, change):
    before, after = clip_of(opened(files)).frames, clip_of(opened(files, **change)).frames
    assert (before != after).any()


def test_a_fresh_phrase_attention_leaves_old_weights_as_they_were(files):
    assert (clip_of(opened(files)).frames == clip_of(opened(files, phrase="on")).frames).all()


def test_words_arrow_and_strength_of_a_region_reach_the_network(files):
    engine = opened(files)
    clips = [
        clip_of(engine, telling(words, confined=True, **more)).frames.tobytes()
        for words, more in (
            ("waves", {}), ("smiles", {}), ("waves", {"arrow": (0.0, -1.0)}),
            ("waves", {"strength": 9.0}),
        )
    ]  # fmt: skip
    assert len(set(clips)) == 4


def test_regions_are_put_together_and_their_mean_strength_is_said(files):
    left, right = np.zeros((2, 56, 64), bool)
    left[10:40, 4:20] = right[10:40, 40:60] = True
    prompt = Prompt(
        object_ids=(1, 2),
        words=((1, "waves"), (2, "nods")),
        regions=(Region(1, left, strength=1.0, confined=True),
                 Region(2, right, strength=3.0, confined=True)),
    )  # fmt: skip
    clip, photo = clip_of(opened(files), prompt), sample_image().rgb
    assert "one strength" in clip.notes[0]
    changed = (clip.frames[3] != photo).any(-1)
    assert changed[left].any()
    assert changed[right].any()
    assert not changed[~(left | right)].any()


def test_without_a_region_or_strength_nothing_moves_and_a_click_grows_one(files):
    engine, photo = opened(files), sample_image().rgb
    assert (clip_of(engine, Prompt()).frames == photo).all()
    assert (clip_of(engine, telling(strength=0.0)).frames == photo).all()
    assert (clip_of(engine, prompt_in((32.0, 28.0, 1))).frames[1:] != photo).any()


@pytest.mark.parametrize(("kind", "longest"), [("followclick", 24), ("pia", 32)])
def test_more_frames_than_the_checkpoint_has_positions_are_refused(files, kind, longest):
    with pytest.raises(AnnotatorError, match="frames") as caught:
        clip_of(opened(files, kind, frames=longest + 1))
    assert str(longest) in caught.value.remedy
    assert len(clip_of(opened(files, kind, frames=longest)).frames) == longest


def test_progress_rises_and_a_stop_is_heeded(files):
    engine, heard = opened(files), []
    encoding = engine.encode(sample_image())
    engine.predict(encoding, telling(), progress=lambda part, words: heard.append(part))
    assert heard == sorted(heard)
    assert heard[-1] == 1
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        engine.predict(encoding, telling(), cancel=token)


# --- What cannot be


@pytest.mark.parametrize("name", ["checkpoint", "stable_diffusion"])
def test_what_was_not_chosen_is_named(files, name):
    with pytest.raises(AnnotatorError, match="was chosen") as caught:
        opened(files, **{name: ""})
    assert name in caught.value.remedy


@pytest.mark.parametrize(
    "part",
    ["unet/config.json", "vae/diffusion_pytorch_model.safetensors", "text_encoder/config.json",
     "text_encoder/model.safetensors", "tokenizer/merges.txt"],
)  # fmt: skip
def test_what_a_folder_lacks_is_named(files, tmp_path, part):
    folder = shutil.copytree(files["stable_diffusion"].parent, tmp_path / "sd")
    (folder / part).unlink()
    with pytest.raises(AnnotatorError, match="no complete") as caught:
        opened(files, stable_diffusion=str(folder))
    assert part in caught.value.message


def test_motion_modules_alone_need_the_folders_unet(files, tmp_path):
    folder = shutil.copytree(files["stable_diffusion"].parent, tmp_path / "sd")
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    clip_of(opened(files, stable_diffusion=str(folder)))
    with pytest.raises(AnnotatorError, match="no weights in unet"):
        opened(files, "pia", stable_diffusion=str(folder))


def test_a_checkpoint_of_another_kind_is_named(files, tmp_path):
    torch.save({"conv_in.weight": torch.zeros(16, 4, 3, 3)}, tmp_path / "still.ckpt")
    with pytest.raises(AnnotatorError, match=r"still\.ckpt.*still pictures"):
        opened(files, checkpoint=str(tmp_path / "still.ckpt"))


def test_a_checkpoint_of_another_size_is_named(files, tmp_path):
    from tests.models.followclick.published import random_state

    torch.save(random_state((32, 32, 64, 64), WORDS), tmp_path / "wide.ckpt")
    with pytest.raises(AnnotatorError, match="does not fit"):
        opened(files, checkpoint=str(tmp_path / "wide.ckpt"))
    assert WIDTHS[0] == 16


class Evil:
    def __reduce__(self):
        return (print, ("this ran",))


def test_code_in_a_checkpoint_or_folder_does_not_run(files, tmp_path, capsys):
    (tmp_path / "evil.ckpt").write_bytes(pickle.dumps({"state_dict": Evil()}, 2))
    with pytest.raises(AnnotatorError, match="more than weights"):
        opened(files, checkpoint=str(tmp_path / "evil.ckpt"))
    folder = shutil.copytree(files["stable_diffusion"].parent, tmp_path / "sd")
    (folder / "vae/diffusion_pytorch_model.safetensors").unlink()
    (folder / "vae/diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Evil(), 2))
    with pytest.raises(AnnotatorError, match="more than weights"):
        opened(files, stable_diffusion=str(folder))
    assert "this ran" not in capsys.readouterr().out


def test_folders_of_old_names_are_read(files, tmp_path):
    """Stable Diffusion 1.5 as published: pickles, old attention layers, listed positions."""
    from safetensors.torch import load_file

    folder = shutil.copytree(files["stable_diffusion"].parent, tmp_path / "sd")
    vae = folder / "vae/diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    state = {}
    for key, value in load_file(vae).items():
        for new, name in old.items() if ".attentions." in key else ():
            key = key.replace(f".{new}.", f".{name}.")
        state[key] = value
    torch.save(state, vae.with_suffix(".bin"))
    vae.unlink()
    text = folder / "text_encoder/model.safetensors"
    state = {f"text_model.{k.removeprefix('text_model.')}": v for k, v in load_file(text).items()}
    state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    torch.save(state, folder / "text_encoder/pytorch_model.bin")
    text.unlink()
    again = clip_of(opened(files, stable_diffusion=str(folder))).frames
    assert (again == clip_of(opened(files)).frames).all()


def test_without_the_packages_the_extra_is_named(files, monkeypatch):
    def version(name):
        if name == "diffusers":
            raise requirements.metadata.PackageNotFoundError(name)
        return "99"

    monkeypatch.setattr(requirements.metadata, "version", version)
    with pytest.raises(AnnotatorError, match="diffusers") as caught:
        opened(files)
    assert "click-annotator[diffusion]" in caught.value.remedy


def test_a_folder_of_another_version_is_refused(files, tmp_path):
    folder = shutil.copytree(files["stable_diffusion"].parent, tmp_path / "xl")
    config = folder / "unet/config.json"
    config.write_text(config.read_text().replace("{", '{"addition_embed_type": "text_time",', 1))
    with pytest.raises(AnnotatorError, match=r"1\.5"):
        opened(files, stable_diffusion=str(folder))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", WRITERS)
def test_on_a_gpu_it_computes_in_half_precision(files, kind):
    engine = opened(files, kind, device="cuda")
    clip, photo, mask = clip_of(engine), sample_image().rgb, telling().regions[0].mask
    assert (clip.frames[:, ~mask] == photo[~mask]).all()
    assert (clip.frames[1:, mask] != photo[mask]).any()
    assert engine.engine._parts.network.unet.conv_in.weight.dtype == torch.float16
