"""Where the networks run and how: the precision, fixed shapes, time by stage.

A GPU computes in half precision and replays recorded graphs. A CPU computes in single precision and
is for baking and for tests; calls ask it for the smallest networks only, in what it is quickest in.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from avatar.errors import RendererError


@dataclass(slots=True)
class Device:
    """name: of torch's device. dtype: of weights and activations.

    stages: seconds and calls by stage since the start; on a GPU with `timed` only, because asking
    for the time waits for it.
    """

    name: str
    dtype: torch.dtype
    timed: bool = False
    stages: dict[str, tuple[float, int]] = field(default_factory=dict)

    @property
    def gpu(self) -> bool:
        return self.name.startswith("cuda")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of what is done inside."""
        if self.gpu and not self.timed:
            yield
            return
        self.wait()
        started = time.perf_counter()
        yield
        self.wait()
        self.count(name, time.perf_counter() - started)

    def count(self, name: str, seconds: float) -> None:
        """One more of a stage."""
        whole, calls = self.stages.get(name, (0.0, 0))
        self.stages[name] = (whole + seconds, calls + 1)

    def wait(self) -> None:
        """Until everything that was asked for is done."""
        if self.gpu:
            torch.cuda.synchronize(self.name)

    def put(self, net: nn.Module) -> nn.Module:
        """A network here, in this precision."""
        return net.to(self.name, self.dtype)


def choose(name: str | None = None) -> Device:
    """The named device, by default the first GPU. Raises RendererError where there is none."""
    if name is None:
        if not torch.cuda.is_available():
            raise RendererError(
                "all neural renderers but wav2lip need an NVIDIA GPU, and there is none here: "
                "use the renderer cpu, or bake the portrait (python -m avatar bake PHOTO --with "
                "liveportrait)"
            )
        name = "cuda"
    half = name.startswith("cuda")
    return Device(name, torch.float16 if half else torch.float32)


def choose_any(name: str | None = None) -> Device:
    """The same for networks that a CPU can run in a call: where there is no GPU it is the CPU, in
    bfloat16 if that has instructions of its own, which takes half of the time."""
    if name is not None or torch.cuda.is_available():
        return choose(name)
    # newer than the oldest torch that we take
    can: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return Device("cpu", torch.bfloat16 if can.get("avx512_bf16") else torch.float32)


class Graph:
    """A function of tensors of fixed shapes, recorded once and replayed; on a CPU just called."""

    def __init__(
        self, run: Callable[..., Tensor], device: Device, like: tuple[Tensor, ...]
    ) -> None:
        self._run = run
        self._graph: torch.cuda.CUDAGraph | None = None
        if not device.gpu:
            return
        self._given = tuple(torch.zeros_like(one) for one in like)
        aside = torch.cuda.Stream(device.name)
        with torch.inference_mode(), torch.cuda.stream(aside):
            for _ in range(3):  # warm-up: cuDNN chooses its kernels
                run(*self._given)
            aside.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            # other sessions go on drawing while this one is recorded
            with torch.cuda.graph(self._graph, stream=aside, capture_error_mode="thread_local"):
                self._out = run(*self._given)

    def __call__(self, *given: Tensor) -> Tensor:
        """The result; on a GPU it is overwritten by the next call."""
        if self._graph is None:
            with torch.inference_mode():
                return self._run(*given)
        for mine, one in zip(self._given, given, strict=True):
            mine.copy_(one)
        self._graph.replay()
        return self._out
