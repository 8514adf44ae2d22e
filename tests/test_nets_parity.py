"""The networks against vectors that the official modules made of seeded weights.

The small set ships with the tests; the full one lies beside the checkout or is named with --golden.
"""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.neural import parity  # noqa: E402  (needs torch)

SMALL = Path(__file__).parent / "golden"


def failures(folder: Path, suite: str, seed: int = 1) -> list[str]:
    with torch.inference_mode():
        verdicts = list(parity.run(folder, suite, seed))
    assert verdicts
    return [f"{v.name}: {v.error:.2e} of {v.limit:.2e}, {v.why}" for v in verdicts if not v.passed]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Path:
    given = request.config.getoption("--golden")
    folder = Path(given) if given else Path(__file__).parents[2] / "shared/models/golden"
    if not folder.is_dir():
        pytest.skip("the full vectors are not here: name their folder with --golden")
    return folder


@pytest.mark.parametrize("suite", ["tiny", "tiny_hubert"])
def test_small_networks_compute_what_the_official_ones_do(suite: str) -> None:
    assert failures(SMALL, suite) == []


@pytest.mark.parametrize("suite", ["tiny", "tiny_hubert"])
def test_another_seed_does_not_pass_by_chance(suite: str) -> None:
    assert failures(SMALL, suite, seed=2)


@pytest.mark.parametrize("suite", parity.SUITES)
def test_full_networks_compute_what_the_official_ones_do(golden: Path, suite: str) -> None:
    if not (golden / f"{suite}.npz").is_file():
        pytest.skip(f"{golden} has no {suite}.npz")
    assert failures(golden, suite) == []
