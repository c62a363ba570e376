# Status notifications: what is shown to the central system, in the order in which it happened (STAT rows).
#
# What is shown of a connector is a tuple (status, errorCode or None for that of the fault, info, fault); connector 0 is the
# station, whose fault is a warning: it can still be started from afar (STAT-04).
from ocpp16.rpc import Call
import cold
import ticks

_MAX = 16  # notices that wait; the oldest is history by then


class Statuses:
    def __init__(self, cp):
        self._cp = cp
        n = len(cp.connectors) + 1
        self._waiting = []  # (number, shown, UTC) to be sent
        self._shown = [None] * n
        self._acked = [None] * n  # what the central system has
        self._next = [None] * n  # [shown, since ms, UTC] that has to last before it counts

    def all(self, always):
        """Show every connector as it is; with always=False only what the central system does not have (J-REC-03)."""
        for number in range(len(self._shown)):
            shown = self._shown[number] = self.current(number)
            self._next[number] = None
            if always or shown != self._acked[number]:
                self.notice(number, shown, self._cp.clock.utc())

    def tick(self, now):
        minimum = self._cp.settings.get("MinimumStatusDuration") * 1000
        for number in range(len(self._shown)):
            shown = self.current(number)
            if shown == self._shown[number]:
                self._next[number] = None
                continue
            coming = self._next[number]
            if coming is None or coming[0] != shown:
                coming = self._next[number] = [shown, now, self._cp.clock.utc()]
            if ticks.diff(now, coming[1]) >= minimum:  # STAT-06
                self._shown[number] = shown
                self._cp.log.info("ocpp", "connector %d: %s %s" % (number, shown[0], shown[3] or ""))
                if self._cp.accepted:
                    self.notice(number, shown, coming[2])

    def notice(self, number, shown, utc):
        if len(self._waiting) >= _MAX:
            self._waiting.pop(0)
        self._waiting.append((number, shown, utc))

    def disconnected(self):
        self._waiting.clear()

    def next_call(self):
        if not self._waiting:
            return None
        number, shown, utc = self._waiting.pop(0)
        self._acked[number] = None  # it may arrive although its answer does not
        payload = cold.call("ocpp16.status_notification", "payload", self._cp, number, shown, utc)
        return Call("StatusNotification", payload, self._done, (number, shown))

    def _done(self, call, answer, error):
        if error != "Disconnected":
            number, shown = call.ref
            self._acked[number] = shown

    def current(self, number):
        cp = self._cp
        if number:
            c = cp.connectors[number - 1]
            return (c.status, None, c.info, c.fault)
        return ("Unavailable" if cp.inoperative & 1 else "Available", None, None, cp.fault)
