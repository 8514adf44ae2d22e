"""Deepgram's API on loopback: listen v1 (nova) and v2 (Flux), the key's details and the models.

It hears loudness, not words: when a voice has been silent for a while it says the next of `says`.
"""

import asyncio
import json
from typing import Any

from aiohttp import WSMsgType, web
from fake_service import FakeService, Fault
from fake_speech import loudness

LOUD = 300.0
SILENCE_S = 0.2
MODELS = ["nova-3-general", "nova-2-general", "flux-general-en", "flux-general-multi"]


class FakeDeepgram(FakeService):
    """says: transcripts of the utterances to come, the last one again and again."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.says = ["What can you do?"]
        self.utterances = 0
        self.deaf = False
        """It takes sound and says nothing."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/listen", self._listen),
            web.get("/v2/listen", self._flux),
            web.get("/v1/auth/token", self._token),
            web.get("/v1/projects", self._projects),
            web.get("/v1/projects/p1/balances", self._balances),
            web.get("/v1/models", self._models),
        ]

    def denied(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Token {self.key}":
            return None
        return self.denied_answer()

    def denied_answer(self) -> web.Response:
        body = {"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials.", "request_id": "r"}
        return web.json_response(body, status=401)

    async def _token(self, request: web.Request) -> web.Response:
        return web.json_response({"api_key_id": "1", "scopes": ["usage:write"]})

    async def _projects(self, request: web.Request) -> web.Response:
        return web.json_response({"projects": [{"project_id": "p1", "name": "fake"}]})

    async def _balances(self, request: web.Request) -> web.Response:
        amount = 0.0 if self.fault.kind == "quota" else 9.5
        found = [{"balance_id": "b1", "amount": amount, "units": "usd"}]
        return web.json_response({"balances": found})

    async def _models(self, request: web.Request) -> web.Response:
        found = [
            {"name": name, "canonical_name": name, "architecture": name.rsplit("-", 1)[0]}
            for name in MODELS
        ]
        return web.json_response({"stt": found, "tts": []})

    async def _open(self, request: web.Request) -> web.WebSocketResponse | web.Response:
        fault = self.fault
        if fault.kind in ("limited", "quota", "slow"):
            fault = self.take_fault()
        if fault.kind == "limited":
            return self.limited()
        if fault.kind == "quota":
            body = {"err_code": "ASR_PAYMENT_REQUIRED", "err_msg": "Not enough credits."}
            return web.json_response(body, status=402)
        if fault.kind == "slow":
            await self.hang()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        socket = await self._open(request)
        if isinstance(socket, web.WebSocketResponse):
            await self._hear(socket, request, _Nova(self, socket))
        return socket

    async def _flux(self, request: web.Request) -> web.StreamResponse:
        socket = await self._open(request)
        if isinstance(socket, web.WebSocketResponse):
            await self._hear(socket, request, _Flux(self, socket))
        return socket

    async def _hear(
        self, socket: web.WebSocketResponse, request: web.Request, ear: "_Nova | _Flux"
    ) -> None:
        fault, rate = Fault(), int(request.query.get("sample_rate", "16000"))
        heard_s = silent_s = 0.0
        speaking = False
        await ear.begin()
        async for message in socket:
            if self.fault.kind in ("stall", "close", "garbage"):
                fault = self.fault
            if message.type is WSMsgType.TEXT:
                kind = json.loads(message.data).get("type")
                if kind == "CloseStream":
                    break
                silent_s = SILENCE_S if kind == "Finalize" else silent_s
            elif message.type is not WSMsgType.BINARY:
                break
            pcm = message.data if message.type is WSMsgType.BINARY else b""
            seconds = len(pcm) / 2 / rate
            loud = loudness(pcm) > LOUD
            if loud:
                heard_s, silent_s = heard_s + seconds, 0.0
            else:
                silent_s += seconds
            if heard_s and fault.kind in ("close", "garbage") and heard_s >= fault.after:
                self.take_fault()
                if fault.kind == "garbage":
                    await socket.send_str("{this is no JSON")
                self.fault = Fault() if self.fault.times == 0 else self.fault
                if request.transport is not None:
                    request.transport.abort()
                return
            if self.deaf or (fault.kind == "stall" and heard_s >= fault.after):
                continue
            if loud and not speaking:
                speaking = True
                await ear.started(self._words())
            if speaking and silent_s >= SILENCE_S:
                speaking = False
                words = self._words()
                self.utterances += 1
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await ear.ended(words, heard_s)
                heard_s = 0.0
        await socket.close()

    def _words(self) -> list[str]:
        return self.says[min(self.utterances, len(self.says) - 1)].split()


class _Nova:
    def __init__(self, service: FakeDeepgram, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def begin(self) -> None:
        return None

    async def started(self, words: list[str]) -> None:
        await self._socket.send_json({"type": "SpeechStarted", "channel": [0], "timestamp": 0.0})
        await self._results(words[:1], final=False)

    async def ended(self, words: list[str], seconds: float) -> None:
        await self._results(words, final=True)

    async def _results(self, words: list[str], *, final: bool) -> None:
        timed = [
            {
                "word": word,
                "punctuated_word": word,
                "start": n * 0.3,
                "end": n * 0.3 + 0.25,
                "confidence": 0.99,
            }
            for n, word in enumerate(words)
        ]
        alternative = {"transcript": " ".join(words), "confidence": 0.99, "words": timed}
        await self._socket.send_json(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "duration": 1.0,
                "start": 0.0,
                "is_final": final,
                "speech_final": final,
                "channel": {"alternatives": [alternative]},
                "metadata": {"request_id": "r1"},
            }
        )


class _Flux:
    def __init__(self, service: FakeDeepgram, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._turn = 0

    async def begin(self) -> None:
        await self._socket.send_json({"type": "Connected", "request_id": "r1", "sequence_id": 0})

    async def started(self, words: list[str]) -> None:
        await self._info("StartOfTurn", words[:1])
        await self._info("Update", words)

    async def ended(self, words: list[str], seconds: float) -> None:
        await self._info("EndOfTurn", words)
        self._turn += 1

    async def _info(self, event: str, words: list[str]) -> None:
        await self._socket.send_json(
            {
                "type": "TurnInfo",
                "request_id": "r1",
                "sequence_id": 1,
                "event": event,
                "turn_index": self._turn,
                "audio_window_start": 0.0,
                "audio_window_end": 1.0,
                "transcript": " ".join(words),
                "words": [{"word": word, "confidence": 0.98} for word in words],
                "end_of_turn_confidence": 0.9,
            }
        )
