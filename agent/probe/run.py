"""One probing call from beginning to end, and what it came to."""

import asyncio
import json
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass, field

import numpy as np
from livekit import api
from numpy.typing import NDArray

from agent.config import Settings
from agent.probe import measure
from agent.probe.exact import exact_offsets
from agent.probe.participant import Participant
from agent.probe.recording import Recording
from agent.server import server_api

_TAIL_S = 1.5


class ProbeError(Exception):
    """The call could not be measured; the message says what to do."""


@dataclass(slots=True)
class Plan:
    """What to do in the call. Times are seconds."""

    room: str
    speech: NDArray[np.int16] | None = None
    interruption: NDArray[np.int16] | None = None
    interrupt_at: float | None = None
    """After the first sound of the reply; None: no interruption unless one is given (then 1 s)."""
    greeting: bool = True
    """Wait for the agent's own greeting before speaking."""
    listen: float = 30.0
    """The longest wait for any one thing."""
    agent_name: str = ""


@dataclass(slots=True)
class Report:
    """Seconds, unless the name says otherwise; None: not seen."""

    join: float | None = None
    first_picture: float | None = None
    first_sound: float | None = None
    first_mouth: float | None = None
    reply_latency: float | None = None
    fps: float = 0.0
    size: tuple[int, int] = (0, 0)
    freezes: int = 0
    longest_freeze: float = 0.0
    offset: float | None = None
    offset_agreement: float | None = None
    offset_exact: float | None = None
    """Only from an avatar of ours, whose pictures say which sound is theirs."""
    offset_exact_p99: float | None = None
    tail_sound: float | None = None
    tail_mouth: float | None = None
    holes: int = 0
    holes_s: float = 0.0
    heard_s: float = 0.0
    captions: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        rounded = {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }
        return json.dumps(rounded, indent=2)


def participant_token(settings: Settings, room: str, identity: str = "probe") -> str:
    """A token for one room, with the rights of an ordinary visitor."""
    grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True)
    secret = settings.livekit_api_secret.get_secret_value()
    token = api.AccessToken(settings.livekit_api_key, secret).with_identity(identity)
    return token.with_grants(grants).to_jwt()


async def create_room(settings: Settings, plan: Plan) -> None:
    """Create the room as the page does, with picture and sound in one sync group."""
    async with server_api(settings) as server:
        await server.room.create_room(
            api.CreateRoomRequest(name=plan.room, sync_streams=True, empty_timeout=30)
        )
        if plan.agent_name:
            await server.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(agent_name=plan.agent_name, room=plan.room)
            )


async def call(settings: Settings, plan: Plan) -> tuple[Report, Recording]:
    """Make the call. Raises ProbeError when no agent comes or nothing is heard."""
    report = Report()
    begun = time.monotonic()
    await create_room(settings, plan)
    token = participant_token(settings, plan.room)
    spans: dict[str, tuple[float, float]] = {}
    async with Participant(settings.livekit_url, token) as me:
        report.join = me.joined - begun
        await asyncio.gather(me.publish_microphone(), _audio(me, plan))
        if plan.greeting:
            await _within(plan.listen, me.wait_quiet(begun))
        if plan.speech is not None:
            spans["speech"] = await me.speak(plan.speech)
            await _within(plan.listen, me.wait_voice(spans["speech"][1]))
            if plan.interruption is not None:
                await asyncio.sleep(plan.interrupt_at if plan.interrupt_at is not None else 1.0)
                spans["interruption"] = await me.speak(plan.interruption)
                await asyncio.sleep(_TAIL_S)
            else:
                await _within(plan.listen, me.wait_quiet(spans["speech"][1]))
        report.captions = _captions(me)
    summarise(report, me.recording, begun, spans)
    return report, me.recording


def summarise(
    report: Report, recording: Recording, begun: float, spans: dict[str, tuple[float, float]]
) -> None:
    """Fill in what follows from the recording."""
    voices = measure.utterances(recording)
    report.first_sound = _since(measure.first_voice(recording, begun), begun)
    report.first_picture = _since(next(iter(recording.video_times), None), begun)
    report.first_mouth = _since(measure.mouth_moves_after(recording, voices, begun), begun)
    report.fps = measure.frame_rate(recording)
    report.size = recording.video_size
    stops = measure.freezes(recording)
    report.freezes = len(stops)
    report.longest_freeze = max((stop.length for stop in stops), default=0.0)
    report.heard_s = sum(voice.length for voice in voices)
    found = measure.offset(recording, voices)
    if found is not None:
        report.offset, report.offset_agreement = found.seconds, found.agreement
    exact = exact_offsets(recording)
    if exact is not None:
        report.offset_exact, report.offset_exact_p99 = exact.p50, exact.p99
    cuts = measure.holes(recording)
    report.holes, report.holes_s = len(cuts), sum(cut.length for cut in cuts)
    if "speech" in spans:
        answer = measure.first_voice(recording, spans["speech"][1])
        report.reply_latency = _since(answer, spans["speech"][1])
    if "interruption" in spans:
        start = spans["interruption"][0]
        end = start + _TAIL_S
        report.tail_sound = _since(measure.last_voice(recording, start - 0.1, end), start)
        report.tail_mouth = _since(measure.mouth_moves_before(recording, voices, start, end), start)


def _since(moment: float | None, begun: float) -> float | None:
    return None if moment is None else moment - begun


def _captions(me: Participant) -> list[str]:
    """The last state of every transcription of the agent."""
    latest: dict[str, str] = {}
    agent = me.agent()
    for _, identity, text, attributes in me.texts:
        if agent is not None and identity == agent.identity:
            latest[attributes.get("lk.segment_id", "")] = text
    return list(latest.values())


async def _audio(me: Participant, plan: Plan) -> None:
    try:
        await asyncio.wait_for(me.audio_subscribed.wait(), plan.listen)
    except TimeoutError:
        raise ProbeError(
            f"no agent spoke in room {plan.room!r} within {plan.listen:.0f} s: "
            "is a worker running, and does it take new rooms (or give --agent-name)?"
        ) from None


async def _within(limit: float, waiting: Awaitable[float]) -> float:
    try:
        return await asyncio.wait_for(waiting, limit)
    except TimeoutError:
        raise ProbeError(f"nothing was heard for {limit:.0f} s: is the agent's voice on?") from None
