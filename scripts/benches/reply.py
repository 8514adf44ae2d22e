"""End of the user's speech to the first sound of the answer, heard at a subscriber.

Of it, `vad_silence_ms` is waited for on purpose: the pause after which speech counts as over.
"""

from typing import Any

from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from agent.probe.sound import say
from benches.figures import spread
from benches.stack import stack

QUESTIONS = ["What can you do?", "How are you?", "What time is it?", "Who are you?"]
_SETTLE_S = 1.2


async def run(rounds: int = 12) -> dict[str, Any]:
    voices = [await say(text, voice="en-us") for text in QUESTIONS]
    async with stack() as running:
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
        "vad_silence_ms": 250,
    }
