# Charging profiles: the limit that they put on each connector, found anew only when it can change. What is warm holds next to
# nothing: the profiles are records on flash (profile_file), which cold modules change (profile_records) and evaluate (composer).
#
#   profiles.update(connectors, remote)     at every tick, after the connectors; True: limit_ma and reasons are fresh
#   profiles.edit("install", connectorId, csChargingProfiles, transaction, remote) -> bool      see profile_records
#   profiles.edit("clear", ClearChargingProfile.req) -> bool
import cold

_RETRY_S = 10
_JITTER_S = 1  # UTC and uptime do not change in the same moment


class ChargingProfiles:
    def __init__(self, store, settings, clock, log, connectors):
        self.path = store.path("profiles")
        self.settings = settings
        self.clock = clock
        self.log = log
        self.limit_ma = [None] * connectors  # for the slot "ocpp" of each connector; None: no limit
        self.reasons = [""] * connectors
        self.max_ma = [32000] * connectors  # what everything else allows: hardware, MaxCurrent, load management
        self.phases = [3] * connectors
        self.seen = [[None, 0, 0] for _ in range(connectors)]  # transaction, uptime at its start, max_ma
        self.installed = 0  # profiles on flash
        self.bound = 0  # bit per connector that has a TxProfile
        self._due = 0  # uptime at which a limit can change by itself, or None
        self._offset = None  # UTC minus uptime at the last evaluation
        self.edit("forget", None)  # their transactions ended with the last start (SC-SET-06)

    def edit(self, function, *args):
        self._due = 0
        return self._call("profile_records", function, *args)

    def update(self, connectors, remote=0):
        """Evaluate if something happened that can change a limit. `remote`: the connector that a remote start is about to
        be authorised for, or 0."""
        now = self.clock.uptime_s()
        utc = self.clock.utc()
        offset = utc and utc - now
        if offset != self._offset and not (offset and self._offset and abs(offset - self._offset) <= _JITTER_S):
            self._due = now
        for c in connectors:
            seen = self.seen[c.number - 1]
            before, tx = seen[0], c.transaction
            if before is not tx:
                seen[0] = tx
                seen[1] = self._due = now
            if seen[2] != self.max_ma[c.number - 1]:
                seen[2] = self.max_ma[c.number - 1]
                self._due = now
            if self.bound >> c.number & 1 and not tx and (before or not (c.tag or remote == c.number)):
                self.edit("forget", c.number)
        if self._due is None or now < self._due:
            return False
        self._offset = offset
        self._due = None
        try:
            wait = self._call("composer", "limits", connectors, utc) if self.installed else self._none()
            if wait is not None:
                self._due = now + wait
        except (OSError, MemoryError, ValueError) as e:  # the limits stay as they are
            self.log.exception("ocpp", e)
            self._due = now + _RETRY_S
        return True

    def _none(self):
        for k in range(len(self.limit_ma)):
            self.limit_ma[k] = None
            self.reasons[k] = ""

    def _call(self, module, function, *args):
        try:
            return cold.call("ocpp16." + module, function, self, *args)
        finally:
            cold.drop("ocpp16.profile_file")  # which both of them import
