"""End of the user's speech to the first sound of the answer, heard at a subscriber.

First with the offline parts, then with Deepgram, OpenAI and ElevenLabs as local servers whose
delays are known. Of it, `vad_silence_ms` is waited for on purpose: the pause after which speech
counts as over. What the framework alone adds is measured by `scripts/bench overhead`.
"""

from typing import Any

from fake_service import KEY

from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from agent.probe.sound import say
from benches.cloud import cloud
from benches.figures import spread
from benches.stack import Stack, stack

QUESTIONS = ["What can you do?", "How are you?", "What time is it?", "Who are you?"]
MIND_S, VOICE_S = 0.25, 0.12
_SETTLE_S = 1.2


async def run(rounds: int = 12) -> dict[str, Any]:
    async with stack() as running:
        offline = await _replies(running, rounds)
    async with cloud() as services:
        services.mind.delay_s, services.voice.delay_s = MIND_S, VOICE_S
        services.mind.answer = lambda _: "It is a calm day. The boats are out."
        environment = {
            "DEEPGRAM_API_KEY": KEY,
            "DEEPGRAM_BASE_URL": services.ear.url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{services.mind.url}/v1",
            "ELEVENLABS_API_KEY": KEY,
            "ELEVENLABS_BASE_URL": f"{services.voice.url}/v1",
            "VISAVIS_CACHE_MB": "0",
        }
        async with stack(environment=environment) as running:
            clouds = await _replies(running, rounds)
    known = {"mind": 1000 * MIND_S, "voice": 1000 * VOICE_S, "ear_silence": 200.0}
    return {
        "offline": offline,
        "cloud": {**clouds, "known_delays_ms": known},
        "vad_silence_ms": 250,
    }


async def _replies(running: Stack, rounds: int) -> dict[str, Any]:
    voices = [await say(text, voice="en-us") for text in QUESTIONS]
    plan = Plan(room="reply")
    await create_room(running.settings, plan)
    token = participant_token(running.settings, plan.room)
    replies: list[float] = []
    async with Participant(running.settings.livekit_url, token) as me:
        await me.publish_microphone()
        await me.wait_quiet(me.joined, _SETTLE_S)
        for number in range(rounds):
            _, end = await me.speak(voices[number % len(voices)])
            heard = await me.wait_voice(end)
            replies.append(heard - end)
            await me.wait_quiet(heard - 0.05, _SETTLE_S)
    turns = [turn for turn in running.turns if "reply_s" in turn]
    stages = ("transcription_s", "end_of_turn_s", "model_s", "voice_s", "playback_s", "reply_s")
    return {
        "end_of_speech_to_first_sound_ms": spread(replies),
        "stages_ms": {
            name: spread([turn[name] for turn in turns if name in turn]) for name in stages
        },
    }
