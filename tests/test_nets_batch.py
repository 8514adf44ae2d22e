"""Sessions on threads of their own share networks: what waits is one batch, each gets its part."""

import threading

import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.errors import RendererError  # noqa: E402  (needs torch)
from avatar.nets import catalogue  # noqa: E402
from avatar.neural import batch, device, seeded  # noqa: E402
from avatar.neural.batch import Batched, Late  # noqa: E402

CPU = device.choose("cpu")


class Gate:
    """A function that waits in its first call, and notes how many rows each call had."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()
        self.rows: list[int] = []
        self.fault: Exception | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.rows.append(len(x))
        self.entered.set()
        assert self.open.wait(30)
        if self.fault is not None:
            raise self.fault
        return x * 2


def asked(shared: Batched, gate: Gate, count: int) -> list[object]:
    """One caller is inside, `count` more wait, then the gate opens: what each of them got."""
    got: list[object] = [None] * (count + 1)
    failed = threading.Semaphore(0)

    def ask(i: int) -> None:
        try:
            got[i] = shared(torch.full((1, 3), float(i)))
        except RendererError as error:
            got[i] = error
            failed.release()

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(count + 1)]
    threads[0].start()
    assert gate.entered.wait(30)
    for thread in threads[1:]:
        thread.start()
    with shared._turn:
        expected = min(count, batch.MOST_WAITING)
        assert shared._turn.wait_for(lambda: len(shared._waiting) == expected, 30)
    for _ in range(count - expected):
        assert failed.acquire(timeout=30), "refused at once"
    gate.open.set()
    for thread in threads:
        thread.join(30)
    return got


def test_those_who_wait_are_one_batch_and_each_gets_its_own() -> None:
    gate = Gate()
    shared = Batched(gate, CPU, sizes=(1, 2, 4))
    got = asked(shared, gate, 6)
    assert gate.rows == [1, 4, 2]
    assert shared.counts == {1: 1, 4: 1, 2: 1}
    for i, out in enumerate(got):
        assert torch.equal(out, torch.full((1, 3), 2.0 * i))  # type: ignore[arg-type]


def test_what_was_due_while_others_were_drawn_is_left_out_and_counted() -> None:
    gate, now = Gate(), [0.0]
    where = device.Device("cpu", torch.float32)
    shared = Batched(gate, where, clock=lambda: now[0])
    got: dict[str, object] = {}

    def ask(name: str, due_s: float) -> threading.Thread:
        def run() -> None:
            try:
                got[name] = shared(torch.full((1, 3), due_s), due_s=due_s)
            except Late as error:
                got[name] = error

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    threads = [ask("first", 0.04)]
    assert gate.entered.wait(30)
    threads += [ask("late", 0.05), ask("later", 0.06), ask("in time", 0.10)]
    with shared._turn:
        assert shared._turn.wait_for(lambda: len(shared._waiting) == 3, 30)
    now[0] = 0.08  # the first one took so long
    gate.open.set()
    for thread in threads:
        thread.join(30)
    assert torch.equal(got["first"], torch.full((1, 3), 0.08))  # type: ignore[arg-type]
    assert torch.equal(got["in time"], torch.full((1, 3), 0.2))  # type: ignore[arg-type]
    assert isinstance(got["late"], Late) and str(got["later"]) == "late by 20 ms"
    assert gate.rows == [1, 1] and shared.counts == {1: 2}
    assert where.stages["late"] == (pytest.approx(0.16), 2)


def test_when_all_who_wait_are_late_nothing_is_computed() -> None:
    gate = Gate()
    gate.open.set()
    shared = Batched(gate, device.Device("cpu", torch.float32), clock=lambda: 1.0)
    with pytest.raises(Late, match="late by 500 ms"):
        shared(torch.ones(1, 3), due_s=0.5)
    assert not gate.rows
    assert torch.equal(shared(torch.ones(1, 3), due_s=1.0), torch.full((1, 3), 2.0))


def test_one_that_fails_fails_its_batch_and_not_the_next() -> None:
    gate = Gate()
    shared = Batched(gate, CPU)
    gate.fault = RendererError("out of memory")
    assert [str(out) for out in asked(shared, gate, 2)] == ["out of memory"] * 3
    gate.fault = None
    assert torch.equal(shared(torch.ones(1, 3)), torch.full((1, 3), 2.0))


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_WAITING", 2)
    gate = Gate()
    shared = Batched(gate, CPU)
    got = asked(shared, gate, 3)
    refused = [out for out in got if isinstance(out, RendererError)]
    assert [str(out) for out in refused] == ["2 sessions wait for the same networks already"]


def test_faces_bent_together_are_those_bent_alone() -> None:
    volume = torch.cat([seeded.tensor(f"volume{i}", (1, 4, 16, 32, 32), 1) for i in range(2)])
    source = torch.cat([seeded.keypoints(f"source{i}", 1) for i in range(2)])
    net = catalogue.load("tiny/warping", seeded.state("tiny/warping", 1))
    with torch.inference_mode():
        together = net(volume, driving=source + 0.1, source=source).out
        alone = [
            net(volume[i : i + 1], driving=source[i : i + 1] + 0.1, source=source[i : i + 1]).out
            for i in range(2)
        ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)
