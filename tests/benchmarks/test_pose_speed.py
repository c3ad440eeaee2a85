"""What a pose costs: encoding a photo, a correction with and without what is remembered.

No time is asserted; process time, which other work on the machine disturbs least.
"""

import time

import numpy as np
import pytest
import torch

from models.clickpose import ClickPose, PosePredictor
from models.clickpose.compact import Bundle, CompactPredictor, Person, Settings

pytestmark = pytest.mark.slow
BOX = np.array([200.0, 60.0, 420.0, 400.0])


def seconds(work, repeats=3):
    took = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


def say(capsys, text):
    with capsys.disabled():
        print(f"\n  {text}", end="")  # noqa: T201


def photo_of(high, wide):
    return np.random.default_rng(0).integers(0, 256, (high, wide, 3), dtype=np.uint8)


def test_a_correction_against_looking_anew(capsys):
    torch.manual_seed(0)
    bundle = Bundle.blank()
    for part in bundle:
        part.eval().requires_grad_(False)
    predictor = CompactPredictor(bundle.pose, bundle.detector, Settings(least=0.999))
    rgb = photo_of(427, 640)
    photo = predictor.encode(rgb)
    joints = np.random.default_rng(1).uniform((210, 70), (410, 390), (14, 2))
    person = Person(BOX, joints, np.arange(14) < 3, np.ones(14, bool))

    def anew():
        photo.views.clear()
        predictor.refine(photo, [person])

    look, fresh = seconds(lambda: predictor.encode(rgb)), seconds(anew)
    click = seconds(lambda: predictor.refine(photo, [person]))
    say(capsys, f"compact, 640 x 427: finding people {look * 1e3:.0f} ms")
    say(
        capsys,
        f"a person's view and first guess {fresh * 1e3:.0f} ms, a correction {click * 1e3:.1f} ms",
    )
    say(capsys, f"a correction is {fresh / click:.0f} x cheaper than the view looked at anew")
    say(capsys, f"and {(look + fresh) / click:.0f} x cheaper than photo and person anew")


def test_a_correction_of_the_published_network_against_running_it_again(capsys):
    torch.manual_seed(0)
    network = ClickPose().eval().requires_grad_(False)
    predictor, rgb = PosePredictor(network), photo_of(427, 640)
    started = time.process_time()
    photo = predictor.encode(rgb)
    whole = time.process_time() - started
    person = predictor.people(photo, threshold=0.0)[0].click({3: (300.0, 200.0)})
    click = seconds(lambda: predictor.refine(photo, [person]))
    levels = photo.encoding.levels
    decoder, layers = network.transformer.decoder, network.config
    memory = torch.randn(1, photo.encoding.values[0].shape[1], layers.hidden)
    with torch.inference_mode():
        project = seconds(lambda: decoder.values(memory, levels))
    project *= layers.pose_layers / layers.decoder_layers
    say(
        capsys,
        f"published network, 800 x 1199: whole {whole:.1f} s, a correction {click * 1e3:.0f} ms",
    )
    say(capsys, f"without the remembered projections {(click + project) * 1e3:.0f} ms")
    say(capsys, f"the whole network costs {whole / click:.0f} corrections, ")
    say(capsys, f"{whole / (click + project):.0f} without the remembered projections")
