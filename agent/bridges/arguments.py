"""What `python -m agent bridge` takes; imports nothing heavy."""

import argparse


def add_bridge_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the ways: rtmp, sip, doctor."""
    ways = parser.add_subparsers(dest="way", required=True)
    text = "publish the avatar as an RTMP stream, listen to a stream, or both in one session"
    rtmp = ways.add_parser("rtmp", help=text, description=text)
    rtmp.add_argument(
        "--in",
        dest="in_url",
        metavar="URL",
        help="listen to and watch this rtmp(s):// or rtsp(s):// stream (better: VISAVIS_RTMP_IN)",
    )
    rtmp.add_argument(
        "--out",
        dest="out_url",
        metavar="URL",
        help="send the avatar to this rtmp(s):// address (better: VISAVIS_RTMP_OUT, because other "
        "users of a machine can read command lines, and the address holds the stream key)",
    )
    text = "call the avatar into a Zoom meeting, or any SIP address, or wait to be called"
    sip = ways.add_parser("sip", help=text, description=text)
    _add_sip_arguments(sip)
    text = "check peer, codecs, ports and encryption, and say what will not work"
    doctor = ways.add_parser("doctor", help=text, description=text)
    doctor.add_argument("--in", dest="in_url", metavar="URL")
    doctor.add_argument("--out", dest="out_url", metavar="URL")
    doctor.add_argument("--to", metavar="URI", help="a SIP address, e.g. sip:zoomcrc.com")
    doctor.add_argument("--transport", choices=["tls", "tcp", "udp"], default="tls")
    doctor.add_argument("--ca", metavar="FILE", help="whose certificates to trust, too")
    for way in (rtmp, sip):
        way.add_argument("--persona", help="who answers (default: VISAVIS_PERSONA)")
        way.add_argument("--portrait", help="with which face (default: the persona's own)")
        way.add_argument("--room", help="the room's name (default: a new one)")
        way.add_argument("--json", action="store_true", help="one JSON object a line, for programs")


def _add_sip_arguments(sip: argparse.ArgumentParser) -> None:
    whom = sip.add_mutually_exclusive_group()
    whom.add_argument("--meeting", metavar="NUMBER", help="a Zoom meeting's number")
    whom.add_argument("--to", metavar="URI", help="any address: sip:user@host (Zoom's sip_dialing)")
    whom.add_argument("--listen", action="store_true", help="wait to be called, and answer")
    sip.add_argument(
        "--passcode",
        help="the meeting's number passcode (better: VISAVIS_SIP_PASSCODE, because other users of "
        "a machine can read command lines)",
    )
    sip.add_argument("--domain", default="zoomcrc.com", help="of the meeting's SIP gateway")
    sip.add_argument("--transport", choices=["tls", "tcp", "udp"], default="tls")
    sip.add_argument(
        "--encryption",
        choices=["required", "optional", "off"],
        help="of sound and picture (default: required over TLS, else optional)",
    )
    sip.add_argument("--account", metavar="USER", help="password: VISAVIS_SIP_PASSWORD")
    sip.add_argument(
        "--registrar",
        metavar="URI",
        help="sip:HOST: register --account there and wait for its calls, or call through it",
    )
    sip.add_argument("--digits", default="", help="keys to press once in: 123#, w waits 0.5 s")
    sip.add_argument(
        "--host",
        default="",
        help="our address (default: the one that the peer or registrar sees; with --listen alone "
        "127.0.0.1, which only this machine can call)",
    )
    sip.add_argument("--public-host", default="", help="our address outside of a NAT")
    sip.add_argument("--port", dest="sip_port", type=int, default=0, help="of ours for SIP")
    sip.add_argument("--ca", metavar="FILE", help="whose certificates to trust besides the usual")
    sip.add_argument("--cert", metavar="FILE", help="our certificate and key, to be called by TLS")
    sip.add_argument("--no-video", action="store_true", help="sound alone")
