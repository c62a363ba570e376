# Transactions: first a record in a ledger, then a message (TX-07, TX-17). What is on flash decides; RAM only mirrors it.
#
# Three ledgers: the journal (starts, stops and what belongs to them: never given up), the samples (the oldest make room when
# flash is full, TX-10), the registers (only the newest counts). Every tx-related message is built from its record when it is
# sent, in the order in which things happened (TX-06). A transaction is named by `ref`, the id of its Start record; the id that
# the central system gives is an Answer record of its own, with which whatever is sent later is patched. A Start and its
# Answer stay live until the Stop was delivered.
#
# Payloads begin with a version byte; times are stamps (see _stamp); integers little endian:
#   journal    BOOT    -                                    TIME    UTC minus uptime of this start (4)
#              START   stamp (4), connector (1), meter (4), tag
#              STOP    ref (4), stamp, connector (1), meter (4), reason (1), tag
#              ANSWER  ref (4), transactionId (8)           REQUEUED  ref (4)
#   samples    SAMPLE  last id of the journal (4), refs of the running transactions (4 x connectors),
#                      then of its own: connector (1), stamp (4), sample (see meter_values)
#              DATA    the same, for the transactionData of StopTransaction
#   registers  METER   stamp (4), Wh (4 x connectors)
from struct import pack, pack_into, unpack_from

from ocpp16.rpc import Call
import cold
import iso8601
import ticks

BOOT = 1  # public
TIME = 2  # public
METER = 3  # public
START = 4  # public
SAMPLE = 5  # public
STOP = 6  # public
ANSWER = 7  # public
DATA = 8  # public
REQUEUED = 9  # public
UPTIME = 0x80000000  # public: set in a stamp that counts seconds since the start of the charger, for want of UTC
_VERSION = 1
_RECOVERY = "ocpp16.recovery"
_MAX_SAMPLE = 32
# Room for what a transaction that began must still be able to write: two sectors, whatever else happens.
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

    def __init__(self, ref, connector, tag, start_wh, stamp):
        self.ref = ref
        self.connector = connector
        self.tag = tag
        self.parent = None
        self.start_wh = start_wh
        self.id = None  # transactionId, once the central system gave one
        self.accepted = True  # energy may flow
        self.refused_wh = None  # register when the central system refused it
        self.stamp = stamp  # of its last record


class Transactions:
    def __init__(self, ledgers, connectors, settings, clock, log):
        self.journal, self.samples, self.meters = ledgers
        self.registers = [0] * connectors  # Wh, the last ones on flash
        self.open = [None] * connectors  # running transactions
        self.ids = {}  # ref -> (transactionId, id of the Answer record) until the Stop is delivered
        self.queued = 0  # messages to deliver
        self.refused = 0  # messages given up after the last attempt (TX-08)
        self.on_start = None  # called with (ref, tag, idTagInfo) when a Start is answered, with ref None for a Stop
        self.boundary = None  # called with (transaction, context) right after Start and before Stop
        self.register_id = None  # the newest METER record
        self._settings = settings
        self._clock = clock
        self._log = log
        self._after = 0  # everything in the journal up to this record is delivered
        self._sampled = 0  # the same of the samples
        self._attempts = 0
        self._retry_at = None
        self._unsynced = False  # stamps without UTC were written since the start
        self._prefix = bytearray(5 + 4 * connectors)
        self._buf = bytearray(len(self._prefix) + 5 + _MAX_SAMPLE)
        cold.call(_RECOVERY, "recover", self)
        self.boot = self._last = self.journal.append(BOOT, pack("<B", _VERSION))
        self.journal.done(self.boot)

    # -- what happens

    def begin(self, connector, tag, wh):
        stamp = self._stamp()
        self._last = self.journal.append(START, pack("<BIBI", _VERSION, stamp, connector, wh) + tag.encode())
        tx = Transaction(self._last, connector, tag, wh, stamp)
        self.open[connector - 1] = tx
        self.queued += 1
        if self.boundary:
            self.boundary(tx, 3)
        return tx

    def has_room(self):
        return self.journal.free() >= _RESERVE

    def sample(self, kind, connector, sample, stamp=None):
        """Keep a packed sample: SAMPLE for a MeterValues, DATA for the bill."""
        at = 5
        pack_into("<BI", self._buf, 0, _VERSION, self._last)
        for tx in self.open:
            pack_into("<I", self._buf, at, tx.ref if tx else 0)
            at += 4
        pack_into("<BI", self._buf, at, connector, self._stamp() if stamp is None else stamp)
        end = at + 5 + len(sample)
        self._buf[at + 5 : end] = sample
        self.samples.append(kind, memoryview(self._buf)[:end], at)
        self.queued += kind == SAMPLE

    def end(self, tx, wh, reason, tag="", stamp=None):
        wh = max(wh, tx.start_wh)  # TX-25
        if stamp is None:
            if self.boundary:
                self.boundary(tx, 4)
            stamp = self._stamp()
        data = pack("<BIIBIB", _VERSION, tx.ref, stamp, tx.connector, wh, REASONS.index(reason))
        self._last = self.journal.append(STOP, data + tag.encode())
        self.open[tx.connector - 1] = None
        self.queued += 1

    def keep_registers(self, wh):
        """Write the meter registers down: a list of Wh, one per connector."""
        data = pack("<BI", _VERSION, self._stamp())
        for c in range(len(wh)):
            self.registers[c] = wh[c]
            data += pack("<I", wh[c])
        old, self.register_id = self.register_id, self.meters.append(METER, data)
        if old is not None:
            self.meters.done(old)

    def close_interrupted(self, reason):
        """End what was running when the charger went down (TX-15); the connectors concerned."""
        closed = []
        for tx in list(self.open):
            if tx:
                self.end(tx, self.registers[tx.connector - 1], reason, "", tx.stamp)
                closed.append(tx.connector)
        return closed

    def requeue(self):
        """Queue again what the central system refused for good; how many messages (TX-08)."""
        return cold.call(_RECOVERY, "requeue", self)

    # -- time

    def synced(self):
        """The clock has become known: what was stamped before can be told from now on."""
        if self._unsynced:
            self._unsynced = False
            offset = self._clock.utc() - self._clock.uptime_s()
            self._last = self.journal.append(TIME, pack("<BI", _VERSION, offset))

    def _stamp(self):
        utc = self._clock.utc()
        if utc is not None:
            return utc
        self._unsynced = True
        return self._clock.uptime_s() | UPTIME

    def timestamp(self, rec, stamp):
        """The ISO 8601 time of a stamp that was made at journal record `rec` (J-TIME-01)."""
        if stamp & UPTIME:
            start = self._clock.utc() - self._clock.uptime_s()
            if rec < self.boot:
                stamp = cold.call(_RECOVERY, "utc_of", self, rec, stamp, start)
            else:
                stamp = start + (stamp & ~UPTIME)
        return iso8601.format(stamp)

    # -- delivery

    def next_call(self, now):
        """The message at the head of the queue, or None."""
        if not self.queued or (self._retry_at is not None and ticks.diff(now, self._retry_at) < 0):
            return None
        rec = kind = data = None
        for rec, kind, data, _ in self.journal.records(self._after, True):
            if kind == STOP or (kind == START and rec not in self.ids):
                break
            self._after = rec
        else:
            rec = None
        for sample, what, packed, _ in self.samples.records(self._sampled, True):
            if rec is not None and unpack_from("<I", packed, 1)[0] >= rec:
                break  # it was taken later
            if what == SAMPLE:
                return self._meter_values(sample, packed)
            self._sampled = sample
        if rec is None:
            self.queued = 0
            return None
        return self._start(rec, data) if kind == START else self._stop(rec, data)

    def _start(self, rec, data):
        _, stamp, connector, wh = unpack_from("<BIBI", data)
        payload = {
            "connectorId": connector,
            "idTag": bytes(data[10:]).decode(),
            "meterStart": wh,
            "timestamp": self.timestamp(rec, stamp),
        }
        return Call("StartTransaction", payload, self._start_done, rec)

    def _meter_values(self, rec, data):
        at = len(self._prefix)
        connector, stamp = unpack_from("<BI", data, at)
        ref = unpack_from("<I", data, 1 + 4 * connector)[0]
        stamp = self.timestamp(unpack_from("<I", data, 1)[0], stamp)
        values = cold.call("ocpp16.meter_values", "sampled_values", data, at + 5)
        payload = {"connectorId": connector, "meterValue": [{"timestamp": stamp, "sampledValue": values}]}
        if ref:
            payload["transactionId"] = self._id_of(ref)
        return Call("MeterValues", payload, self._sample_done, rec)

    def _stop(self, rec, data):
        _, ref, stamp, connector, wh, reason = unpack_from("<BIIBIB", data)
        payload = {
            "transactionId": self._id_of(ref),
            "meterStop": wh,
            "timestamp": self.timestamp(rec, stamp),
            "reason": REASONS[reason],
        }
        tag = None
        if len(data) > 15:
            tag = payload["idTag"] = bytes(data[15:]).decode()
        kept = self._kept(ref, connector)
        if kept:
            payload = cold.call(_RECOVERY, "with_data", self, payload, kept, self._settings)
        return Call("StopTransaction", payload, self._stop_done, (rec, ref, connector, tag))

    def _kept(self, ref, connector):
        """The ids of the DATA records of a transaction."""
        found = []
        for rec, kind, data, _ in self.samples.records(0, True):
            if kind == DATA and data[len(self._prefix)] == connector:
                if unpack_from("<I", data, 1 + 4 * connector)[0] == ref:
                    found.append(rec)
        return found

    def _id_of(self, ref):
        return self.ids[ref][0] if ref in self.ids else -1  # TX-05

    def _start_done(self, call, answer, error):
        if not self._settled(error):
            return
        ref, number = call.ref, answer["transactionId"] if answer else -1
        self.ids[ref] = (number, self.journal.append(ANSWER, pack("<BIq", _VERSION, ref, number)))
        self._last = self.ids[ref][1]
        self.queued -= 1
        for tx in self.open:
            if tx and tx.ref == ref:
                tx.id = number
        if answer and self.on_start:
            self.on_start(ref, call.payload["idTag"], answer["idTagInfo"])

    def _sample_done(self, call, answer, error):
        if self._settled(error):
            self.samples.done(call.ref, bool(error))
            self.queued -= 1

    def _stop_done(self, call, answer, error):
        if not self._settled(error):
            return
        rec, ref, connector, tag = call.ref
        number, answered = self.ids.pop(ref, (-1, None))
        # In this order, so that recovery can tell what is left to do: Stop, Answer, Start.
        for kept in self._kept(ref, connector):
            self.samples.done(kept)
        self.journal.done(rec, bool(error))
        if answered is not None:
            self.journal.done(answered)
        self.journal.done(ref, number == -1)
        self.queued -= 1
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
