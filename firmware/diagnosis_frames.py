# Cold: the part of a diagnostics file with the last messages, as far as they lie in the window.
import json
from struct import unpack_from

from diagnosis_window import when, within
from flashlog import UPTIME

_FRAME = 48  # bytes, see ocpp16.rpc


def parts(box, start, stop, hidden):
    """Lines of JSON without the payloads, which may hold what is nobody's business."""
    rpc = box.ocpp.rpc
    ring = rpc.frames
    for n in range(1, len(ring) // _FRAME + 1):
        at = (rpc.frame + n) * _FRAME % len(ring)
        stamp, size, sent = unpack_from("<IHB", ring, at)
        if size and within(stamp, start, stop):
            head = bytearray(bytes(ring[at + 7 : at + _FRAME]).split(b"\0")[0])
            for i, c in enumerate(head):
                if not 31 < c < 127:
                    head[i] = 63
            yield '{"frame": %s, "bytes": %d, "sent": %s, %s}' % (
                json.dumps(head.decode()),
                size,
                "true" if sent else "false",
                when(stamp or UPTIME),
            )
