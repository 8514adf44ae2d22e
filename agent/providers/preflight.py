"""Whether the providers that a call would use are usable, asked before there is a call.

Each is asked by its cheapest request: is the key right, is there quota left, does the model exist.
All are asked at once and none for longer than a few seconds; one that cannot be reached is said to
be so, and nothing is held up. No key is ever part of a sentence.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

from agent import personas
from agent.config import ConfigError, EarName, MindName, Settings, VoiceName
from agent.personas import Persona
from agent.providers import choose

LIMIT_S = 4.0

State = Literal["ok", "problem", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one provider. `unknown`: it could not be reached, or did not say."""

    state: State
    what: str
    detail: str


async def check(settings: Settings, persona: Persona, *, limit_s: float = LIMIT_S) -> list[Check]:
    """Ask every provider of a call with this persona, the offline ones not."""
    wanted: list[tuple[str, EarName | MindName | VoiceName]] = [
        *(("ear", name) for name in choose.ear_names(settings)),
        *(("mind", name) for name in choose.mind_names(settings, persona)),
        *(("voice", name) for name in choose.voice_names(settings)),
    ]
    if choose.wants_realtime(settings, persona):
        wanted.append(("realtime", "openai"))
    timeout = aiohttp.ClientTimeout(total=limit_s)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        asking = [_ask(http, settings, persona, part, name) for part, name in wanted]
        found = await asyncio.gather(*asking)
    return [one for one in found if one is not None]


async def report(settings: Settings, say: Callable[[str], None]) -> None:
    """Say one sentence for each provider that will not serve, or could not be asked."""
    try:
        persona = personas.from_setting(settings.persona)
        found = await check(settings, persona)
    except ConfigError as error:
        say(str(error))
        return
    except personas.PersonaError:
        return  # whoever loads it for a call says so
    for one in found:
        if one.state == "problem":
            say(f"{one.what}: {one.detail}. Until then the next one serves.")
        elif one.state == "unknown":
            say(f"{one.what}: {one.detail}")


async def _ask(
    http: aiohttp.ClientSession, settings: Settings, persona: Persona, part: str, name: str
) -> Check | None:
    what = f"{part} {name}"
    try:
        if name in ("deepgram", "flux"):
            model = choose.flux_model(settings, persona) if name == "flux" else None
            return await _deepgram(http, settings, what, model or settings.deepgram_model)
        if name == "elevenlabs":
            return await _elevenlabs(http, settings, persona, what)
        if name == "openai":
            return await _openai(http, settings, part, what)
        if name == "local":
            address, model = choose.mind_url(settings, "local"), settings.local_model
            return await _model(http, address, None, model, "VISAVIS_LOCAL_MODEL", what)
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
        return Check("unknown", what, f"could not be asked ({reason}): calls start all the same")
    return None


async def _get(
    http: aiohttp.ClientSession, url: str, headers: Mapping[str, str]
) -> tuple[int, Any]:
    async with http.get(url, headers=headers) as answer:
        body = await answer.json(content_type=None) if answer.status < 500 else None
        return answer.status, body


def _refused(status: int, what: str, variable: str) -> Check | None:
    if status == 401:
        return Check("problem", what, f"{variable} is refused: put a valid key there")
    if status == 402:
        return Check("problem", what, f"{variable} has no credit left: add some, or unset it")
    if status == 403:
        return Check("unknown", what, f"{variable} may not be asked about; it may still serve")
    if status == 429:
        return Check("unknown", what, "too many requests just now")
    if status >= 500:
        return Check("unknown", what, f"its server answers {status}")
    return None


async def _deepgram(
    http: aiohttp.ClientSession, settings: Settings, what: str, model: str
) -> Check:
    assert settings.deepgram_api_key is not None
    headers = {"Authorization": f"Token {settings.deepgram_api_key.get_secret_value()}"}
    status, _ = await _get(http, f"{settings.deepgram_url}/v1/auth/token", headers)
    if (refused := _refused(status, what, "DEEPGRAM_API_KEY")) is not None:
        return refused
    if await _deepgram_spent(http, settings.deepgram_url, headers):
        return Check("problem", what, "DEEPGRAM_API_KEY has no credit left: add some, or unset it")
    status, body = await _get(http, f"{settings.deepgram_url}/v1/models", headers)
    names = [str(m.get("canonical_name") or m.get("name")) for m in (body or {}).get("stt", [])]
    kind = "flux" if model.startswith("flux") else ""
    known = any(n == model or n.startswith(f"{model}-") for n in names)
    # a list without Flux is an old list
    if status == 200 and any(n.startswith(kind) for n in names) and not known:
        return _unknown_model(what, "DEEPGRAM_MODEL", model, names)
    return Check("ok", what, f"DEEPGRAM_API_KEY is accepted, {model}")


async def _deepgram_spent(
    http: aiohttp.ClientSession, url: str, headers: Mapping[str, str]
) -> bool:
    """Whether its prepaid credit is gone; a key that hears need not be allowed to read it."""
    status, body = await _get(http, f"{url}/v1/projects", headers)
    if status != 200 or not body["projects"]:
        return False
    project = body["projects"][0]["project_id"]
    status, body = await _get(http, f"{url}/v1/projects/{project}/balances", headers)
    amounts = [float(one["amount"]) for one in body["balances"]] if status == 200 else []
    return bool(amounts) and sum(amounts) <= 0


async def _elevenlabs(
    http: aiohttp.ClientSession, settings: Settings, persona: Persona, what: str
) -> Check:
    assert settings.elevenlabs_api_key is not None
    headers = {"xi-api-key": settings.elevenlabs_api_key.get_secret_value()}
    url, model = settings.elevenlabs_url, settings.elevenlabs_model
    (status, models), (plan_status, plan) = await asyncio.gather(
        _get(http, f"{url}/models", headers), _get(http, f"{url}/user/subscription", headers)
    )
    if status == 401 and _detail(models) == "missing_permissions":
        status, models = 403, None
    if (refused := _refused(status, what, "ELEVENLABS_API_KEY")) is not None:
        return refused
    names = [str(m["model_id"]) for m in models]
    if model not in names:
        return _unknown_model(what, "ELEVENLABS_MODEL", model, names)
    voice = persona.voice.elevenlabs.voice_id
    if voice is not None:
        status, _ = await _get(http, f"{url}/voices/{voice}", headers)
        if status in (400, 404, 422):
            sentence = f"no voice {voice}: name another in {persona.id}'s voice.elevenlabs"
            return Check("problem", what, sentence)
    if plan_status == 200:  # a key that speaks need not be allowed to read its plan
        left = int(plan["character_limit"]) - int(plan["character_count"])
        if left <= 0:
            return Check("problem", what, "its quota is used up: renew it, or unset the key")
        return Check("ok", what, f"ELEVENLABS_API_KEY is accepted, {left} characters left, {model}")
    return Check("ok", what, f"ELEVENLABS_API_KEY is accepted, {model}")


async def _openai(http: aiohttp.ClientSession, settings: Settings, part: str, what: str) -> Check:
    key = settings.openai_api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key is not None else None
    if part == "realtime":
        url, model = choose.mind_url(settings, "openai"), settings.realtime_model or ""
        return await _model(http, url, headers, model, "VISAVIS_REALTIME", what)
    if part == "mind":
        url = choose.mind_url(settings, "openai")
        found = await _model(http, url, headers, settings.openai_model, "OPENAI_MODEL", what)
        return await _quota(http, settings, headers, found) if found.state == "ok" else found
    variable = "OPENAI_STT_MODEL" if part == "ear" else "OPENAI_TTS_MODEL"
    model = settings.openai_ear_model if part == "ear" else settings.openai_voice_model
    return await _model(http, choose.speech_url(settings), headers, model, variable, what)


async def _model(
    http: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str] | None,
    model: str,
    variable: str,
    what: str,
) -> Check:
    """Whether an OpenAI-compatible server has a model."""
    status, body = await _get(http, f"{url}/models", headers or {})
    if status == 401 and headers is None:
        return Check("problem", what, f"{url} wants a key: use another server, or OPENAI_API_KEY")
    if (refused := _refused(status, what, "OPENAI_API_KEY")) is not None:
        return refused
    if status != 200:
        return Check("unknown", what, f"{url} lists no models")
    names = [str(entry["id"]) for entry in body["data"]]
    if model not in names and f"{model}:latest" not in names:
        return _unknown_model(what, variable, model, names)
    return Check("ok", what, f"{model} at {url}")


async def _quota(
    http: aiohttp.ClientSession,
    settings: Settings,
    headers: Mapping[str, str] | None,
    found: Check,
) -> Check:
    """OpenAI tells of a used-up quota only when it is used: one token is asked for."""
    if headers is None:
        return found
    body = {
        "model": settings.openai_model,
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": 1,
    }
    url = f"{choose.mind_url(settings, 'openai')}/chat/completions"
    async with http.post(url, headers=headers, json=body) as answer:
        if answer.status == 429:
            error = (await answer.json(content_type=None)).get("error") or {}
            if error.get("code") == "insufficient_quota":
                sentence = "OPENAI_API_KEY has no quota left: check its plan, or unset it"
                return Check("problem", found.what, sentence)
    return found


def _detail(body: Any) -> str:
    detail = body.get("detail") if isinstance(body, dict) else None
    return str(detail.get("status")) if isinstance(detail, dict) else ""


def _unknown_model(what: str, variable: str, model: str, names: list[str]) -> Check:
    some = ", ".join(sorted(names)[:6])
    return Check("problem", what, f"{variable}={model} is unknown there: choose one of {some}")
