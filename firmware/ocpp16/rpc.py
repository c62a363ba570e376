# OCPP-J framing: CALL, CALLRESULT, CALLERROR over text messages, one CALL of ours outstanding at a time (J-SYNC-01).
#
# A CALL of the central system goes to ocpp16.calls, and from there to its profile.
# Sans-I/O: receive(message, now_ms) takes what came, next(now_ms) gives what is to be sent, answers before calls.
# Calls are asked of `source.next_call(now_ms)`, which returns a Call or None; its `done(call, answer, error)` is called exactly
# once, with the payload of the answer, or None and the code of the error: a wire code, "Timeout" or "Disconnected".
# A payload is a dict, or an iterator of pieces of its JSON text where it is too large for one piece of RAM; then so is the frame.
import json
from struct import pack_into

from ocpp16.errors import OcppError
import cold
import ticks

_SCHEMA = "ocpp16.schema"
_FRAMES = 12
_FRAME = 48  # bytes in the ring of frames: UTC or 0 (4), length (2), sent (1), what is before the payload
_PEEK = 96  # characters of a message that is there as a whole
_PIECE = 512
# A text or binary frame that is no JSON array of ours is answered so (J-FMT-03).
_UNREADABLE = '[4,"-1","GenericError","",{}]'


class Call:
    def __init__(self, action, payload, done, ref=None):
        self.action = action
        self.payload = payload
        self.done = done
        self.ref = ref  # of use to the caller only


class Rpc:
    def __init__(self, source, prefix, settings, clock, log):
        self.source = source  # the charge point
        self.silent = False  # while registration is Rejected, calls are not answered (CORE-BOOT-05)
        self.invalid = 0  # messages that could not be read
        self.frames = bytearray(_FRAMES * _FRAME)  # the last ones, for diagnosis
        self.frame = 0  # the newest of them
        self._prefix = prefix  # unique for this start of the charger (J-ID-01)
        self._settings = settings
        self._clock = clock
        self.log = log
        self._count = 0
        self.unique = None  # id of the CALL that is being handled
        self._answers = []
        self.deferred = []  # ids of CALLs that are answered later
        self._call = None
        self._id = None
        self._deadline = 0

    @property
    def outstanding(self):
        return self._call

    def large(self, head):
        """What takes a message piece by piece, judged by its first bytes (see wsframes), or None."""
        if b"List" in head or b"Certificate" in head or b"Signed" in head:
            return cold.call("ocpp16.large_messages", "reader", self.source, head)

    def receive(self, text, now):
        """Take one message: text, the frame that was read of a large one, or None for one that is neither."""
        self._note(text if isinstance(text, str) else "in pieces " if text else "", 0)
        try:
            frame = text
            if isinstance(text, str):
                reader = self.large(text[:_PEEK].encode())
                for at in range(0, len(text) if reader else 0, _PIECE):
                    reader.take(text[at : at + _PIECE].encode())
                frame = reader.end() if reader else json.loads(text)
                reader = None  # as large as the module that answers
            kind = frame[0]
            if isinstance(kind, bool) or not isinstance(kind, int):
                raise ValueError
        except (ValueError, TypeError, IndexError, KeyError, MemoryError):
            self._refuse()
            return
        if kind == 2:
            self._on_call(frame)
        elif (kind == 3 or kind == 4) and len(frame) >= 3 and self._call and frame[1] == self._id:
            if kind == 4:
                self._finish(None, frame[2] if isinstance(frame[2], str) else "GenericError")
            else:
                self._on_result(frame[2])
        # Anything else is nobody's: late answers, unknown message types (J-SYNC-03, J-FMT-02, J-FMT-04).

    def _refuse(self):
        """A message that can not be read (J-FMT-03)."""
        self._answers.append(_UNREADABLE)
        self.invalid = n = self.invalid + 1
        if not n & (n - 1):  # at 1, 2, 4, 8: a flood must not push everything else out of the log
            self.event("InvalidMessages", "%d since the start" % n)

    def event(self, name, text):
        try:
            cold.call("ocpp16.security_events", "note", self.source, name, text)
        except MemoryError:
            pass  # it is in the count

    def _on_result(self, payload):
        try:
            cold.call(_SCHEMA, "check", self._call.action + ".conf", {} if payload is None else payload)
        except OcppError as e:
            self.log.warning("ocpp", "answer to %s: %s %s" % (self._call.action, e.code, e.text))
            self._finish(None, e.code)
        else:
            self._finish(payload or {}, None)

    def _on_call(self, frame):
        if self.silent:
            return
        unique = frame[1] if len(frame) > 1 else None
        if not isinstance(unique, str):
            self._refuse()
            return
        try:
            answer = cold.call("ocpp16.calls", "answer", self, frame)
            if not answer:  # the profile answers later
                return
            answer = _dump(answer)
        except Exception as e:  # a fault of ours, or no memory, must not take the charger down (J-ERR-04)
            self.log.exception("ocpp", e)
            answer = _dump([4, unique, "InternalError", "", {}])
        self._answers.append(answer)

    def answer(self, unique, payload):
        """Answer a CALL whose handler returned None, payload None: it failed; nothing if the connection it came by is gone."""
        if unique in self.deferred:
            self.deferred.remove(unique)
            self._answers.append(_dump([3, unique, payload] if payload else [4, unique, "InternalError", "", {}]))

    def next(self, now):
        """The next frame to send, str or an iterator of str, or None."""
        frame = self._answers.pop(0) if self._answers else self._next(now)
        if frame is not None:
            self._note(frame if isinstance(frame, str) else "in pieces ", 1)
        return frame

    def _note(self, text, sent):
        self.frame = (self.frame + 1) % _FRAMES
        head = text[: min(text.find("{"), _FRAME - 7)].encode()
        pack_into("<IHB41s", self.frames, self.frame * _FRAME, self._clock.utc() or 0, min(len(text), 65535), sent, head)

    def _next(self, now):
        if self._call:
            if ticks.diff(now, self._deadline) < 0:
                return None
            self.log.warning("ocpp", self._call.action + " was not answered")
            self._finish(None, "Timeout")
        call = self.source.next_call(now)
        if call is None:
            return None
        self._count += 1
        self._id = "%s-%x" % (self._prefix, self._count)
        self._call = call
        self._deadline = ticks.add(now, self._settings.get("MessageTimeout") * 1000)
        self._clock.hold(1)
        return _dump([2, self._id, call.action, call.payload])

    def disconnected(self):
        """The connection is gone, and with it whatever was under way (J-REC-04)."""
        self._answers.clear()
        self.deferred.clear()
        if self._call:
            self._finish(None, "Disconnected")

    def _finish(self, answer, error):
        call, self._call = self._call, None
        self._clock.hold(-1)
        try:
            call.done(call, answer, error)
        except Exception as e:  # a full disk, no memory: what was not written down stays due, and is sent again
            self.log.exception("ocpp", e)


def _dump(frame):
    if len(frame) == 5 or isinstance(frame[-1], dict):
        return json.dumps(frame, separators=(",", ":"))
    return _pieces(frame)


def _pieces(frame):
    yield json.dumps(frame[:-1], separators=(",", ":"))[:-1] + ","
    for piece in frame[-1]:
        yield piece
    yield "]"
