import sys

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken, Prompt, Region
from annotator.engine.contract import prompt_in
from annotator.engine.registry import PluginRegistry
from annotator.engine.warmup import sample_image
from annotator.engine.worker.codec import Encoder, decode


def opened(**parameters):
    # The sample photo shows a solid disc, which would not be poured unforced.
    values = {"frames": 8, "force": True} | parameters
    return PluginRegistry.discover(disk=False).open("followclick", parameters=values)


def telling(words="flows", **region):
    mask = np.zeros((56, 64), bool)
    mask[10:46, 8:56] = True
    return Prompt(object_ids=(1,), words=((1, words),), regions=(Region(1, mask, **region),))


def test_a_region_moves_and_the_rest_stays():
    engine, photo, prompt = opened(), sample_image(), telling(strength=1.0, arrow=(0.0, -3.0))
    heard = []
    encoding = engine.encode(photo)
    clip = engine.predict(encoding, prompt, progress=lambda part, words: heard.append(part))
    outside = ~prompt.regions[0].mask
    assert (clip.frames[0] == photo.rgb).all()
    assert (clip.frames[:, outside] == photo.rgb[outside]).all()
    assert (clip.frames[2] != photo.rgb).any()
    assert len(heard) > 8


def test_a_preview_is_smaller():
    engine = opened(largest_side=32)
    clip = engine.predict(engine.encode(sample_image()), telling(strength=1.0))
    assert clip.frames.shape == (8, 28, 32, 3)


def test_without_a_region_nothing_moves_and_a_click_grows_one():
    engine, photo = opened(), sample_image()
    encoding = engine.encode(photo)
    assert (engine.predict(encoding, Prompt()).frames == photo.rgb).all()
    assert (engine.predict(encoding, prompt_in((32.0, 28.0, 1))).frames != photo.rgb).any()


def test_refusals_arrive_in_words_and_a_stop_is_heeded():
    engine = opened()
    encoding = engine.encode(sample_image())
    with pytest.raises(AnnotatorError, match="walk") as caught:
        engine.predict(encoding, telling("walks"))
    assert "bob" in caught.value.remedy
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        engine.predict(encoding, telling(), cancel=token)


def test_regions_compare_by_content_and_pass_between_processes():
    prompt = telling(strength=0.5, arrow=(1.0, 2.0), confined=True)
    encoder = Encoder()
    told = encoder.encode(prompt)
    again = decode(told, encoder.arrays)
    assert again == prompt
    assert hash(again) == hash(prompt)
    assert telling(strength=0.4) != telling(strength=0.5)


def test_engines_of_other_kinds_refuse_regions():
    from annotator.engine.capabilities import unsupported

    manifest = PluginRegistry.discover(disk=False).entry("clickseg").manifest
    assert "regions that move" in unsupported(manifest, telling())


def test_a_clip_states_its_flow_and_says_when_that_would_be_too_large(monkeypatch):
    photo = sample_image()

    def clip(**parameters):
        engine = opened(force=True, **parameters)
        return engine.predict(engine.encode(photo), telling(strength=1.0, arrow=(1.0, 0.0)))

    flow = clip().flow
    assert flow.shape == (7, *photo.rgb.shape[:2], 2)
    assert flow[0, 28, 32, 0] > 0.5
    assert clip(flow="never").flow is None
    engine = opened(force=True)
    adapter = sys.modules[type(engine.engine).__module__]
    monkeypatch.setattr(adapter, "_LARGEST_FLOW", 1000)
    bare = engine.predict(engine.encode(photo), telling(strength=1.0))
    assert bare.flow is None
    assert "flow field is not kept" in bare.notes[-1]
    assert clip(flow="always").flow is not None


def test_the_soft_edge_of_a_region_arrives():
    engine, photo = opened(force=True), sample_image()
    encoding = engine.encode(photo)
    hard, soft = (
        engine.predict(encoding, telling(strength=1.0, softness=s)).frames for s in (1.0, 12.0)
    )
    assert (hard != soft).any()
