"""ElevenLabs' API on loopback: multi-stream-input, stream, voices, models and the subscription."""

import asyncio
import base64
import json
from typing import Any

from aiohttp import WSMsgType, web
from fake_service import FakeService, Fault, Gone
from fake_speech import RATE, Speaker, Speech

VOICES = {"EXAVITQu4vr4xnSDxMaL": "Sarah", "hpp4J3VqNfWAUOO0d1Us": "Bella"}
MODELS = ["eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_multilingual_v2"]
PIECE_S = 0.25


class FakeElevenLabs(FakeService):
    """Speaks each flushed text. chunk_times: whether times count from each sentence's first sample
    (as its documentation says) instead of from the context's."""

    def __init__(self, *, chunk_times: bool = False, pace: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.speaker = Speaker()
        self.chunk_times = chunk_times
        self.pace = pace
        """Seconds of waiting for each second of sound: 0 sends at once."""
        self.said: list[Speech] = []
        self.manners: list[dict[str, Any] | None] = []
        """The voice settings of each context, in the order in which they were opened."""
        self.left = 10_000

    async def __aexit__(self, *arguments: Any) -> None:
        await super().__aexit__(*arguments)
        await self.speaker.aclose()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/text-to-speech/{voice}/multi-stream-input", self._socket),
            web.post("/v1/text-to-speech/{voice}/stream", self._stream),
            web.get("/v1/voices", self._voices),
            web.get("/v1/voices/{voice}", self._voice),
            web.get("/v1/models", self._models),
            web.get("/v1/user/subscription", self._subscription),
        ]

    def denied(self, request: web.Request) -> web.Response | None:
        if request.headers.get("xi-api-key") == self.key:
            return None
        return self.denied_answer()

    def denied_answer(self) -> web.Response:
        detail = {"status": "invalid_api_key", "message": "Invalid API key"}
        return web.json_response({"detail": detail}, status=401)

    async def _voices(self, request: web.Request) -> web.Response:
        voices = [
            {"voice_id": voice, "name": name, "category": "premade"}
            for voice, name in VOICES.items()
        ]
        return web.json_response({"voices": voices})

    async def _voice(self, request: web.Request) -> web.Response:
        voice = request.match_info["voice"]
        if voice not in VOICES:
            detail = {"status": "voice_not_found", "message": f"A voice with {voice} was not found"}
            return web.json_response({"detail": detail}, status=400)
        return web.json_response({"voice_id": voice, "name": VOICES[voice]})

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response([{"model_id": m, "can_do_text_to_speech": True} for m in MODELS])

    async def _subscription(self, request: web.Request) -> web.Response:
        used = 10_000 if self.fault.kind == "quota" else 10_000 - self.left
        body = {"tier": "creator", "character_count": used, "character_limit": 10_000}
        return web.json_response({**body, "status": "active"})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        fault = self.take_fault()
        if fault.kind == "limited":
            return self.limited()
        if fault.kind == "quota":
            detail = {"status": "quota_exceeded", "message": "This request exceeds your quota."}
            return web.json_response({"detail": detail}, status=401)
        if fault.kind == "slow":
            await self.hang()
        speech = await self.speaker.say((await request.json())["text"])
        self.said.append(speech)
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        for at in _pieces(speech.pcm):
            await self._break(fault, at / 2 / RATE)
            await response.write(speech.pcm[at : at + 2 * round(PIECE_S * RATE)])
        return response

    async def _break(self, fault: Fault, sent_s: float) -> None:
        if fault.kind in ("stall", "close") and sent_s >= fault.after:
            if fault.kind == "stall":
                await self.hang()
            raise Gone

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.fault.kind == "limited" and self.take_fault().kind == "limited":
            return self.limited()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        contexts: dict[str, _Context] = {}
        work: set[asyncio.Task[None]] = set()
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                packet = json.loads(message.data)
                if packet["context_id"] not in contexts:
                    self.manners.append(packet.get("voice_settings"))
                context = contexts.setdefault(packet["context_id"], _Context(packet["context_id"]))
                context.text += packet.get("text", "")
                if packet.get("flush") or packet.get("close_context"):
                    ends = bool(packet.get("close_context"))
                    before = context.task
                    context.task = asyncio.create_task(
                        self._guarded(socket, request, context, context.take(), before, ends)
                    )
                    work.add(context.task)
                if packet.get("close_socket"):
                    break
        finally:
            for task in work:
                task.cancel()
        return socket

    async def _guarded(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        context: "_Context",
        text: str,
        before: "asyncio.Task[None] | None",
        ends: bool,
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        try:
            if text.strip():
                await self._speak(socket, context, text.strip())
            if ends:
                await socket.send_json({"isFinal": True, "contextId": context.id})
        except Gone:
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            pass

    async def _speak(self, socket: web.WebSocketResponse, context: "_Context", text: str) -> None:
        fault = context.fault = context.fault or self.take_fault()
        if fault.kind == "slow":
            await self.hang()
        if fault.kind == "garbage":
            await socket.send_str("{this is no JSON")
            await self.hang()
        if fault.kind == "quota":
            error = {"message": "This request exceeds your quota.", "error": "quota_exceeded"}
            await socket.send_json({**error, "code": 1008, "contextId": context.id})
            await socket.close(code=1008, message=b"quota exceeded")
            return
        speech = await self.speaker.say(text)
        self.said.append(speech)
        await self.wait(self.delay_s) if self.delay_s else None
        chars, starts, lengths = speech.letters()
        chars, starts, lengths = [*chars, " "], [*starts, starts[-1]], [*lengths, 0]
        origin_ms = 0 if self.chunk_times else round(context.seconds * 1000)
        for at in _pieces(speech.pcm):
            begin_s = at / 2 / RATE
            await self._break(fault, context.seconds)
            pcm = speech.pcm[at : at + 2 * round(PIECE_S * RATE)]
            seconds = len(pcm) / 2 / RATE
            first, last = begin_s * 1000, (begin_s + seconds) * 1000
            if at + len(pcm) == len(speech.pcm):
                last = float("inf")
            here = [n for n, start in enumerate(starts) if first <= start < last]
            alignment = {
                "chars": [chars[n] for n in here],
                "charStartTimesMs": [starts[n] + origin_ms for n in here],
                "charDurationsMs": [lengths[n] for n in here],
            }
            packet = {
                "audio": base64.b64encode(pcm).decode(),
                "alignment": alignment,
                "normalizedAlignment": alignment,
                "isFinal": None,
                "contextId": context.id,
            }
            await socket.send_json(packet)
            context.seconds += seconds
            if self.pace:
                await self.wait(self.pace * seconds)


class _Context:
    """One of a connection's."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.text = ""
        self.seconds = 0.0
        self.task: asyncio.Task[None] | None = None
        self.fault: Fault | None = None

    def take(self) -> str:
        text, self.text = self.text, ""
        return text


def _pieces(pcm: bytes) -> range:
    return range(0, len(pcm), 2 * round(PIECE_S * RATE))
