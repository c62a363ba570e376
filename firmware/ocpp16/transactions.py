# Transactions: first a record in a ledger, then a message (TX-07, TX-17). What is on flash decides; RAM only mirrors it.
#
# Three ledgers: the journal (starts, stops and what belongs to them: never given up), the samples (the oldest make room when
# flash is full, TX-10), the registers (only the newest counts). Every tx-related message is built from its record when it is
# sent, in the order in which things happened (TX-06). A transaction is named by `ref`, the id of its Start record; the id that
# the central system gives is an Answer record of its own, with which whatever is sent later is patched. A Start and its
# Answer stay live until the Stop was delivered.
#
# Payloads begin with a version byte; times are stamps (see stamp); integers little endian:
#   journal    BOOT    -                                    TIME    UTC minus uptime of this start (4)
#              START   stamp (4), connector (1), meter (4), reservationId or -2^63 for none (8), tag
#              STOP    ref (4), stamp, connector (1), meter (4), reason (1), tag
#              ANSWER  ref (4), transactionId (8)           REQUEUED  ref (4)
#   samples    SAMPLE  last id of the journal (4), refs of the running transactions (4 x connectors),
#                      then of its own: connector (1), stamp (4), sample (see meter_values)
#              DATA    the same, for the transactionData of StopTransaction
#   registers  METER   stamp (4), Wh (4 x connectors)
from struct import pack, pack_into

from ocpp16.rpc import Call
import cold
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
_JOURNAL = "ocpp16.journal"
_MAX_SAMPLE = 32
# Room for what a transaction that began must still be able to write: two sectors, whatever else happens.
_RESERVE = 8192
_MAX_WAIT_S = 432000  # five days: what ticks can hold


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
        self.journal, self.samples, self.meters = ledgers[:3]
        self.events = ledgers[3] if len(ledgers) > 3 else None  # where ocpp16.security_events has its own
        self.registers = [0] * connectors  # Wh, the last ones on flash
        self.open = [None] * connectors  # running transactions
        self.ids = {}  # ref -> (transactionId, id of the Answer record) until the Stop is delivered
        self.queued = 0  # messages to deliver
        self.refused = 0  # messages given up after the last attempt (TX-08)
        self.on_start = None  # called with (ref, tag, idTagInfo) when a Start is answered, with ref None for a Stop
        self.boundary = None  # called with (transaction, context) right after Start and before Stop
        self.register_id = None  # the newest METER record
        self.settings = settings
        self.clock = clock
        self._log = log
        self.after = 0  # everything in the journal up to this record is delivered
        self.sampled = 0  # the same of the samples
        self._head = None  # what was sent and is not answered, see ocpp16.messages
        self._attempts = 0
        self._retry_at = None
        self._unsynced = False  # stamps without UTC were written since the start
        self._prefix = bytearray(5 + 4 * connectors)
        self._buf = bytearray(len(self._prefix) + 5 + _MAX_SAMPLE)
        cold.call(_RECOVERY, "recover", self)
        self.boot = self.last = self.journal.append(BOOT, pack("<B", _VERSION))
        self.journal.done(self.boot)

    # -- what happens

    def begin(self, connector, tag, parent, wh, reservation=None):
        tx = cold.call(_JOURNAL, "begin", self, connector, tag, parent, wh, reservation)
        if self.boundary:
            self.boundary(tx, 3)
        return tx

    def has_room(self):
        return self.journal.free() >= _RESERVE

    def sample(self, kind, connector, sample, stamp=None):
        """Keep a packed sample: SAMPLE for a MeterValues, DATA for the bill."""
        at = 5
        pack_into("<BI", self._buf, 0, _VERSION, self.last)
        for tx in self.open:
            pack_into("<I", self._buf, at, tx.ref if tx else 0)
            at += 4
        stamp = self.stamp(self.open[connector - 1]) if stamp is None else stamp
        pack_into("<BI", self._buf, at, connector, stamp)
        end = at + 5 + len(sample)
        self._buf[at + 5 : end] = sample
        self.samples.append(kind, memoryview(self._buf)[:end], at)
        self.queued += kind == SAMPLE

    def end(self, tx, wh, reason, tag=""):
        if self.boundary:
            self.boundary(tx, 4)
        cold.call(_JOURNAL, "end", self, tx, wh, reason, tag, self.stamp(tx))

    def prepare(self):
        """Erase a sector ahead, where one is missing: to be called while no car charges (an erase stalls the chip)."""
        return self.journal.prepare(2) or self.samples.prepare(2) or self.meters.prepare()

    def requeue(self):
        """Queue again what the central system refused for good; how many messages (TX-08)."""
        return cold.call(_RECOVERY, "requeue", self)

    # -- time

    def synced(self):
        """The clock has become known: what was stamped before can be told from now on."""
        if self._unsynced:
            self._unsynced = False
            offset = self.clock.utc() - self.clock.uptime_s()
            self.last = self.journal.append(TIME, pack("<BI", _VERSION, offset))

    def stamp(self, tx=None):
        """Now: seconds since 2000, never before what a running transaction has already (TX-25), or uptime."""
        utc = self.clock.utc()
        if utc is not None:
            if tx:
                if tx.stamp < UPTIME and utc < tx.stamp:  # the clock was set back
                    return tx.stamp
                tx.stamp = utc
            return utc
        self._unsynced = True
        return self.clock.uptime_s() | UPTIME

    # -- delivery

    def next_call(self, now):
        """The message at the head of the queue, or None."""
        if not self.queued or (self._retry_at is not None and ticks.diff(now, self._retry_at) < 0):
            return None
        message = cold.call("ocpp16.messages", "next_message", self)
        if message is None:
            self.queued = 0
            return None
        action, payload, self._head = message
        return Call(action, payload, self._done)

    def _done(self, call, answer, error):
        if self._settled(error):
            info = cold.call("ocpp16.delivered", "settled", self, self._head, answer, error)
            self.queued -= 1
            if info and self.on_start:
                self.on_start(*info)

    def _settled(self, error):
        """True when the head of the queue is through: delivered, or given up after the last attempt (TX-08)."""
        if error == "Disconnected":  # not an attempt
            return False
        self._retry_at = None
        if error:
            self._attempts += 1
            if self._attempts < self.settings.get("TransactionMessageAttempts"):
                wait = self.settings.get("TransactionMessageRetryInterval") * self._attempts
                self._retry_at = ticks.add(self.clock.now_ms(), min(wait, _MAX_WAIT_S) * 1000)
                return False
            self._log.error("ocpp", "gave up a transaction message: " + error)
            self.refused += 1
        self._attempts = 0
        return True
