"""What is wrong with a key, a plan or a model's name is said before there is a call."""

from typing import Any

import pytest
from fake_deepgram import FakeDeepgram
from fake_elevenlabs import FakeElevenLabs
from fake_openai import FakeOpenAI
from fake_service import KEY, Fault
from pydantic import SecretStr
from wires import persona, settings

from agent.config import ConfigError, Settings
from agent.providers import choose
from agent.providers.preflight import Check, check

WRONG = SecretStr("a-wrong-key-5555555555")


def of(found: list[Check], what: str) -> Check:
    return next(one for one in found if one.what == what)


async def everything(**changes: Any) -> dict[str, str]:
    """Every provider's line, all three services being there."""
    async with FakeDeepgram() as ear, FakeElevenLabs() as voice, FakeOpenAI() as mind:
        voice.left = changes.pop("left", 10)
        mind.fault = changes.pop("fault", Fault())
        ear.fault = changes.pop("ear_fault", Fault())
        if changes.pop("speech", False):
            changes["openai_speech_url"] = f"{mind.url}/v1"
        if changes.pop("local", False):
            changes["local_url"] = f"{mind.url}/v1"
        chosen = settings(deepgram=ear.url, elevenlabs=voice.url, openai=mind.url, **changes)
        found = await check(chosen, persona())
    assert all(KEY not in f"{one}" and "5555555555" not in f"{one}" for one in found)
    return {one.what: f"{one.state}: {one.detail}" for one in found}


async def test_what_works_is_said_to_work() -> None:
    lines = await everything()
    assert set(lines) == {"ear deepgram", "mind openai", "voice elevenlabs"}
    assert all(line.startswith("ok") for line in lines.values()), lines


@pytest.mark.parametrize(
    ("what", "changes", "says"),
    [
        ("ear deepgram", {"deepgram_api_key": WRONG}, "DEEPGRAM_API_KEY is refused"),
        ("voice elevenlabs", {"elevenlabs_api_key": WRONG}, "ELEVENLABS_API_KEY is refused"),
        ("mind openai", {"openai_api_key": WRONG}, "OPENAI_API_KEY is refused"),
        ("ear deepgram", {"deepgram_model": "nova-99"}, "DEEPGRAM_MODEL=nova-99 is unknown"),
        ("voice elevenlabs", {"elevenlabs_model": "eleven_9"}, "ELEVENLABS_MODEL=eleven_9"),
        ("mind openai", {"openai_model": "gpt-99"}, "OPENAI_MODEL=gpt-99 is unknown"),
        ("voice elevenlabs", {"left": 0}, "quota is used up"),
        ("mind openai", {"fault": Fault("quota")}, "no quota left"),
        ("ear deepgram", {"ear_fault": Fault("quota")}, "no credit left"),
        ("ear flux", {"deepgram_model": "flux-general-xy"}, "DEEPGRAM_MODEL=flux-general-xy is"),
        ("ear openai", {"speech": True, "openai_ear_model": "ear-9"}, "OPENAI_STT_MODEL=ear-9 is"),
        ("voice openai", {"speech": True, "openai_voice_model": "v-9"}, "OPENAI_TTS_MODEL=v-9 is"),
        ("ear openai", {"speech": True, "openai_api_key": WRONG}, "OPENAI_API_KEY is refused"),
        ("voice openai", {"speech": True, "openai_api_key": WRONG}, "OPENAI_API_KEY is refused"),
        ("realtime openai", {"realtime_model": "gpt-9"}, "VISAVIS_REALTIME=gpt-9 is unknown"),
        ("mind local", {"local": True}, "wants a key: use another server"),
    ],
)
async def test_what_is_wrong_is_said(what: str, changes: dict[str, Any], says: str) -> None:
    lines = await everything(**changes)
    assert lines[what].startswith("problem")
    assert says in lines[what]


async def test_a_server_that_is_not_there_or_does_not_answer_holds_nothing_up() -> None:
    async with FakeDeepgram() as ear:
        gone = ear.url
    chosen = settings(deepgram=gone, elevenlabs=gone)
    found = await check(chosen, persona())
    assert {one.state for one in found} == {"unknown"}
    async with FakeElevenLabs() as silent:
        silent.silent = True
        found = await check(settings(elevenlabs=silent.url), persona(), limit_s=0.1)
    assert "no answer in time" in of(found, "voice elevenlabs").detail


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"VISAVIS_EAR": "deepgram"}, "VISAVIS_EAR=deepgram needs DEEPGRAM_API_KEY"),
        ({"VISAVIS_VOICE": "elevenlabs"}, "VISAVIS_VOICE=elevenlabs needs ELEVENLABS_API_KEY"),
        ({"VISAVIS_MIND": "local"}, "VISAVIS_MIND=local needs VISAVIS_LOCAL_URL"),
        ({"VISAVIS_EAR": "whisper"}, "models pull whisper-small"),
    ],
)
def test_a_choice_without_its_key_is_refused(variables: dict[str, str], says: str) -> None:
    chosen = Settings.from_environment(variables)
    with pytest.raises(ConfigError, match=says):
        choose.ear_names(chosen)
        choose.mind_names(chosen, persona())
        choose.voice_names(chosen)


def test_an_unknown_choice_names_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"VISAVIS_VOICE.*elevenlabs"):
        Settings.from_environment({"VISAVIS_VOICE": "festival"})


def test_the_offline_part_ends_every_chain() -> None:
    keys = {"DEEPGRAM_API_KEY": "d", "ELEVENLABS_API_KEY": "e", "OPENAI_API_KEY": "o"}
    chosen = Settings.from_environment(keys)
    assert choose.ear_names(chosen) == ("deepgram", "openai", "pocketsphinx")
    assert choose.mind_names(chosen, persona()) == ("openai", "script")
    assert choose.voice_names(chosen) == ("elevenlabs", "openai", "espeak")
    wished = Settings.from_environment({**keys, "VISAVIS_VOICE": "openai, elevenlabs"})
    assert choose.voice_names(wished) == ("openai", "elevenlabs", "espeak")


def test_a_local_model_is_not_asked_to_hear_and_speak() -> None:
    chosen = Settings.from_environment({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"})
    assert choose.mind_names(chosen, persona()) == ("openai", "script")
    assert choose.voice_names(chosen) == ("espeak",)
    assert choose.ear_names(chosen) == ("pocketsphinx",)
