"""Models are loaded once, shared, and never leave while somebody holds them."""

import gc
import threading
import weakref
from collections.abc import Callable

import pytest

from avatar.errors import ModelError
from avatar.residency import Hold, Residency


class Memory:
    """A residency with a clock that is set by hand, and what it loaded and unloaded."""

    def __init__(self, capacity: int = 100, kept_s: float = 60.0) -> None:
        self.now_s = 0.0
        self.loaded: list[str] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.models = Residency[str](
            capacity,
            kept_s=kept_s,
            now=lambda: self.now_s,
            later=lambda seconds, work: self.timers.append((seconds, work)),
        )

    @property
    def left(self) -> list[str]:
        """What was loaded and is not here any more."""
        return [name for name in self.loaded if name not in self.models.names()]

    def hold(self, name: str, size: int = 40) -> Hold[str]:
        def load() -> str:
            self.loaded.append(name)
            return name

        return self.models.hold(name, size, load)


def test_second_session_shares_what_the_first_loaded() -> None:
    memory = Memory()
    first, second = memory.hold("a"), memory.hold("a")
    assert first.model is second.model
    assert memory.loaded == ["a"]
    assert memory.models.used == 40


def test_unused_model_stays_for_a_while() -> None:
    memory = Memory()
    memory.hold("a").release()
    memory.now_s = 59
    memory.hold("a").release()
    assert memory.loaded == ["a"]
    memory.now_s = 59 + 60
    memory.models.sweep()
    assert memory.left == ["a"]
    assert memory.models.used == 0


def test_unused_model_leaves_by_itself() -> None:
    memory = Memory()
    memory.hold("a").release()
    ((seconds, sweep),) = memory.timers
    assert seconds == 60
    memory.now_s = seconds
    sweep()
    assert memory.left == ["a"]


def test_what_leaves_is_free_before_another_one_is_loaded() -> None:
    class Weights:
        """May be referred to weakly."""

    freed: list[bool] = []
    seen: list[weakref.ref[Weights]] = []
    models = Residency[Weights](100, freed=lambda: freed.append(seen[0]() is None))

    def load() -> Weights:
        made = Weights()
        seen.append(weakref.ref(made))
        return made

    models.hold("a", 80, load).release()
    gc.collect()

    def second() -> Weights:
        assert freed == [True], "both are in memory"
        return load()

    models.hold("b", 80, second).release()


def test_interrupted_load_leaves_nothing_and_those_who_waited_are_told() -> None:
    memory = Memory()

    def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.models.hold("a", 40, interrupted)
    assert memory.models.used == 0
    assert memory.hold("a").model == "a"


def test_held_model_never_leaves() -> None:
    memory = Memory()
    held = memory.hold("a")
    memory.now_s = 1e6
    memory.models.sweep()
    with pytest.raises(ModelError, match=r"no room for b: it takes 0 MB, and .* live sessions"):
        memory.hold("b", 61)
    assert memory.left == []
    held.release()


def test_longest_unused_makes_room() -> None:
    memory = Memory()
    for second, name in enumerate(("a", "b")):
        memory.now_s = second
        memory.hold(name).release()
    memory.now_s = 2
    memory.hold("a").release()
    memory.hold("c")
    assert memory.left == ["b"]
    assert set(memory.models.names()) == {"a", "c"}


def test_released_twice_counts_once() -> None:
    memory = Memory()
    first, second = memory.hold("a"), memory.hold("a")
    first.release()
    first.release()
    memory.now_s = 1e6
    memory.models.sweep()
    assert memory.left == []
    second.release()


def test_failed_load_leaves_nothing_and_is_tried_anew() -> None:
    memory = Memory()

    def fail() -> str:
        raise ModelError("damaged")

    with pytest.raises(ModelError, match="damaged"):
        memory.models.hold("a", 40, fail)
    assert memory.models.used == 0
    assert memory.hold("a").model == "a"


def test_many_at_once_load_once_and_others_do_not_wait() -> None:
    memory = Memory(capacity=200)
    begun, go_on = threading.Event(), threading.Event()
    calls = []

    def slow() -> str:
        calls.append(1)
        begun.set()
        assert go_on.wait(30)
        return "a"

    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.append(memory.models.hold("a", 40, slow).model))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    assert memory.hold("b").model == "b"  # while the first is still being loaded
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert got == ["a"] * 8
    assert len(calls) == 1


def test_everybody_hears_of_a_load_that_failed() -> None:
    memory = Memory()
    begun, go_on = threading.Event(), threading.Event()

    def fail() -> str:
        begun.set()
        assert go_on.wait(30)
        raise ModelError("damaged")

    said: list[str] = []

    def ask() -> None:
        try:
            memory.models.hold("a", 40, fail)
        except ModelError as error:
            said.append(str(error))

    first = threading.Thread(target=ask)
    first.start()
    assert begun.wait(30)
    second = threading.Thread(target=ask)
    second.start()
    go_on.set()
    first.join(30)
    second.join(30)
    assert said == ["damaged"] * 2
