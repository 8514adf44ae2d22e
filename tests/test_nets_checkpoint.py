"""Published files load as they are; anything else is refused with a sentence."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from safetensors.torch import save_file  # noqa: E402  (needs torch)

from avatar.errors import ModelError  # noqa: E402
from avatar.nets import catalogue, keys  # noqa: E402
from avatar.neural import checkpoint, seeded  # noqa: E402

STITCHING = "liveportrait/stitching_retargeting/retarget_shoulder"
PARTS = ("retarget_shoulder", "retarget_mouth", "retarget_eye")
NEW_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def same(found: dict, wanted: dict) -> bool:
    return found.keys() == wanted.keys() and all(torch.equal(found[k], wanted[k]) for k in wanted)


def prefixed(state: dict, prefix: str) -> dict:
    return {prefix + key: value for key, value in state.items()}


def renamed(state: dict) -> dict:
    def new(key: str) -> str:
        for old, to in NEW_NAMES.items():
            key = key.replace(f".{old}.", f".{to}.") if ".attentions." in key else key
        return key

    return {new(key): value for key, value in state.items()}


@pytest.mark.parametrize("network", catalogue.NETS)
def test_network_has_a_place_for_every_tensor_of_its_checkpoint(network: str) -> None:
    """The published names and shapes load strictly, without one left over on either side."""
    state = {
        key: torch.ones((), dtype=getattr(torch, kept.dtype)).expand(kept.shape)
        for key, kept in keys.of(network).items()
    }
    official = catalogue.NETS[network].official
    wanted = official(state) if official else state
    with torch.device("meta"):
        own = catalogue.NETS[network].make().state_dict()
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in wanted.items()}


def test_bare_state_loads(tmp_path: Path) -> None:
    state = seeded.state("tiny/appearance", 1)
    torch.save(state, tmp_path / "f.pth")
    assert same(checkpoint.read("tiny/appearance", tmp_path / "f.pth"), state)


def test_old_pickle_format_loads(tmp_path: Path) -> None:
    state = seeded.state("tiny/appearance", 1)
    torch.save(state, tmp_path / "f.pth", _use_new_zipfile_serialization=False)
    assert same(checkpoint.read("tiny/appearance", tmp_path / "f.pth"), state)


def test_file_of_three_networks_loads(tmp_path: Path) -> None:
    states = {part: seeded.state(f"{STITCHING.rsplit('/', 1)[0]}/{part}", 1) for part in PARTS}
    path = tmp_path / "stitching_retargeting_module.pth"
    torch.save({part: prefixed(state, "module.") for part, state in states.items()}, path)
    for part, state in states.items():
        network = f"{STITCHING.rsplit('/', 1)[0]}/{part}"
        assert same(checkpoint.read(network, path), state)
        assert checkpoint.load(network, path).mlp[0].weight.shape == state["mlp.0.weight"].shape


def test_training_state_loads(tmp_path: Path) -> None:
    state = prefixed(seeded.state("tiny/generator", 1), "module.")
    torch.save({"state_dict": state, "optimizer": None, "global_step": 7}, tmp_path / "g.pth")
    found = checkpoint.read("tiny/generator", tmp_path / "g.pth")
    assert same(prefixed(found, "module."), state)


@pytest.mark.parametrize("names", [dict, renamed], ids=["old names", "new names"])
@pytest.mark.parametrize("suffix", ["bin", "safetensors"])
def test_vae_loads_by_old_and_new_names(
    tmp_path: Path, names: Callable[[dict], dict], suffix: str
) -> None:
    state = seeded.state("tiny/vae", 1)
    path = tmp_path / f"diffusion_pytorch_model.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(names(state), path)
    assert same(checkpoint.read("tiny/vae", path), state)


@pytest.mark.parametrize("prefix", ["model.", ""])
def test_whisper_loads_without_its_decoder(tmp_path: Path, prefix: str) -> None:
    kept = keys.of("musetalk/whisper")
    whole = {
        key: torch.zeros(k.shape) if "embed_tokens" not in key else torch.zeros(2, 2)
        for key, k in kept.items()
    }
    whole["proj_out.weight"] = torch.zeros(2, 2)
    path = tmp_path / "model.safetensors"
    save_file({prefix + key.removeprefix("model."): v for key, v in whole.items()}, path)
    found = checkpoint.read("musetalk/whisper", path)
    assert set(found) == {key for key in kept if key.startswith("model.encoder.")}


class _Runs:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (Path("ran"),))


def without(state: dict, path: Path) -> None:
    state.pop("mlp.2.bias")
    torch.save(state, path)


def with_more(state: dict, path: Path) -> None:
    torch.save({**state, "mlp.99.weight": torch.zeros(1)}, path)


def of_other_shape(state: dict, path: Path) -> None:
    torch.save({**state, "mlp.0.bias": torch.zeros(127)}, path)


def of_other_type(state: dict, path: Path) -> None:
    torch.save({**state, "mlp.0.bias": torch.zeros(128, dtype=torch.float16)}, path)


def cut_short(state: dict, path: Path) -> None:
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:-1000])


def safetensors_cut_short(state: dict, path: Path) -> None:
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:-1000])


def with_code(state: dict, path: Path) -> None:
    torch.save({**state, "mlp.0.bias": _Runs()}, path)


def plain_pickle_with_code(state: dict, path: Path) -> None:
    path.write_bytes(pickle.dumps(_Runs()))


def web_page(state: dict, path: Path) -> None:
    path.write_text("<html>not found</html>")


def pointer(state: dict, path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\n")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without, "1 missing: mlp.2.bias"),
        (with_more, "1 unknown: mlp.99.weight"),
        (of_other_shape, r"mlp.0.bias is \(127,\), expected \(128,\)"),
        (of_other_type, "mlp.0.bias is float16, expected float32"),
        (cut_short, "is cut short: fetch it again"),
        (safetensors_cut_short, "is damaged or cut short: fetch it again"),
        (with_code, "holds code, not only tensors, and was not run"),
        (plain_pickle_with_code, "holds code, not only tensors, and was not run"),
        (web_page, "is a web page or a pointer, not a checkpoint"),
        (pointer, "is a web page or a pointer, not a checkpoint"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_broken_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[..., None], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "broken.pth"
    spoil(seeded.state(STITCHING, 1), path)
    with pytest.raises(ModelError, match=f"{re.escape(str(path))} .*{says}"):
        checkpoint.load(STITCHING, path)
    assert not (tmp_path / "ran").exists()


def test_many_differences_are_counted(tmp_path: Path) -> None:
    torch.save(seeded.state("tiny/appearance", 1), tmp_path / "f.pth")
    with pytest.raises(ModelError, match=r"8 missing: .* and 5 more; 51 unknown: .* and 48 more"):
        checkpoint.read(STITCHING, tmp_path / "f.pth")


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        checkpoint.read(STITCHING, tmp_path / "none.pth")
