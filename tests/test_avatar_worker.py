"""Which jobs an avatar worker takes, and how many: on LiveKit's own requests, without a server."""

import itertools
from typing import Any

import pytest
from faces import PlainFace
from livekit.agents import JobRequest
from livekit.agents.job import JobAcceptArguments
from livekit.plugins.visavis import wire, worker
from livekit.plugins.visavis.capacity import Capacity, drawing_s, sessions
from livekit.protocol.agent import Job

from avatar import renderers

JOB = wire.Assignment(
    agent="agent-1",
    identity="visavis-avatar-1",
    portrait="imani",
    renderer="cpu",
    width=512,
    height=512,
    fps=25,
    listener_timeout=5.0,
)


async def asked(metadata: str, *, full: bool = False) -> list[JobAcceptArguments | bool]:
    """What became of a request: its acceptance, or whether no other worker is to be asked."""
    answers: list[JobAcceptArguments | bool] = []

    async def keep(answer: Any) -> None:
        answers.append(answer)

    request = JobRequest(job=Job(id="AJ_1", metadata=metadata), on_reject=keep, on_accept=keep)
    await worker.answer(request, full=full)
    return answers


async def test_a_job_is_taken_as_the_identity_that_the_agent_waits_for() -> None:
    (taken,) = await asked(JOB.pack())
    assert isinstance(taken, JobAcceptArguments)
    assert taken.identity == "visavis-avatar-1"
    assert taken.attributes == {"lk.publish_on_behalf": "agent-1", "visavis.worker": wire.VERSION}


async def test_a_full_worker_leaves_the_job_to_others() -> None:
    assert await asked(JOB.pack(), full=True) == [False]


@pytest.mark.parametrize(
    "metadata", ["", "imani", "{}", JOB.model_copy(update={"agent": ""}).pack()]
)
async def test_what_is_no_assignment_is_refused_for_good(metadata: str) -> None:
    assert await asked(metadata) == [True]


def test_capacity_follows_the_time_of_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert sessions(0.004, 25, shared=False) == 25
    assert sessions(0.040, 25, shared=False) == 5
    assert sessions(0.010, 25, shared=True) == 3
    assert sessions(10.0, 25, shared=True) == 1  # too slow, but it is what there is


def test_the_time_of_a_picture_is_that_of_three_in_four_of_speech() -> None:
    ticks = itertools.accumulate(itertools.chain([0.0], itertools.cycle([0.004, 0.0])))
    face = PlainFace()
    assert drawing_s(face, lambda: next(ticks)) == pytest.approx(0.004)
    assert all(cue.segment == 0 for cue in face.cues) and face.heard


def test_the_renderer_itself_is_measured_and_not_its_understudy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    face = PlainFace()
    monkeypatch.setitem(renderers._FACTORIES, "neural", lambda portrait, size, fps: face)
    assert Capacity("neural", "imani", None).sessions >= 1
    assert [cue.index for cue in face.cues] == list(range(30))


@pytest.mark.parametrize("sessions", [0, -1])
def test_a_worker_for_no_call_is_refused(sessions: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Capacity("cpu", "imani", sessions)
