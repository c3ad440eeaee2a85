"""The published animation network is held to a second writing of it."""

import time

import pytest
import torch

from models.checkpoint import CheckpointError, compare_state
from models.followclick.diffusion import (
    CheckpointKind,
    Layout,
    MotionNetwork,
    Recipe,
    channels,
    mapped,
    sample,
    similarity,
)
from models.followclick.diffusion.conditioning import latent_mask, masked_photo
from models.followclick.diffusion.names import renamed
from models.followclick.diffusion.network import Told, materialise, positions
from models.followclick.diffusion.sampling import Confinement
from tests.models.followclick.published import Published, names, random_state

pytest.importorskip("diffusers", reason="needs the extra `diffusion`")

WIDTHS, WORDS = (16, 32, 64, 64), 16
FULL = {"widths": (320, 640, 1280, 1280), "words": 768, "positions": 24}
FRAMES, STEP = 5, 501


def motion_unet(state, widths=WIDTHS, words=WORDS, groups=4, dtype=torch.float32):
    from diffusers import UNetMotionModel

    with torch.device("meta"):
        unet = UNetMotionModel(
            in_channels=9, out_channels=4, cross_attention_dim=words, num_attention_heads=8,
            motion_num_attention_heads=8, motion_max_seq_length=24, use_motion_mid_block=False,
            block_out_channels=widths, norm_num_groups=groups,
        )  # fmt: skip
    if state is not None:
        materialise(unet, state, dtype)
    return unet


def network(state=None, **options):
    found = mapped(state or random_state())
    return MotionNetwork(
        motion_unet(found.unet), scalars=found.extras, words=WORDS, **options
    ).eval()


def inputs(batch=2, seed=3):
    random = torch.Generator().manual_seed(seed)
    clip = torch.randn(batch, 9, FRAMES, 16, 8, generator=random)
    words = torch.randn(batch, 7, WORDS, generator=random)
    return clip, words, torch.tensor([2.0, 3.0]), torch.tensor([4.0, 12.0])


def difference(have, want):
    return float((have - want).norm() / want.norm())


# --- Names


def test_every_published_tensor_has_a_place_in_the_full_size_network():
    state = names(**FULL, make=lambda *shape: torch.empty(shape, device="meta"))
    assert len(state) == 1254
    found = mapped(state)
    assert (len(found.unet), len(found.extras)) == (1206, 8)
    assert (found.kind, found.positions) == (CheckpointKind.FOLLOWCLICK, 24)
    expected = motion_unet(None, FULL["widths"], FULL["words"], groups=32).state_dict()
    expected = {k: v for k, v in expected.items() if not k.endswith("pos_embed.pe")}
    assert str(compare_state(expected, found.unet)) == "all 1206 entries loaded"
    parameters = sum(v.numel() for k, v in state.items() if not k.endswith("pos_encoder.pe"))
    assert round(parameters / 1e6, 1) == 1280.8


def test_the_second_writing_uses_every_tensor():
    state = random_state()
    clip, words, stride, strength = inputs()
    published = Published(state, WIDTHS)
    published(clip, torch.full((2,), STEP), words, stride, strength)
    assert published.used == set(state)


def test_motion_modules_are_named_as_the_package_itself_names_them():
    from diffusers.loaders.single_file_utils import convert_animatediff_checkpoint_to_diffusers

    state = {k: v for k, v in random_state().items() if ".motion_modules." in k}
    theirs = convert_animatediff_checkpoint_to_diffusers(state)
    assert {renamed(k) for k in state if not k.endswith("pe")} == set(theirs)


@pytest.mark.parametrize("prefix", ["", "module.", "module.unet."])
def test_prefixes_of_training_are_dropped(prefix):
    state = {prefix + key: value for key, value in random_state().items()}
    assert set(mapped(state).unet) == set(mapped(random_state()).unet)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (lambda key: ".motion_modules." not in key, "still pictures"),
        (lambda key: ".motion_modules." in key, "AnimateDiff"),
        (lambda key: False, "another kind of network"),
    ],
)
def test_checkpoints_of_other_kinds_are_refused_in_words(kept, words):
    with pytest.raises(CheckpointError, match=words):
        mapped({key: value for key, value in random_state().items() if kept(key)})


def test_a_first_layer_of_four_channels_is_refused():
    state = random_state()
    state["conv_in.weight"] = state["conv_in.weight"][:, :4]
    with pytest.raises(CheckpointError, match="takes 4 channels"):
        mapped(state)


def test_pia_is_known_by_its_motion_modules_alone():
    state = random_state(positions=32)
    kept = {k: v for k, v in state.items() if ".motion_modules." in k or k.startswith("conv_in")}
    found = mapped(kept)
    assert (found.kind, found.positions, found.whole) == (CheckpointKind.PIA, 32, False)


# --- The network against its second writing


def test_predictions_equal_the_published_formulas():
    clip, words, stride, strength = inputs()
    state = random_state()
    want = Published(state, WIDTHS)(clip, torch.full((2,), STEP), words, stride, strength)
    with torch.no_grad():
        have = network(state)(clip, STEP, Told(words, stride, strength))
    assert difference(have, want) < 1e-5


def test_the_packages_own_norms_would_be_wrong():
    """Both flips count; with either left out the network is not the published one."""
    clip, words, stride, strength = inputs()
    state = random_state()
    want = Published(state, WIDTHS)(clip, torch.full((2,), STEP), words, stride, strength)
    for mode in ("stock", "inflated"):
        with torch.no_grad():
            have = network(state, norms=mode)(clip, STEP, Told(words, stride, strength))
        assert difference(have, want) > 1e-3


def test_strength_and_stride_are_added_to_the_time():
    clip, words, stride, strength = inputs()
    state, made = random_state(), network()
    published = Published(state, WIDTHS)
    for told in ((None, None), (stride, None), (None, strength)):
        want = published(clip, torch.full((2,), STEP), words, *told)
        with torch.no_grad():
            have = made(clip, STEP, Told(words, *told))
        assert difference(have, want) < 1e-5


def test_positions_are_those_of_the_checkpoint():
    state = random_state()
    key = next(key for key in state if key.endswith("pos_encoder.pe"))
    torch.testing.assert_close(positions(24, state[key].shape[-1]), state[key])


# --- Motion-augmented attention


def test_a_fresh_phrase_attention_changes_nothing_to_the_last_bit():
    clip, words, stride, strength = inputs()
    phrase = torch.randn(2, 5, WORDS)
    with torch.no_grad():
        before = network()(clip, STEP, Told(words, stride, strength))
        after = network(phrase={})(clip, STEP, Told(words, stride, strength, phrase))
    assert torch.equal(before, after)


def test_a_trained_phrase_attention_is_the_papers():
    clip, words, stride, strength = inputs()
    phrase = torch.randn(2, 5, WORDS, generator=torch.Generator().manual_seed(5))
    state = random_state(phrase=True)
    published = Published(state, WIDTHS)
    want = published(clip, torch.full((2,), STEP), words, stride, strength, phrase)
    found = mapped(state)
    assert len(found.phrase) == 20
    with torch.no_grad():
        have = network(state, phrase=found.phrase)(
            clip, STEP, Told(words, stride, strength, phrase)
        )
        silent = network(state)(clip, STEP, Told(words, stride, strength))
    assert difference(have, want) < 1e-5
    assert difference(silent, want) > 1e-3


# --- What it is told


@pytest.mark.parametrize("mask_frames", ["all", "first"])
@pytest.mark.parametrize("photo_frames", ["all", "first"])
def test_region_and_photo_are_shown_in_the_frames_asked_for(mask_frames, photo_frames):
    mask = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    photo = torch.arange(16.0).reshape(4, 2, 2) + 1
    made = channels(mask, photo, 3, Layout(mask_frames, photo_frames))
    assert made.shape == (1, 5, 3, 2, 2)
    for frame in range(3):
        region = mask if frame == 0 or mask_frames == "all" else mask * 0
        picture = photo if frame == 0 or photo_frames == "all" else photo * 0
        assert torch.equal(made[0, 0, frame], region)
        assert torch.equal(made[0, 1:, frame], picture)


def test_similarity_falls_inside_and_is_whole_outside():
    mask = torch.tensor([[0.0, 1.0]])
    found = similarity(mask, 16, 0.5)
    assert (found[:, 0, 0] == 1).all()
    assert found[0, 0, 1] == 1
    assert found[-1, 0, 1] == pytest.approx(0.5)
    assert (found[:, 0, 1].diff() < 0).all()


def test_a_part_of_the_photo_can_be_left_out_in_all_channels_alike():
    photo = torch.ones(4, 32, 32)
    left = masked_photo(photo, 0.7, torch.Generator().manual_seed(0))
    assert torch.equal(left, left[:1].expand(4, -1, -1))
    assert float(left.mean()) == pytest.approx(0.3, abs=0.05)
    assert masked_photo(photo, 0.0, torch.Generator()) is photo


def test_masks_are_brought_to_the_latents_size_by_nearest_pixels():
    mask = torch.zeros(16, 16)
    mask[:, 8:] = 1
    assert torch.equal(latent_mask(mask, (2, 2)), torch.tensor([[0.0, 1.0], [0.0, 1.0]]))


# --- Noise


def scheduler(spacing="leading", velocity=True):
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=False,
        steps_offset=1, prediction_type="v_prediction" if velocity else "epsilon",
        rescale_betas_zero_snr=velocity, timestep_spacing=spacing,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spacing", "steps", "first"),
    [("leading", 100, 991), ("leading", 25, 961), ("trailing", 100, 999), ("trailing", 25, 999)],
)
def test_time_steps_begin_where_the_published_ones_do(spacing, steps, first):
    made = scheduler(spacing)
    made.set_timesteps(steps)
    assert int(made.timesteps[0]) == first


def test_a_step_is_ddims_with_velocity_and_no_signal_at_the_end():
    """Salimans and Ho 2022, equation for v; Lin et al. 2024, algorithm 1; eta 0."""
    betas = torch.linspace(0.00085, 0.012, 1000, dtype=torch.float64)
    root = (1 - betas).cumprod(0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    made = scheduler()
    made.set_timesteps(25)
    time, before = 481, 441
    x, v = torch.randn(2, 1, 4, 2, 2, 2, generator=torch.Generator().manual_seed(1)).double()
    signal, noise = root[time], (1 - root[time] ** 2).sqrt()
    clean, noisy = signal * x - noise * v, signal * v + noise * x
    want = root[before] * clean + (1 - root[before] ** 2).sqrt() * noisy
    have = made.step(v, time, x, return_dict=False)[0]
    torch.testing.assert_close(have, want, rtol=1e-4, atol=1e-5)
    assert root[-1] == 0
    assert float(made.alphas_cumprod[-1]) < 1e-12


def told_twice(seed=0):
    words = torch.randn(2, 7, WORDS, generator=torch.Generator().manual_seed(seed))
    return Told(words, torch.full((2,), 2.0), torch.full((2,), 4.0))


def test_a_confined_clip_keeps_the_photos_latent_outside_and_changes_inside():
    photo = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(2))
    inside = torch.zeros(8, 8)
    inside[2:6, 2:6] = 1
    beside = channels(inside, photo, FRAMES, Layout())
    made = sample(
        network(), scheduler(), beside, told_twice(), Recipe(3),
        confined=Confinement(inside, photo),
    )  # fmt: skip
    outside = inside == 0
    for frame in range(FRAMES):
        assert torch.equal(made[:, frame, outside], photo[:, outside])
    assert (made[:, :, inside == 1] != photo[:, None, inside == 1]).all()


def test_sampling_follows_the_seed_and_the_guidance_alone():
    beside = channels(torch.ones(8, 8), torch.zeros(4, 8, 8), FRAMES, Layout())
    made = network()

    def run(**recipe):
        return sample(made, scheduler(), beside, told_twice(), Recipe(2, **recipe))

    assert torch.equal(run(), run())
    assert not torch.equal(run(), run(seed=1))
    assert not torch.equal(run(), run(guidance=1.0))


def test_guidance_of_one_is_the_words_prediction():
    beside = channels(torch.ones(8, 8), torch.zeros(4, 8, 8), FRAMES, Layout())
    told, made = told_twice(), network()
    words = Told(told.words[1:].repeat(2, 1, 1), told.stride, told.strength)
    with_words = sample(made, scheduler(), beside, words, Recipe(2, guidance=5.0))
    guided = sample(made, scheduler(), beside, told, Recipe(2, guidance=1.0))
    torch.testing.assert_close(guided, with_words, rtol=1e-4, atol=1e-4)


def test_progress_rises_and_a_stop_is_heeded():
    beside = channels(torch.ones(8, 8), torch.zeros(4, 8, 8), FRAMES, Layout())
    heard, made = [], network()
    sample(
        made, scheduler(), beside, told_twice(), Recipe(3),
        progress=lambda part, words: heard.append(part),
    )  # fmt: skip
    assert heard == sorted(heard)
    assert len(heard) == 3

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        sample(made, scheduler(), beside, told_twice(), Recipe(3), check=stop)


# --- On a GPU

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize(
    ("dtype", "bound"),
    [(torch.float32, 1e-3), (torch.float16, 0.05), (torch.bfloat16, 0.3)],
)
def test_predictions_on_cuda_equal_the_published_formulas(dtype, bound):
    clip, words, stride, strength = inputs()
    state = random_state()
    want = Published(state, WIDTHS)(clip, torch.full((2,), STEP), words, stride, strength)
    made = network(state).to("cuda", dtype)
    told = Told(words.to("cuda", dtype), stride.cuda(), strength.cuda())
    with torch.no_grad():
        have = made(clip.to("cuda", dtype), STEP, told).float().cpu()
    assert difference(have, want) < bound


@pytest.mark.gpu
@pytest.mark.slow
@needs_gpu
def test_the_full_size_network_runs_in_half_precision(capsys):
    """16 frames of 512 x 512, with random weights: finite, and how long and how much memory."""
    state = names(
        **FULL, make=lambda *shape: torch.randn(shape, device="cuda").half() / (shape[-1] ** 0.5)
    )
    found = mapped(state)
    unet = motion_unet(found.unet, FULL["widths"], FULL["words"], 32, torch.float16)
    made = MotionNetwork(unet, scalars=found.extras).to("cuda", torch.float16).eval()
    beside = channels(torch.ones(64, 64), torch.zeros(4, 64, 64), 16, Layout())
    told = Told(
        torch.randn(2, 77, 768, device="cuda").half(),
        torch.full((2,), 2.0, device="cuda"),
        torch.full((2,), 4.0, device="cuda"),
    )
    torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    latent = sample(made, scheduler(), beside, told, Recipe(5))
    seconds = time.perf_counter() - began
    with capsys.disabled():
        peak = torch.cuda.max_memory_allocated() / 2**30
        print(f"\n{seconds / 5:.2f} s a step, {peak:.1f} GiB at most")  # noqa: T201
    assert torch.isfinite(latent).all()
