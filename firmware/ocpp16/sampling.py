# When meter values are taken: every MeterValueSampleInterval of a transaction, on the grid of ClockAlignedDataInterval, and the
# registers once a minute while energy flows (MV rows).
from ocpp16.transactions import DATA, SAMPLE
import cold
import ticks

_REGISTERS_MS = 60000  # at most this much metering is in doubt after a power cut
_DAY_S = 86400
_PERIODIC = 0  # contexts of ocpp16.meter_values
_CLOCK = 1


class Sampling:
    def __init__(self, cp):
        self._cp = cp
        n = len(cp.connectors)
        self._interval = [0] * n  # s; 0: nothing is due
        self._due = [0] * n
        self._slot = None  # of the clock grid, the last one that was sampled
        self._grid = 0
        self._kept_wh = list(cp.transactions.registers)
        self._kept_at = cp.clock.now_ms()

    def tick(self, now):
        for c in self._cp.connectors:
            self._periodic(c, now)
        self._clock_aligned()
        self._registers(now)

    def _periodic(self, c, now):
        """Counted from the start of the transaction; a new interval holds at once (MV-01)."""
        k = c.number - 1
        interval = self._cp.settings.get("MeterValueSampleInterval") if c.transaction else 0
        if interval != self._interval[k]:
            self._interval[k] = interval
            self._due[k] = ticks.add(now, interval * 1000)
        elif interval and ticks.diff(now, self._due[k]) >= 0:
            self._due[k] = ticks.add(self._due[k], interval * 1000)
            self._take(c, _PERIODIC, "MeterValuesSampledData", "StopTxnSampledData", None)

    def _clock_aligned(self):
        """At 00:00:00 UTC + k x interval, stamped with the grid (MV-02)."""
        interval = self._cp.settings.get("ClockAlignedDataInterval")
        utc = self._cp.clock.utc()
        if not interval or utc is None:
            self._slot = None
            return
        day = utc // _DAY_S * _DAY_S
        slot = day + (utc - day) // interval * interval
        if self._slot is None or interval != self._grid or slot < self._slot:
            self._slot, self._grid = slot, interval
        elif slot > self._slot:
            self._slot = slot
            for c in self._cp.connectors:
                self._take(c, _CLOCK, "MeterValuesAlignedData", "StopTxnAlignedData", slot)

    def _take(self, c, context, sent, kept, stamp):
        reading = self._cp.read(c.number)
        self._keep(SAMPLE, c.number, sent, context, reading, stamp)
        if c.transaction:
            self._keep(DATA, c.number, kept, context, reading, stamp)

    def boundary(self, tx, context):
        """Transaction.Begin or Transaction.End, for the transactionData of StopTransaction (MV-03)."""
        self._keep(DATA, tx.connector, "StopTxnSampledData", context, self._cp.read(tx.connector), None)

    def _keep(self, kind, number, name, context, reading, stamp):
        csl = self._cp.settings.get(name)
        if csl:
            sample = cold.call("ocpp16.meter_values", "pack", csl, context, reading)
            if sample:
                self._cp.transactions.sample(kind, number, sample, stamp)

    def _registers(self, now):
        changed = running = False
        for c in self._cp.connectors:
            changed = changed or c.energy_wh != self._kept_wh[c.number - 1]
            running = running or c.transaction is not None
        if changed and (not running or ticks.diff(now, self._kept_at) >= _REGISTERS_MS):
            for c in self._cp.connectors:
                self._kept_wh[c.number - 1] = c.energy_wh
            self._kept_at = now
            cold.call("ocpp16.journal", "keep_registers", self._cp.transactions, self._kept_wh)
