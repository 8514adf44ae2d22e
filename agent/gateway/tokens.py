"""Who may join which room: reads a token request and signs the smallest token that makes a call.

The request and the answer have the form of LiveKit's token endpoint, so `TokenSource.endpoint()`
of any LiveKit client works against it. A request chooses a room, a name, a persona and a portrait;
it can never raise its grants, wear an attribute LiveKit reserves, or call an agent other than ours.
"""

import secrets
from datetime import timedelta
from typing import Annotated, Self

from livekit import api
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.config import CHECK_ROOMS, Settings
from agent.gateway.problems import Problem

PERSONA_ATTRIBUTE = "visavis.persona"
PORTRAIT_ATTRIBUTE = "visavis.portrait"
LIFETIME = timedelta(minutes=10)
"""How long a token may wait to be used; livekit-server renews it during the call."""
MAX_BODY_BYTES = 16 * 1024

_ROOM_PREFIX = "visavis-"
_SOURCES = ["microphone", "camera", "screen_share", "screen_share_audio"]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
Label = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=64)]
AttributeKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=64)]
AttributeValue = Annotated[str, StringConstraints(max_length=256)]


class _AgentDispatch(BaseModel):
    model_config = ConfigDict(extra="ignore")
    agent_name: str = Field(default="", max_length=128)


class _RoomConfig(BaseModel):
    """Only the agents are read, to refuse foreign ones; the gateway sets up rooms itself."""

    model_config = ConfigDict(extra="ignore")
    agents: list[_AgentDispatch] = Field(default=[], max_length=8)


class TokenRequest(BaseModel):
    """The body of POST /api/token. Every field may be left out; unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    room_name: Name | None = None
    participant_identity: Name | None = None
    participant_name: Label | None = None
    participant_metadata: str | None = Field(default=None, max_length=2048)
    participant_attributes: dict[AttributeKey, AttributeValue] = Field(default={}, max_length=16)
    room_config: _RoomConfig | None = None
    persona: Name | None = None
    portrait: Name | None = None

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a request body; empty counts as `{}`. Raises Problem with a sentence."""
        try:
            return cls.model_validate_json(body.strip() or b"{}")
        except ValidationError as error:
            raise _unreadable(error) from None

    def chosen_persona(self, default: str) -> str:
        """The persona asked for, in the field or in the attribute; else `default`."""
        return self.persona or self.participant_attributes.get(PERSONA_ATTRIBUTE) or default

    def chosen_portrait(self) -> str | None:
        """The portrait asked for, in the field or in the attribute; None: the persona's own."""
        return self.portrait or self.participant_attributes.get(PORTRAIT_ATTRIBUTE) or None


class TokenReply(BaseModel):
    """The answer of POST /api/token."""

    server_url: str
    participant_token: str


def _unreadable(error: ValidationError) -> Problem:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Problem(400, "The request is not valid JSON.")
    if not first["loc"]:
        return Problem(400, "The request must be a JSON object.")
    return Problem(422, f"{first['loc'][0]} is too long or holds characters that are not allowed.")


def refuse_what_it_may_not_ask(request: TokenRequest, agent_name: str) -> None:
    """Raises Problem when the request names another agent or an attribute LiveKit reserves."""
    agents = request.room_config.agents if request.room_config else []
    if any(agent.agent_name not in ("", agent_name) for agent in agents):
        raise Problem(403, "This server sends its own agent. Leave agents out of room_config.")
    if any(key.startswith("lk.") for key in request.participant_attributes):
        raise Problem(403, "Attributes that start with lk. are reserved for LiveKit.")


def new_room_name() -> str:
    """A room name nobody can guess: knowing it is what lets a second device join the call."""
    return f"{_ROOM_PREFIX}{secrets.token_hex(12)}"


def new_check_room() -> str:
    """A room to try the network in."""
    return f"{CHECK_ROOMS}{secrets.token_hex(12)}"


def sign_check(settings: Settings, room: str) -> str:
    """A JWT to join a room of `new_check_room`: to be connected, and nothing else."""
    grants = api.VideoGrants(
        room_join=True, room=room, can_publish=False, can_subscribe=True, can_publish_data=True
    )
    secret = settings.livekit_api_secret.get_secret_value()
    token = api.AccessToken(settings.livekit_api_key, secret).with_identity(new_identity())
    return token.with_grants(grants).with_ttl(LIFETIME).to_jwt()


def is_generated(room_name: str | None) -> bool:
    """Whether it looks like one of ours: then it names a call, which goes on or is over."""
    return room_name is not None and room_name.startswith(_ROOM_PREFIX)


def new_identity() -> str:
    """An identity nobody can guess: a second participant with the same one ends the first."""
    return f"guest-{secrets.token_hex(8)}"


def sign(request: TokenRequest, settings: Settings, *, room: str, persona: str) -> str:
    """A JWT to join `room` only: publish microphone, camera and screen, subscribe, send data."""
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=True,
        can_subscribe=True,
        can_publish_data=True,
        can_publish_sources=_SOURCES,
        can_update_own_metadata=False,
    )
    attributes = {**request.participant_attributes, PERSONA_ATTRIBUTE: persona}
    token = (
        api.AccessToken(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
        .with_identity(request.participant_identity or new_identity())
        .with_name(request.participant_name or "Guest")
        .with_attributes(attributes)
        .with_grants(grants)
        .with_ttl(LIFETIME)
    )
    if request.participant_metadata:
        token = token.with_metadata(request.participant_metadata)
    return token.to_jwt()
