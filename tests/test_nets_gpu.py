"""On an NVIDIA GPU: half precision stays close, and a recorded graph computes what it recorded."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.cli import bench_neural  # noqa: E402  (needs torch)
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, SpeechEnd  # noqa: E402
from avatar.nets import catalogue  # noqa: E402
from avatar.nets.ditto import cumulative  # noqa: E402
from avatar.nets.mt_vae import Vae  # noqa: E402
from avatar.neural import device, seeded, voices  # noqa: E402
from avatar.neural.ahead import Ahead  # noqa: E402
from avatar.neural.batch import Batched  # noqa: E402
from avatar.neural.device import Graph  # noqa: E402
from avatar.renderers.liveportrait import LivePortraitRenderer  # noqa: E402
from avatar.renderers.musetalk import MuseTalkRenderer  # noqa: E402
from avatar.renderers.wav2lip import Wav2LipRenderer  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


def net(name: str) -> torch.nn.Module:
    return catalogue.load(name, seeded.state(name, 1))


@pytest.mark.parametrize("name", ["musetalk/unet", "tiny/unet"])
def test_half_precision_stays_close(name: str) -> None:
    latents = seeded.tensor("mt/latents", (2, 8, 32, 32), 1)
    tokens = seeded.tensor("mt/audio", (2, 50, 384), 1)
    with torch.inference_mode():
        wanted = net(name)(latents, tokens)
        where = device.choose()
        got = where.put(net(name))(*(x.to(where.name, where.dtype) for x in (latents, tokens)))
    off = (got.float().cpu() - wanted).square().mean().sqrt() / wanted.std()
    assert off < 1e-2


def test_recorded_graph_computes_what_it_recorded() -> None:
    where = device.choose()
    vae = where.put(net("tiny/vae"))
    shape = (2, 4, 32, 32)
    first, second = (seeded.tensor(f"z{i}", shape, 1).to(where.name, where.dtype) for i in "12")
    graph = Graph(vae, where, (first,))
    for latent in (first, second):
        with torch.inference_mode():
            wanted = vae(latent)
        assert torch.allclose(graph(latent), wanted, atol=1e-3)


@pytest.mark.parametrize("renderer", [LivePortraitRenderer, MuseTalkRenderer, Wav2LipRenderer])
def test_whole_path_draws(
    renderer: type[LivePortraitRenderer | MuseTalkRenderer | Wav2LipRenderer],
) -> None:
    drawn = renderer.open("imani", read=lambda network: seeded.state(network, 1))
    drawn.hear(AudioChunk(0, 0, np.full(CLOCK_RATE, 1000, np.int16)))
    drawn.hear(SpeechEnd(0))
    for i in range(3):
        frame = drawn.draw(Cue(i, i / 25, segment=0, position=i * CLOCK_RATE // 25))
    assert frame.data.shape == (512 * 768,)
    drawn.close()


def read(network: str) -> dict[str, torch.Tensor]:
    """Seeded weights, as wide as Ditto's published ones are said to be, with a schedule."""
    state = seeded.state(network, 1)
    if network == "ditto/lmdm":
        state["cond_projection.weight"] = seeded.tensor("wide", (512, 1103), 1) / 32
    if network == "joyvasa/around":
        state["diffusion_sched.alpha_bars"] = torch.cat([torch.ones(1), cumulative(50)])
    return state


@pytest.mark.parametrize("motion", voices.VOICES)
def test_what_is_heard_is_said_ahead_and_drawn(motion: str) -> None:
    drawn = LivePortraitRenderer.open("imani", read=read, motion=motion)
    assert drawn._voice is not None and isinstance(drawn._voice.known, Ahead)
    drawn.hear(AudioChunk(0, 0, (seeded.waveform(1, 1.0, CLOCK_RATE) * 32767).astype("int16")))
    drawn.hear(SpeechEnd(0))
    drawn._voice.known.settle()
    assert drawn._voice.known.at(0, 20) is not None
    for i in range(3):
        frame = drawn.draw(Cue(i, i / 25, segment=0, position=i * 1920 + 960))
    assert frame.data.shape == (512 * 768,)
    drawn.close()


def test_sessions_drawn_together_see_what_each_would_alone() -> None:
    where = device.choose()
    vae = where.put(net("tiny/vae"))
    assert isinstance(vae, Vae)
    latents = [seeded.tensor(f"z{i}", (1, 4, 32, 32), 1).to(where.name, where.dtype) for i in "123"]
    shared = Batched(vae.decode, where, sizes=(1, 2, 4))
    shared.prepare(latents[0])
    with ThreadPoolExecutor(3) as sessions:
        together = list(sessions.map(shared, latents))
    with torch.inference_mode():
        for latent, out in zip(latents, together, strict=True):
            assert torch.allclose(out, vae.decode(latent), atol=1e-2)


@pytest.mark.parametrize("renderer", ["liveportrait", "musetalk", "wav2lip"])
def test_the_bench_tells_what_this_gpu_carries(renderer: str) -> None:
    job = bench_neural.Job(renderer, "imani", (512, 512), 10, None, seeded=True)
    sound = np.full(5 * CLOCK_RATE, 1000, np.int16)
    figures = bench_neural.measure(job, sound)
    assert figures["session"]["pictures_per_second"] > 0
    assert figures["stages, ms"] and figures["sessions"]["1"] >= 0
    assert figures["roofline"]["matmul_tflops"] > 0
