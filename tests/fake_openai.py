"""OpenAI's API on loopback: models, chat completions, speech, transcriptions and realtime."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web
from fake_service import FakeService, Fault, Gone
from fake_speech import RATE, Speaker

MODELS = ["gpt-4.1-mini", "gpt-4o-mini-tts", "gpt-4o-mini-transcribe", "gpt-realtime", "llama3.2"]
PIECE_S = 0.25
ANSWER = "Water boils at one hundred degrees. That is hotter than most people think."


class FakeOpenAI(FakeService):
    """Answers what `answer` says to the last message. key None: a local server, which asks none.
    word_s: time between two words of an answer."""

    def __init__(self, *, word_s: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.speaker = Speaker()
        self.answer: Callable[[str], str] = lambda asked: ANSWER
        self.heard = "what can you do"
        self.word_s = word_s
        self._sockets: set[web.WebSocketResponse] = set()
        self.asked: list[list[dict[str, Any]]] = []
        self.bodies: list[dict[str, Any]] = []

    async def __aexit__(self, *arguments: Any) -> None:
        await super().__aexit__(*arguments)
        await self.speaker.aclose()

    async def drop(self) -> None:
        """Close every realtime connection."""
        sockets, self._sockets = self._sockets, set()
        for socket in sockets:
            await socket.close(code=1011)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/models", self._models),
            web.get("/v1/models/{model}", self._model),
            web.post("/v1/chat/completions", self._chat),
            web.post("/v1/audio/speech", self._speech),
            web.post("/v1/audio/transcriptions", self._transcriptions),
            web.get("/v1/realtime", self._realtime),
        ]

    def denied(self, request: web.Request) -> web.Response | None:
        if not self.key or request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return self.denied_answer()

    def denied_answer(self) -> web.Response:
        return _error(
            401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"
        )

    async def _models(self, request: web.Request) -> web.Response:
        data = [{"id": model, "object": "model", "owned_by": "fake"} for model in MODELS]
        return web.json_response({"object": "list", "data": data})

    async def _model(self, request: web.Request) -> web.Response:
        model = request.match_info["model"]
        if model not in MODELS:
            text = f"The model '{model}' does not exist or you do not have access to it."
            return _error(404, text, "invalid_request_error", "model_not_found")
        return web.json_response({"id": model, "object": "model", "owned_by": "fake"})

    async def _before(self, fault: Fault) -> web.Response | None:
        """The faults that come before the first byte."""
        if fault.kind == "limited":
            return self.limited()
        if fault.kind == "quota":
            text = "You exceeded your current quota, please check your plan and billing details."
            return _error(429, text, "insufficient_quota", "insufficient_quota")
        if fault.kind == "slow":
            await self.hang()
        if self.delay_s:
            await self.wait(self.delay_s)
        return None

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        fault, body = self.take_fault(), await request.json()
        self.asked.append(body["messages"])
        self.bodies.append(body)
        if (answer := await self._before(fault)) is not None:
            return answer
        asked = str(body["messages"][-1].get("content"))
        words = [w + " " for w in self.answer(asked).split(" ")]
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(words).strip()}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return web.json_response({"id": "c1", "object": "chat.completion", "choices": [choice]})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if fault.kind == "garbage":
            await response.write(b"data: {this is no JSON\n\n")
            return response
        await self._event(response, {"role": "assistant", "content": ""})
        for n, word in enumerate(words):
            if fault.kind in ("stall", "close") and n >= fault.after:
                if fault.kind == "stall":
                    await self.hang()
                raise Gone
            await self._event(response, {"content": word})
            if self.word_s:
                await self.wait(self.word_s)
        await self._event(response, {}, finish="stop")
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _event(
        self, response: web.StreamResponse, delta: dict[str, Any], finish: str | None = None
    ) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
        await response.write(
            b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n"
        )

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        fault, body = self.take_fault(), await request.json()
        self.bodies.append(body)
        if (answer := await self._before(fault)) is not None:
            return answer
        speech = await self.speaker.say(body["input"])
        events = body.get("stream_format") == "sse"
        kind = "text/event-stream" if events else "audio/pcm"
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        if fault.kind == "garbage":
            await response.write(b"data: {this is no JSON\n\n")
            return response
        step = 2 * round(PIECE_S * RATE)
        for at in range(0, len(speech.pcm), step):
            if fault.kind in ("stall", "close") and at / 2 / RATE >= fault.after:
                if fault.kind == "stall":
                    await self.hang()
                raise Gone
            pcm = speech.pcm[at : at + step]
            if events:
                delta = {"type": "speech.audio.delta", "audio": base64.b64encode(pcm).decode()}
                await response.write(b"data: " + json.dumps(delta).encode() + b"\n\n")
            else:
                await response.write(pcm)
        if events:
            await response.write(b'data: {"type": "speech.audio.done", "usage": {}}\n\n')
        return response

    async def _transcriptions(self, request: web.Request) -> web.StreamResponse:
        fault = self.take_fault()
        await request.post()
        if (answer := await self._before(fault)) is not None:
            return answer
        if fault.kind == "garbage":
            return web.Response(body=b"{this is no JSON", content_type="application/json")
        if fault.kind == "stall":
            await self.hang()
        if fault.kind == "close":
            raise Gone
        return web.json_response({"text": self.heard})

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        if (answer := await self._before(self.take_fault())) is not None:
            return answer
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        session = _Realtime(self, socket)
        await session.send(
            "session.created", session={"id": "sess_1", "object": "realtime.session"}
        )
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            try:
                await session.take(json.loads(message.data))
            except Gone:
                if request.transport is not None:
                    request.transport.abort()
        await session.aclose()
        return socket


class _Realtime:
    """One speech-to-speech session: items are acknowledged, responses are spoken."""

    def __init__(self, service: FakeOpenAI, socket: web.WebSocketResponse) -> None:
        self._service, self._socket = service, socket
        self._count = 0
        self._last = ""
        self._answering: asyncio.Task[None] | None = None

    async def send(self, kind: str, **fields: Any) -> None:
        self._count += 1
        await self._socket.send_json({"type": kind, "event_id": f"event_{self._count}", **fields})

    async def take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "session.update":
            await self.send("session.updated", session={"id": "sess_1", **event["session"]})
        elif kind == "conversation.item.create":
            item = event["item"]
            for part in item.get("content") or []:
                self._last = part.get("text") or self._last
            await self.send("conversation.item.added", item=item, previous_item_id=None)
            await self.send("conversation.item.done", item=item, previous_item_id=None)
        elif kind == "conversation.item.delete":
            await self.send("conversation.item.deleted", item_id=event["item_id"])
        elif kind == "response.create":
            self._answering = asyncio.create_task(self._answer(event))
        elif kind == "response.cancel" and self._answering is not None:
            self._answering.cancel()

    async def aclose(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.wait({self._answering})

    async def _answer(self, event: dict[str, Any]) -> None:
        fault = self._service.take_fault()
        text = self._service.answer(self._last)
        speech = await self._service.speaker.say(text)
        names = {"response_id": f"resp_{self._count}", "item_id": f"item_{self._count}"}
        response = {
            "id": names["response_id"],
            "object": "realtime.response",
            "status": "in_progress",
            "output": [],
            "metadata": (event.get("response") or {}).get("metadata"),
        }
        await self.send("response.created", response=response)
        item = {"id": names["item_id"], "type": "message", "role": "assistant", "content": []}
        await self.send(
            "response.output_item.added",
            response_id=names["response_id"],
            output_index=0,
            item=item,
        )
        place = {**names, "output_index": 0, "content_index": 0}
        await self.send("response.content_part.added", **place, part={"type": "audio"})
        step = 2 * round(PIECE_S * RATE)
        for at in range(0, len(speech.pcm), step):
            if fault.kind in ("stall", "close") and at / 2 / RATE >= fault.after:
                if fault.kind == "close":
                    await self._socket.close(code=1011)
                    return
                await self._service.hang()
            pcm = base64.b64encode(speech.pcm[at : at + step]).decode()
            await self.send("response.output_audio.delta", **place, delta=pcm)
        await self.send("response.output_audio_transcript.delta", **place, delta=text)
        await self.send("response.output_audio.done", **place)
        await self.send("response.output_audio_transcript.done", **place, transcript=text)
        await self.send("response.content_part.done", **place, part={"type": "audio"})
        done = {**item, "status": "completed"}
        await self.send(
            "response.output_item.done", response_id=names["response_id"], output_index=0, item=done
        )
        await self.send("response.done", response={**response, "status": "completed"})


def _error(status: int, message: str, kind: str, code: str) -> web.Response:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return web.json_response({"error": error}, status=status)
