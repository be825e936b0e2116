"""How a phone gets here: the address of this machine in its network, and a picture of it for the terminal."""

from __future__ import annotations

import io
import socket

import segno


def lan_address() -> str | None:
    """This machine's address where others in its network reach it; None without a network. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket only chooses the way out. 192.0.2.0/24 belongs to nobody (RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def picture(text: str) -> str:
    """A QR code in half blocks, as narrow as it can be."""
    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue()
