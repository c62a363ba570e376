# Charging profiles: the limit that they put on each connector, found anew only when it can change. What is warm holds next to
# nothing: the profiles are records on flash (profile_file), which cold modules change (profile_records) and evaluate (composer).
#
#   profiles.update(connectors, remote)     at every tick, after the connectors; True: limit_ma and reasons are fresh
#   profiles.install(number, csChargingProfiles, tx, remote) -> bool     remote: for the transaction that a remote start begins
#   profiles.clear(ClearChargingProfile.req) -> bool
import os

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
        self._due = 0  # uptime at which a limit can change by itself, or None
        self._offset = None  # UTC minus uptime at the last evaluation
        self._seen = [[None, 0, 0] for _ in range(connectors)]  # transaction, uptime at its start, max_ma
        self._bound = 0  # bit per connector that has a TxProfile
        self._forget({})  # their transactions ended with the last start (SC-SET-06)

    def install(self, number, profile, tx, remote=False):
        if not self._call("profile_records", "install", number, profile, tx, remote):
            return False
        if profile["chargingProfilePurpose"] == "TxProfile":
            self._bound |= 1 << number
        self._due = 0
        return True

    def clear(self, wanted):
        self._due = 0
        return self._there() and self._call("profile_records", "clear", wanted)

    def _forget(self, wanted):
        """Clear TxProfiles whose transaction is over."""
        wanted["chargingProfilePurpose"] = "TxProfile"
        try:
            self.clear(wanted)
        except OSError as e:
            self.log.exception("ocpp", e)

    def elapsed(self, number, transaction):
        """Seconds since the start of this transaction, None without one."""
        seen, since, _ = self._seen[number - 1]
        if transaction is None:
            return None
        return self.clock.uptime_s() - since if seen is transaction else 0

    def update(self, connectors, remote=0):
        """Evaluate if something happened that can change a limit. `remote`: the connector that a remote start is about to
        be authorised for, or 0."""
        now = self.clock.uptime_s()
        utc = self.clock.utc()
        offset = None if utc is None else utc - now
        if (offset is None) != (self._offset is None) or (offset and abs(offset - self._offset) > _JITTER_S):
            self._due = now
        for c in connectors:
            number, tx = c.number, c.transaction
            seen = self._seen[number - 1]
            before = seen[0]
            if before is not tx:
                seen[0] = tx
                seen[1] = now
                self._due = now
            if seen[2] != self.max_ma[number - 1]:
                seen[2] = self.max_ma[number - 1]
                self._due = now
            if self._bound >> number & 1 and not tx and (before or not (c.tag or remote == number)):
                self._bound &= ~(1 << number)
                self._forget({"connectorId": number})
        if self._due is None or now < self._due:
            return False
        self._offset = offset
        self._due = None
        try:
            self._evaluate(connectors, now, utc)
        except (OSError, MemoryError, ValueError) as e:  # the limits stay as they are
            self.log.exception("ocpp", e)
            self._due = now + _RETRY_S
        return True

    def _evaluate(self, connectors, now, utc):
        if not self._there():
            for k in range(len(self.limit_ma)):
                self.limit_ma[k] = None
                self.reasons[k] = ""
            return
        wait = self._call("composer", "limits", connectors, utc)
        if wait is not None:
            self._due = now + wait

    def _there(self):
        try:
            os.stat(self.path)
        except OSError:
            return False
        return True

    def _call(self, module, function, *args):
        try:
            return cold.call("ocpp16." + module, function, self, *args)
        finally:
            cold.drop("ocpp16.profile_file")  # which both of them import
