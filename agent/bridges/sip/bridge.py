"""`bridge sip`: the avatar in a meeting or on a telephone. START HERE for a call by SIP.

Calling: dial, and once the other side has answered make the room and call the avatar into it, so
that its greeting is heard. Being called: ring while the room is made, then answer.
"""

import argparse
import asyncio
import contextlib

from agent.bridges.call import BridgedCall, first_of
from agent.bridges.command import Reports
from agent.bridges.errors import BridgeError
from agent.bridges.feed import Feed, Picture
from agent.bridges.sip import zoom
from agent.bridges.sip.message import Uri
from agent.bridges.sip.phone import PORTS, Phone, SipOptions
from agent.bridges.sip.sdp import Encryption
from agent.config import Settings

IDENTITY = "sip-guest"


class SipBridge:
    """One call and its room. `run` lasts as long as it."""

    def __init__(self, options: SipOptions, reports: Reports) -> None:
        self._options = options
        self._reports = reports
        self._feed = Feed()
        self.phone = Phone(options, self._feed, lambda state, why: reports.say("sip", state, why))

    async def run(self, settings: Settings, *, persona: str | None, portrait: str | None) -> None:
        """Dial or wait, and stay until either side ends it. Raises BridgeError."""
        options, phone = self._options, self.phone
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(phone)
            if options.target is not None:
                self._reports.say("sip", "dialling", zoom.shown(options.target))
                await phone.dial()
            else:
                if options.registrar is not None:
                    await phone.register()
                self._reports.say("sip", "waiting", phone.address)
                await phone.rung.wait()
            room = self._make_room(settings, persona, portrait)
            await stack.enter_async_context(room)
            self._reports.say("avatar", "ready", room.room_name)
            if options.target is None:
                phone.answer()
            self._connect(room)
            await room.guest.set_attributes({"sip.callStatus": "active"})
            self._reports.say("sip", "over", await self._until_over(room))

    def _make_room(
        self, settings: Settings, persona: str | None, portrait: str | None
    ) -> BridgedCall:
        call = self.phone.call
        assert call is not None
        who = zoom.shown(call.remote.uri)
        number = who.removeprefix("sip:").removeprefix("sips:").partition("@")[0]
        return BridgedCall(
            settings,
            identity=IDENTITY,
            name=call.remote.display or number,
            feeds=[self._feed],
            persona=persona,
            portrait=portrait,
            kind="sip",
            attributes={
                "sip.callID": call.call_id,
                "sip.callStatus": "dialing" if self._options.target else "ringing",
                "sip.phoneNumber": number,
                "sip.trunkPhoneNumber": self._options.user,
            },
        )

    def _connect(self, room: BridgedCall) -> None:
        """Let the peer be heard and seen in the room; the feed goes to it already."""
        loop, guest, media = asyncio.get_running_loop(), room.guest, self.phone.media
        media.on_sound = guest.hear

        def see(picture: Picture) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(guest.see, picture)

        media.on_picture = see
        if self._options.digits:
            media.press(self._options.digits)

    async def _until_over(self, room: BridgedCall) -> str:
        await first_of(self.phone.ended, room.ended, room.guest.left)
        return self.phone.why if self.phone.ended.is_set() else await room.wait()


def options_from(arguments: argparse.Namespace, settings: Settings) -> SipOptions:
    """Raises BridgeError for what cannot be dialled."""
    passcode = arguments.passcode
    if passcode is None and settings.sip_passcode is not None:
        passcode = settings.sip_passcode.get_secret_value()
    target: Uri | None = None
    if arguments.meeting is not None:
        target = zoom.dial_string(arguments.meeting, passcode, host=arguments.domain)
    elif arguments.to is not None:
        target = Uri.parse(arguments.to)
    elif not arguments.listen:
        raise BridgeError("say whom to call: --meeting NUMBER, --to sip:USER@HOST, or --listen")
    account = None
    if arguments.account is not None:
        if settings.sip_password is None:
            raise BridgeError("--account needs its password in VISAVIS_SIP_PASSWORD")
        account = (arguments.account, settings.sip_password.get_secret_value())
    registrar = Uri.parse(arguments.registrar) if arguments.registrar is not None else None
    waits_alone = target is None and registrar is None
    secret: Encryption = arguments.encryption or (
        "required" if arguments.transport == "tls" else "optional"
    )
    return SipOptions(
        target,
        transport=arguments.transport,
        encryption=secret,
        host=arguments.host,
        public_host=arguments.public_host,
        port=arguments.sip_port or (PORTS[arguments.transport] if waits_alone else 0),
        user=arguments.account or "visavis",
        account=account,
        registrar=registrar,
        digits=arguments.digits,
        ca_file=arguments.ca,
        cert_file=arguments.cert,
        video=not arguments.no_video,
    )


async def run(settings: Settings, arguments: argparse.Namespace, reports: Reports) -> int:
    """Until the call is over or this is cancelled. Raises BridgeError."""
    bridge = SipBridge(options_from(arguments, settings), reports)
    await bridge.run(settings, persona=arguments.persona, portrait=arguments.portrait)
    return 0
