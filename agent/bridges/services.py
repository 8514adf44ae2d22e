"""LiveKit's own SIP and Egress services instead of our bridges, where an operator runs them.

LiveKit SIP carries sound only: no face comes into the meeting. It refuses calls above 90 % of its
machine's CPU, so it does not belong beside the worker. Egress sends a participant's two tracks as a
subscriber gets them, so sound and picture may be tens of milliseconds apart.
"""

import aiohttp
from livekit import api
from livekit.protocol import sip as sip_protocol

from agent.bridges.errors import BridgeError
from agent.bridges.sip_texts import refusal
from agent.bridges.urls import StreamUrl
from agent.config import Settings

_DIAL_S = 60.0
_ENCRYPTION = {
    "off": sip_protocol.SIP_MEDIA_ENCRYPT_DISABLE,
    "optional": sip_protocol.SIP_MEDIA_ENCRYPT_ALLOW,
    "required": sip_protocol.SIP_MEDIA_ENCRYPT_REQUIRE,
}


def client(settings: Settings) -> api.LiveKitAPI:
    """livekit-server's API; close it."""
    return api.LiveKitAPI(
        settings.http_url,
        settings.livekit_api_key,
        settings.livekit_api_secret.get_secret_value(),
        timeout=aiohttp.ClientTimeout(total=_DIAL_S),
        failover=False,
    )


async def dial(
    livekit: api.LiveKitAPI,
    *,
    trunk_id: str,
    number: str,
    room: str,
    identity: str,
    digits: str = "",
    encryption: str = "optional",
) -> str:
    """Have LiveKit SIP call `number` (a Zoom dial string's user part) into a room, sound only.

    Returns the call's id once it was answered. Raises BridgeError with the SIP status.
    """
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=trunk_id,
        sip_call_to=number,
        room_name=room,
        participant_identity=identity,
        dtmf=digits,
        hide_phone_number=True,  # the number holds the meeting's passcode
        media_encryption=_ENCRYPTION[encryption],
        wait_until_answered=True,
    )
    try:
        found = await livekit.sip.create_sip_participant(request)
    except api.SipCallError as error:
        raise BridgeError(refusal(error.sip_status or "", error.sip_status_code or 0)) from None
    except api.ServerError as error:
        raise BridgeError(_sentence(error, "SIP")) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise BridgeError(f"LiveKit does not answer ({type(error).__name__})") from None
    return found.sip_call_id


async def accept(livekit: api.LiveKitAPI, *, trunk_id: str, prefix: str = "visavis-") -> str:
    """Give every call that comes by this trunk a room of its own; returns the rule's id."""
    individual = api.SIPDispatchRuleIndividual(room_prefix=prefix)
    request = api.CreateSIPDispatchRuleRequest(
        rule=api.SIPDispatchRule(dispatch_rule_individual=individual),
        trunk_ids=[trunk_id],
        name="visavis",
    )
    try:
        return (await livekit.sip.create_dispatch_rule(request)).sip_dispatch_rule_id
    except api.ServerError as error:
        raise BridgeError(_sentence(error, "SIP")) from None


async def push(
    livekit: api.LiveKitAPI, *, room: str, audio_track: str, video_track: str, url: StreamUrl
) -> str:
    """Have LiveKit Egress send two tracks to an RTMP server; returns the egress's id."""
    output = api.StreamOutput(protocol=api.StreamProtocol.RTMP, urls=[url.full])
    request = api.TrackCompositeEgressRequest(
        room_name=room,
        audio_track_id=audio_track,
        video_track_id=video_track,
        stream_outputs=[output],
    )
    try:
        return (await livekit.egress.start_track_composite_egress(request)).egress_id
    except api.ServerError as error:
        raise BridgeError(_sentence(error, "Egress").replace(url.full, str(url))) from None


def _sentence(error: api.ServerError, service: str) -> str:
    if "no response from servers" in error.message:
        return f"no LiveKit {service} service runs: start it beside livekit-server, with its Redis"
    if "cpu exhausted" in error.message:
        return f"the LiveKit {service} service refuses calls: its machine is too busy"
    return f"the LiveKit {service} service refuses: {error.message}"
