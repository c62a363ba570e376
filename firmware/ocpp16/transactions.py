# Transactions: first a record in the ledger, then a message (TX-07, TX-17). What is on flash decides; RAM only mirrors it.
#
# Every tx-related message is built from its record at the moment it is sent, in the order of the records (TX-06). A transaction is
# named by `ref`, the id of its Start record; the id that the central system gives is an Answer record of its own, so that
# whatever is sent later can be patched with it. A Start and its Answer stay live until the Stop was delivered.
#
# Payloads begin with a version byte; times are stamps (see _stamp); integers little endian:
#   BOOT    registers Wh x connectors (4 each)         TIME   UTC minus uptime of this start (4)
#   METER   stamp (4), registers as in BOOT            START  stamp, connector (1), meter (4), tag
#   SAMPLE  ref (4), stamp, connector (1), sample      STOP   ref, stamp, connector (1), meter (4), reason (1), tag
#   DATA    as SAMPLE, for the transactionData of StopTransaction
#   ANSWER  ref (4), transactionId (8)
import json
from struct import pack, pack_into, unpack_from

from ocpp16 import meter_values
from ocpp16.rpc import Call
import iso8601
import ticks

BOOT = 1
TIME = 2
METER = 3
START = 4
SAMPLE = 5
STOP = 6
ANSWER = 7
DATA = 8
_VERSION = 1
_UPTIME = 0x80000000  # set in a stamp that counts seconds since the start of the charger, for want of UTC
# Room for what a transaction that began must still be able to write (TX-10): two sectors, whatever else happens.
_RESERVE = 8192
_MAX_WAIT_S = 432000  # five days: what ticks can hold

REASONS = (
    "Local",
    "Remote",
    "EVDisconnected",
    "DeAuthorized",
    "HardReset",
    "SoftReset",
    "UnlockCommand",
    "PowerLoss",
    "Reboot",
    "EmergencyStop",
    "Other",
)


class Transaction:
    """A running transaction."""

    def __init__(self, ref, connector, tag, start_wh):
        self.ref = ref
        self.connector = connector
        self.tag = tag
        self.parent = None
        self.start_wh = start_wh
        self.id = None  # transactionId, once the central system gave one
        self.accepted = True  # energy may flow
        self.refused_wh = None  # register when the central system refused it
        self.stamp = 0  # of its last record
        self.settled = False


class Transactions:
    def __init__(self, ledger, connectors, settings, clock, log):
        self.registers = [0] * connectors  # Wh, the last ones on flash
        self.open = [None] * connectors  # running transactions
        self.queued = 0  # messages to deliver
        self.refused = 0  # messages given up after the last attempt (TX-08)
        self.on_start = None  # called with (ref, tag, idTagInfo) when a Start is answered, with ref None for a Stop
        self.boundary = None  # called with (transaction, context) right after Start and before Stop
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._log = log
        self._ids = {}  # ref -> (transactionId, id of the Answer record) until the Stop is delivered
        self._after = 0  # everything up to this record is delivered
        self._attempts = 0
        self._retry_at = None
        self._unsynced = False  # stamps without UTC were written since the start
        self._register_id = None  # the newest record that holds the registers
        self._buf = bytearray(10 + meter_values.MAX_PACKED)
        while self._scan():  # again, should a cut have left a delivered transaction half marked
            pass
        self.boot = self._put_registers(BOOT, pack("<B", _VERSION))

    # -- what was left on flash

    def _scan(self):
        """Rebuild the state from the records. True when a record had to be repaired."""
        self.queued = 0
        self._ids.clear()
        for c in range(len(self.open)):
            self.open[c] = None
        repairs = []
        for rec, kind, data, done in self._ledger.records():  # done: 0 while it is live
            if kind == BOOT or kind == METER:
                at = 1 if kind == BOOT else 5
                for c in range(min(len(self.registers), (len(data) - at) // 4)):
                    self._saw(c + 1, unpack_from("<I", data, at + 4 * c)[0])
                if kind == METER:
                    self._touch(unpack_from("<I", data, 1)[0])
                if self._register_id is not None and not done and rec != self._register_id:
                    repairs.append(self._register_id)
                self._register_id = None if done else rec
            elif kind == START:
                _, stamp, connector, wh = unpack_from("<BIBI", data)
                if connector <= len(self.open):
                    tx = Transaction(rec, connector, bytes(data[10:]).decode(), wh)
                    tx.stamp = stamp
                    tx.settled = bool(done)
                    self.open[connector - 1] = tx
                    self._saw(connector, wh)
                self.queued += not done
            elif kind == SAMPLE:
                connector = data[9]
                if connector <= len(self.open) and self.open[connector - 1]:
                    self.open[connector - 1].stamp = unpack_from("<I", data, 5)[0]
                self.queued += not done
            elif kind == STOP:
                _, ref, _, connector, wh, _ = unpack_from("<BIIBIB", data)
                tx = None
                if connector <= len(self.open):
                    tx = self.open[connector - 1]
                    self.open[connector - 1] = None
                    self._saw(connector, wh)
                if not done:
                    self.queued += 1
                else:
                    if ref in self._ids:
                        repairs.append(self._ids.pop(ref)[1])
                    if tx and tx.ref == ref and not tx.settled:
                        repairs.append(ref)
            elif kind == ANSWER and not done:
                _, ref, number = unpack_from("<BIq", data)
                self._ids[ref] = (number, rec)
                self.queued -= 1
                for tx in self.open:
                    if tx and tx.ref == ref:
                        tx.id = number
        for rec in repairs:
            self._ledger.done(rec)
        return bool(repairs)

    def _saw(self, connector, wh):
        if wh > self.registers[connector - 1]:
            self.registers[connector - 1] = wh

    def _touch(self, stamp):
        for tx in self.open:
            if tx:
                tx.stamp = stamp

    def close_interrupted(self, reason):
        """End what was running when the charger went down (TX-15); the connectors concerned."""
        closed = []
        for tx in list(self.open):
            if tx:
                self.end(tx, self.registers[tx.connector - 1], reason, "", tx.stamp)
                closed.append(tx.connector)
        return closed

    # -- what happens

    def begin(self, connector, tag, wh):
        stamp = self._stamp()
        data = pack("<BIBI", _VERSION, stamp, connector, wh) + tag.encode()
        tx = Transaction(self._ledger.append(START, data), connector, tag, wh)
        tx.stamp = stamp
        self.open[connector - 1] = tx
        self.queued += 1
        if self.boundary:
            self.boundary(tx, meter_values.BEGIN)
        return tx

    def has_room(self):
        return self._ledger.free() >= _RESERVE

    def sample(self, connector, context, bits, reading, stamp=None):
        """Queue a MeterValues; nothing when the hardware measures none of what is asked."""
        if self._keep(SAMPLE, self.open[connector - 1], connector, context, bits, reading, stamp):
            self.queued += 1

    def keep(self, tx, context, bits, reading, stamp=None):
        """Keep a sample for the transactionData of the StopTransaction."""
        self._keep(DATA, tx, tx.connector, context, bits, reading, stamp)

    def _keep(self, kind, tx, connector, context, bits, reading, stamp):
        end = meter_values.pack(self._buf, 10, context, bits, reading)
        if not end:
            return False
        stamp = self._stamp() if stamp is None else stamp
        pack_into("<BIIB", self._buf, 0, _VERSION, tx.ref if tx else 0, stamp, connector)
        self._ledger.append(kind, memoryview(self._buf)[:end])
        return True

    def end(self, tx, wh, reason, tag="", stamp=None):
        wh = max(wh, tx.start_wh)  # TX-25
        if self.boundary and stamp is None:
            self.boundary(tx, meter_values.END)
        stamp = self._stamp() if stamp is None else stamp
        data = pack("<BIIBIB", _VERSION, tx.ref, stamp, tx.connector, wh, REASONS.index(reason))
        self._ledger.append(STOP, data + tag.encode())
        self.open[tx.connector - 1] = None
        self._saw(tx.connector, wh)
        self.queued += 1

    def keep_registers(self, wh):
        """Write the meter registers down: a list of Wh, one per connector."""
        for c in range(len(wh)):
            self._saw(c + 1, wh[c])
        self._put_registers(METER, pack("<BI", _VERSION, self._stamp()))

    def _put_registers(self, kind, data):
        for wh in self.registers:
            data += pack("<I", wh)
        old, self._register_id = self._register_id, self._ledger.append(kind, data)
        if old is not None:
            self._ledger.done(old)
        return self._register_id

    # -- time

    def synced(self):
        """The clock has become known: what was stamped before can be told from now on."""
        if self._unsynced:
            self._unsynced = False
            offset = self._clock.utc() - self._clock.uptime_s()
            self._ledger.append(TIME, pack("<BI", _VERSION, offset))

    def _stamp(self):
        utc = self._clock.utc()
        if utc is not None:
            return utc
        self._unsynced = True
        return self._clock.uptime_s() | _UPTIME

    def _timestamp(self, rec, stamp):
        """The ISO 8601 time of a stamp in record `rec` (J-TIME-01)."""
        if stamp & _UPTIME:
            start = self._clock.utc() - self._clock.uptime_s()
            if rec < self.boot:  # an earlier start: its offset was written down once it was known
                uptime = stamp & ~_UPTIME
                stamp = start  # never known: it was before this start
                for _, kind, data, _ in self._ledger.records(rec):
                    if kind == TIME:
                        stamp = unpack_from("<I", data, 1)[0] + uptime
                    if kind == TIME or kind == BOOT:
                        break
            else:
                stamp = start + (stamp & ~_UPTIME)
        return iso8601.format(stamp)

    # -- delivery

    def next_call(self, now):
        """The message at the head of the queue, or None."""
        if not self.queued or (self._retry_at is not None and ticks.diff(now, self._retry_at) < 0):
            return None
        for rec, kind, data, _ in self._ledger.records(self._after, True):
            if kind == SAMPLE or kind == STOP or (kind == START and rec not in self._ids):
                if kind == START:
                    return self._start(rec, data)
                if kind == SAMPLE:
                    return self._meter_values(rec, data)
                return self._stop(rec, data)
            self._after = rec
        self.queued = 0  # the count was wrong: the flash decides
        return None

    def _start(self, rec, data):
        _, stamp, connector, wh = unpack_from("<BIBI", data)
        payload = {
            "connectorId": connector,
            "idTag": bytes(data[10:]).decode(),
            "meterStart": wh,
            "timestamp": self._timestamp(rec, stamp),
        }
        return Call("StartTransaction", payload, self._start_done, rec)

    def _meter_values(self, rec, data):
        _, ref, stamp, connector = unpack_from("<BIIB", data)
        values, _ = meter_values.sampled_values(data, 10)
        payload = {
            "connectorId": connector,
            "meterValue": [{"timestamp": self._timestamp(rec, stamp), "sampledValue": values}],
        }
        if ref:
            payload["transactionId"] = self._id_of(ref)
        return Call("MeterValues", payload, self._sample_done, rec)

    def _stop(self, rec, data):
        _, ref, stamp, _, wh, reason = unpack_from("<BIIBIB", data)
        payload = {
            "transactionId": self._id_of(ref),
            "meterStop": wh,
            "timestamp": self._timestamp(rec, stamp),
            "reason": REASONS[reason],
        }
        tag = None
        if len(data) > 15:
            tag = payload["idTag"] = bytes(data[15:]).decode()
        kept = self._kept(ref, rec)
        if kept:
            payload = self._with_data(payload, kept)
        return Call("StopTransaction", payload, self._stop_done, (rec, ref, tag))

    def _with_data(self, payload, records):
        """The pieces of a StopTransaction with transactionData, thinned out in the middle where it is too much (MV-03, MV-04)."""
        yield json.dumps(payload)[:-1] + ',"transactionData":['
        most = self._settings.get("StopTransactionMaxMeterValues")
        n, share = len(records), -1
        for i, rec in enumerate(records):
            k = i * (most - 1) // (n - 1) if n > most else i
            if k != share:
                for _, _, data, _ in self._ledger.records(rec - 1):
                    break
                values, _ = meter_values.sampled_values(data, 10)
                stamp = self._timestamp(rec, unpack_from("<I", data, 5)[0])
                entry = json.dumps({"timestamp": stamp, "sampledValue": values})
                yield "," + entry if i else entry
            share = k
        yield "]}"

    def _kept(self, ref, stop):
        """The ids of the DATA records of a transaction."""
        found = []
        for rec, kind, data, _ in self._ledger.records(ref, True):
            if rec > stop:
                break
            if kind == DATA and unpack_from("<I", data, 1)[0] == ref:
                found.append(rec)
        return found

    def _id_of(self, ref):
        return self._ids[ref][0] if ref in self._ids else -1  # TX-05

    def _start_done(self, call, answer, error):
        if not self._settled(error):
            return
        self._answered(call.ref, answer["transactionId"] if answer else -1)
        if answer and self.on_start:
            self.on_start(call.ref, call.payload["idTag"], answer["idTagInfo"])

    def _answered(self, ref, number):
        rec = self._ledger.append(ANSWER, pack("<BIq", _VERSION, ref, number))
        self._ids[ref] = (number, rec)
        self.queued -= 1
        for tx in self.open:
            if tx and tx.ref == ref:
                tx.id = number

    def _sample_done(self, call, answer, error):
        if self._settled(error):
            self._ledger.done(call.ref, bool(error))
            self.queued -= 1

    def _stop_done(self, call, answer, error):
        if not self._settled(error):
            return
        rec, ref, tag = call.ref
        for kept in self._kept(ref, rec):
            self._ledger.done(kept)
        self._ledger.done(rec, bool(error))
        self.queued -= 1
        if ref in self._ids:
            self._ledger.done(self._ids.pop(ref)[1])
        self._ledger.done(ref)
        if answer and tag and "idTagInfo" in answer and self.on_start:  # TX-21
            self.on_start(None, tag, answer["idTagInfo"])

    def _settled(self, error):
        """True when the head of the queue is through: delivered, or given up after the last attempt (TX-08)."""
        if error == "Disconnected":  # not an attempt
            return False
        self._retry_at = None
        if error:
            self._attempts += 1
            if self._attempts < self._settings.get("TransactionMessageAttempts"):
                wait = self._settings.get("TransactionMessageRetryInterval") * self._attempts
                self._retry_at = ticks.add(self._clock.now_ms(), min(wait, _MAX_WAIT_S) * 1000)
                return False
            self._log.error("ocpp", "gave up a transaction message: " + error)
            self.refused += 1
        self._attempts = 0
        return True
