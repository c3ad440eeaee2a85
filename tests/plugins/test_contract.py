from pathlib import Path

import pytest
import torch

from annotator.testing import contract_cases
from tests.plugins.weights import (
    compact_pose_state,
    install_click_weights,
    install_pose_weights,
    install_random_weights,
    tiny_click_network,
    tiny_pose_network,
)

FIXTURES = Path(__file__).parent / "fixtures"
CASES = [
    *contract_cases("agile3d:compact"),
    *contract_cases("clickseg:ritm-h18s"),
    *contract_cases("clickseg:simpleclick-b"),
    *contract_cases("clickseg:compact"),
    *contract_cases("clickpose:compact"),
    *contract_cases("clickpose:r50"),
    *contract_cases("followclick"),
    *contract_cases("nearest-click", [FIXTURES]),
    *contract_cases("flood-fill", [FIXTURES]),
    *contract_cases("stick-figure", [FIXTURES]),
]


WEIGHTS = {
    "agile3d:compact": lambda: install_random_weights("compact"),
    "clickseg:ritm-h18s": lambda: install_click_weights("ritm-h18s"),
    "clickseg:simpleclick-b": lambda: install_click_weights("simpleclick-b"),
    "clickseg:compact": lambda: install_click_weights(
        "clickseg-compact", tiny_click_network("compact")
    ),
    "clickpose:compact": lambda: install_pose_weights("compact", compact_pose_state()),
    "clickpose:r50": lambda: install_pose_weights("r50", tiny_pose_network().state_dict()),
}
"""What to install for a case; only its own, for all together are 67 MB a case on the disk."""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_built_in_plugins_keep_the_contract(case):
    if case.ref in WEIGHTS:
        WEIGHTS[case.ref]()
    case.run()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("case", contract_cases("agile3d:compact"), ids=str)
def test_agile3d_keeps_the_contract_on_cuda(case):
    install_random_weights("compact")
    case.run(device="cuda")
