"""HuBERT's and JoyVASA's files load as they are published; other ones are refused."""

import argparse
import pickle
from collections.abc import Callable
from pathlib import Path, PosixPath

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from safetensors.torch import save_file  # noqa: E402  (needs torch)
from torch.nn.utils.parametrizations import weight_norm  # noqa: E402

from avatar.errors import ModelError  # noqa: E402
from avatar.nets import hubert, keys  # noqa: E402
from avatar.nets.ditto import Lmdm  # noqa: E402
from avatar.neural import checkpoint, pickled, seeded  # noqa: E402

WIDTH = 32
State = dict[str, torch.Tensor]


def same(found: State, wanted: State) -> bool:
    return found.keys() == wanted.keys() and all(torch.equal(found[k], wanted[k]) for k in wanted)


def old_names(state: State) -> State:
    def old(key: str) -> str:
        stem, _, number = key.partition("parametrizations.weight.original")
        return f"{stem}weight_{'gv'[int(number)]}" if number else key

    return {old(key): value for key, value in state.items()}


@pytest.mark.parametrize("kind", ["base", "large"])
@pytest.mark.parametrize("names", [dict, old_names], ids=["new names", "old names"])
@pytest.mark.parametrize("prefix", ["hubert.", ""])
@pytest.mark.parametrize("suffix", ["bin", "safetensors"])
def test_published_encoder_loads(
    tmp_path: Path, kind: str, names: Callable[[State], State], prefix: str, suffix: str
) -> None:
    state = seeded.state(f"tiny/hubert_{kind}", 1)
    whole = {prefix + key: value for key, value in names(state).items()}
    whole |= {f"{prefix}masked_spec_embed": torch.ones(WIDTH), "lm_head.weight": torch.ones(2, 2)}
    path = tmp_path / f"pytorch_model.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(whole, path)
    assert same(checkpoint.read(f"tiny/hubert_{kind}", path), state)


def test_what_nobody_knows_beside_it_is_refused(tmp_path: Path) -> None:
    state = seeded.state("tiny/hubert_base", 1)
    torch.save({**state, "quantizer.codevectors": torch.ones(2)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"1 unknown: quantizer\.codevectors"):
        checkpoint.read("tiny/hubert_base", tmp_path / "pytorch_model.bin")


def test_weight_norm_is_folded_as_torch_computes_it() -> None:
    state = seeded.state("tiny/hubert_large", 1)
    conv = torch.nn.Conv1d(WIDTH, WIDTH, 16, groups=4)
    weight_norm(conv, dim=2)
    conv.load_state_dict(
        {k.removeprefix(hubert._POSITIONS): v for k, v in state.items() if hubert._POSITIONS in k}
    )
    folded = hubert.official(state)[f"{hubert._POSITIONS}weight"]
    assert torch.allclose(folded, conv.weight, rtol=1e-6)


# -- JoyVASA's own files


def like(network: str, prefix: str = "") -> State:
    """Tensors of the right names and shapes, which take no room in a file."""
    return {
        prefix + key: torch.zeros((), dtype=getattr(torch, kept.dtype)).expand(kept.shape)
        for key, kept in keys.of(network).items()
    }


def joyvasa_file(
    folder: Path, *, encoder: bool, options: object = None, more: State | None = None
) -> Path:
    model = {**like("joyvasa/around"), **like("joyvasa"), **(more or {})}
    model |= {f"diffusion_sched.{name}": torch.zeros(51) for name in ("betas", "alphas")}
    if encoder:
        model |= old_names(like("hubert/base", "audio_encoder."))
        model["audio_encoder.masked_spec_embed"] = torch.zeros(768)
    if options is None:
        options = argparse.Namespace(n_motions=100, data_root=PosixPath("data"))
    path = folder / "motion_generator_hubert_chinese.pt"
    torch.save({"args": options, "model": model, "iter": 50_000}, path)
    return path


def test_joyvasas_file_loads_with_its_options_and_its_encoder(tmp_path: Path) -> None:
    path = joyvasa_file(tmp_path, encoder=True)
    assert len(checkpoint.read("joyvasa", path)) == 154
    assert checkpoint.read("joyvasa/around", path).keys() == keys.of("joyvasa/around").keys()
    assert checkpoint.read("hubert/base", path).keys() == keys.of("hubert/base").keys()


def test_a_spoiled_encoder_inside_is_found_with_its_file(tmp_path: Path) -> None:
    path = joyvasa_file(tmp_path, encoder=True, more={"audio_encoder.lost": torch.zeros(1)})
    with pytest.raises(ModelError, match="does not fit hubert/base: 1 unknown: lost"):
        checkpoint.read("joyvasa", path)


class _Runs:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (Path("ran"),))


def test_code_among_its_options_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = joyvasa_file(tmp_path, encoder=False, options=argparse.Namespace(x=_Runs()))
    with pytest.raises(ModelError, match="holds code, not only tensors, and was not run"):
        checkpoint.read("joyvasa", path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("inside", [True, False])
def test_an_encoder_trained_with_joyvasa_counts_instead_of_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path))
    (tmp_path / "joyvasa").mkdir()
    joyvasa_file(tmp_path / "joyvasa", encoder=inside)
    published = {k: v + 1 if "projection" in k else v for k, v in like("hubert/base").items()}
    torch.save(published, tmp_path / "joyvasa" / "pytorch_model.bin")
    found = checkpoint.own("hubert/base")["feature_projection.projection.bias"]
    assert float(found[0]) == (0 if inside else 1)


def template() -> dict[str, object]:
    shapes = [(key, kept.shape) for key, kept in keys.of("joyvasa/template").items()]
    known = {key: np.full(shape, i + 0.5) for i, (key, shape) in enumerate(shapes)}
    return {**known, "abs_max_R": np.ones(9, np.float32), "mean_lip": np.float64(0.25)}


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_template_is_read_from_its_pickle(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "motion_template.pkl"
    path.write_bytes(pickle.dumps(template(), protocol))
    found = checkpoint.read("joyvasa/template", path)
    assert found["std_exp"].dtype == torch.float32 and found["std_exp"].shape == (63,)
    assert [float(v[0]) for v in found.values()] == [i + 0.5 for i in range(12)]


def test_template_of_numpy_1_is_read(tmp_path: Path) -> None:
    made = pickle.dumps(template(), 3).replace(b"numpy._core.", b"numpy.core.")
    assert b"numpy.core.multiarray" in made
    (tmp_path / "t.pkl").write_bytes(made)
    assert pickled.arrays(tmp_path / "t.pkl")["max_t"].shape == (3,)


def test_arrays_keep_their_order_and_shape(tmp_path: Path) -> None:
    wanted = {
        "c": np.arange(6).reshape(2, 3),
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">f4"),
        "one": np.float32(7),
        "plain": 3.5,
    }
    for protocol in (3, 4, 5):
        (tmp_path / "t.pkl").write_bytes(pickle.dumps(wanted, protocol))
        found = pickled.arrays(tmp_path / "t.pkl")
        assert all((found[name] == value).all() for name, value in wanted.items())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            _Runs(),
            r"holds code \(pathlib\.Path\.touch|getattr.*\), not only arrays, and was not run",
        ),
        ({"mean_exp": _Runs()}, "holds code .*, not only arrays, and was not run"),
        ({"x": np.array([{}], dtype=object)}, "holds more than numbers and arrays of them"),
        ({"x": np.array([(1, 2.0)], dtype="i4,f4")}, "holds more than numbers and arrays of them"),
        ({"x": "text"}, "holds more than numbers and arrays of them"),
        ([1, 2], "holds no arrays by name"),
        (b"<html>not found</html>", "is damaged or no pickle: fetch it again"),
        (pickle.dumps(template())[:-20], "is damaged or no pickle: fetch it again"),
        (bytes(2 << 20), "is too large for a few numbers"),
    ],
)
def test_other_pickles_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "motion_template.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
    with pytest.raises(ModelError, match=says):
        pickled.arrays(path)
    assert not (tmp_path / "ran").exists()


def test_the_file_says_how_much_ditto_hears(tmp_path: Path) -> None:
    state = like("ditto/lmdm")
    state["cond_projection.weight"] = torch.zeros(()).expand(512, 1103)
    torch.save({"model_state_dict": state}, tmp_path / "lmdm.pth")
    net = checkpoint.load("ditto/lmdm", tmp_path / "lmdm.pth")
    assert isinstance(net, Lmdm) and net.cond_projection.in_features == 1103
    state["cond_projection.weight"] = torch.zeros(()).expand(511, 1103)
    torch.save({"model_state_dict": state}, tmp_path / "lmdm.pth")
    with pytest.raises(ModelError, match=r"cond_projection.weight is \(511, 1103\)"):
        checkpoint.load("ditto/lmdm", tmp_path / "lmdm.pth")
