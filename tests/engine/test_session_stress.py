import random
import threading
import time

import pytest

from annotator.engine.session import EngineSession
from tests.engine.helpers import Recorder, click_prompt, line_cloud, nearest_click_registry

ENDS = ("done", "dropped", "cancelled", "failed")


def act(rng, session, open_assets, generations):
    """Do one random thing that a hasty person or script may do."""
    asset_id = rng.randrange(3)
    choice = rng.random()
    if choice < 0.7 and asset_id in open_assets:
        generations.append(session.request(asset_id, click_prompt((0, rng.randrange(1, 6)))))
    elif choice < 0.8:
        session.open_asset(asset_id, line_cloud(asset_id + 3))
        open_assets.add(asset_id)
    elif choice < 0.85:
        session.close_asset(asset_id)
        open_assets.discard(asset_id)
    elif choice < 0.93:
        session.cancel(rng.choice([None, asset_id]))
    else:
        seconds = rng.choice([0.0, 0.002, 0.01])
        values = {"predict_seconds": seconds, "encode_seconds": rng.choice([0.0, 0.004])}
        session.use("nearest-click", values | {"fail": rng.choice(["never"] * 4 + ["create"])})
    if rng.random() < 0.2:
        time.sleep(rng.random() * 0.004)


@pytest.mark.parametrize("seed", range(6))
def test_under_random_use_every_request_ends_exactly_once_and_in_order(seed):
    rng = random.Random(seed)
    session = EngineSession(nearest_click_registry(disk=False), device="cpu")
    recorder = Recorder(session)
    session.use("nearest-click")
    recorder.wait("ready")
    open_assets, generations = set(), []
    for _ in range(400):
        act(rng, session, open_assets, generations)
    session.open_asset(0, line_cloud(5))
    generations.append(session.request(0, click_prompt((0, 9))))
    last = recorder.wait(*ENDS, generation=generations[-1])
    assert last.kind == "done"
    assert last.result.labels.tolist() == [9] * 5
    session.close()
    assert not any(thread.is_alive() for thread in session._threads)
    for generation in generations:
        kinds = recorder.kinds(generation=generation)
        assert kinds[0] == "queued"
        assert kinds[-1] in ENDS
        assert sum(kind in ENDS for kind in kinds) == 1, kinds
        assert len(kinds) <= 3


def test_many_threads_may_ask_at_once():
    session = EngineSession(nearest_click_registry(disk=False), device="cpu")
    recorder = Recorder(session)
    session.use("nearest-click")
    for asset_id in range(4):
        session.open_asset(asset_id, line_cloud(4))
    asked = {asset_id: [] for asset_id in range(4)}

    def ask(asset_id):
        for number in range(200):
            asked[asset_id].append(session.request(asset_id, click_prompt((0, number % 7 + 1))))

    threads = [threading.Thread(target=ask, args=(asset_id,)) for asset_id in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for generations in asked.values():
        recorder.wait("done", generation=generations[-1])
    session.close()
    everything = [generation for generations in asked.values() for generation in generations]
    assert len(set(everything)) == 800
    ended = [e.generation for e in recorder.events if e.kind in ENDS and e.generation]
    assert sorted(ended) == sorted(everything)
