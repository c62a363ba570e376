# Charging profiles: the limit that they put on each connector, found anew only when it can change. What is warm holds next to
# nothing: the profiles are records on flash (profile_file), which cold modules change (profile_records) and evaluate (composer).
import os

import cold

_RETRY_S = 10
_JITTER_S = 1  # UTC and uptime do not change in the same moment


class ChargingProfiles:
    """`limits`: (mA or None, reason, numberPhases or 0) of each connector; call update() at every tick, after the connectors."""

    def __init__(self, cp):
        n = len(cp.connectors)
        self.cp = cp
        self.hardware = None  # function(k) -> (most mA, phases) of a connector: set by the app
        self.limits = [(None, "", 0)] * n
        self.seen = [None] * n  # transactions
        self.since = [0] * n  # uptime at their start
        self.installed = 0  # profiles on flash
        self.bound = 0  # bit per connector that has a TxProfile
        self.due = 0  # uptime at which a limit can change, or None; 0: at once
        self._offset = None  # UTC minus uptime at the last evaluation
        try:
            os.stat(cp.store.path("profiles"))
        except OSError:
            return
        cold.call("ocpp16.profile_records", "forget", self, None)  # their transactions are over (SC-SET-06)

    def update(self):
        cp = self.cp
        now = cp.clock.uptime_s()
        utc = cp.clock.utc()
        offset = utc and utc - now
        if offset != self._offset and not (offset and self._offset and abs(offset - self._offset) <= _JITTER_S):
            self.due = now
        for c in cp.connectors:
            k = c.number - 1
            before, tx = self.seen[k], c.transaction
            if before is not tx:
                self.seen[k] = tx
                self.since[k] = self.due = now
            if self.bound >> c.number & 1 and not tx:
                # Over; or nothing came of a remote start, neither under way to be authorised nor waiting for the cable.
                if before or not (c.tag or (cp.auth and cp.auth[1] == c.number)):
                    cold.call("ocpp16.profile_records", "forget", self, c.number)
        if self.installed and self.due is not None and now >= self.due:
            self._offset = offset
            self.due = None
            try:
                cold.call("ocpp16.composer", "limits", self, utc)
            except (OSError, MemoryError, ValueError) as e:  # the limits stay as they are
                cp.log.exception("ocpp", e)
                self.due = now + _RETRY_S
