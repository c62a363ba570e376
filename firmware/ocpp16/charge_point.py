# The charge point: registration, heartbeats, authorisation, and the order in which calls leave.
#
# Sans-I/O. The connection calls connected(), receive(text), next_frame(), disconnected(); the app sets what the electrical side
# says on `connectors`, then calls tick(); tags go to present(tag). All take `now`, in ms of the clock.
import os
from binascii import hexlify

from ocpp16.charging_profiles import ChargingProfiles
from ocpp16.connector import Connector
from ocpp16.rpc import Call, Rpc
from ocpp16.sampling import Sampling
from ocpp16.statuses import Statuses
from ocpp16.transactions import Transactions
import cold
import ticks

_DAY_S = 86400
# A reset waits for its StopTransactions to be delivered, at least until its own answer has left (RST-01, RST-02, RST-04).
_RESET_MS = {"Soft": 10000, "Hard": 5000}
_RESET_LEAST_MS = 500
_REGISTRATION = "ocpp16.registration"
_TAGS = "ocpp16.tags"
_EVENTS = "ocpp16.security_events"


class ChargePoint:
    def __init__(self, settings, store, ledgers, clock, log, version, connectors=1, cause="PowerLoss", kept=()):
        self.settings = settings
        self.store = store
        self.clock = clock
        self.log = log
        self.version = version
        self.registration = None  # "Accepted", "Pending" or "Rejected", as BootNotification was answered
        self.online = False  # a WebSocket is up
        self.fault = None  # "reader": tags can not be read
        self.read = None  # function(connector number) -> reading, see meter_values
        self.link = None  # opens connections for jobs; the app's
        self.diagnose = None  # function(start, stop) -> iterator of lines of a diagnostics file; the app's
        self.jobs = {}  # name -> [task, status], see ocpp16.jobs
        self.transferring = False
        self.vendors = {"org.pilotwire": "ocpp16.vendor"}  # vendorId in lower case -> cold module (CORE-DT-01)
        self.slot = None  # of the app that runs
        self.slots = None  # cold module that knows the slots, see port.slots
        self.trial = False  # the slot runs on trial
        self.closing = False  # an installation waits for the last transaction: who is free is Unavailable (FW-05)
        self.inoperative = self.scheduled = 0  # bits of ocpp16.availability
        self.restart = None  # what to restart with, once a Reset is ready for it
        self.transactions = Transactions(ledgers, connectors, settings, clock, log)
        self.transactions.on_start = self._on_start
        self.connectors = [Connector(k + 1, self.transactions, settings, log) for k in range(connectors)]
        self.reservations = []
        self.expiry = 0  # of the first of them
        self._seen = None  # what went on when they were looked at last
        cold.call("ocpp16.availability", "load", self)
        for number in cold.call("ocpp16.journal", "close_interrupted", self.transactions, cause, kept):
            self.connectors[number - 1].closed_at_start()
        cold.call("ocpp16.availability", "settle", self)
        known = store.read("accepted")  # the URL of the central system that accepted us last, see ocpp16.registration
        url = settings.get("CentralSystemURL")
        self.known = not url or known == url.encode()  # without one, offline rules are all there is
        prefix = "%x-%s" % (self.transactions.boot, hexlify(os.urandom(4)).decode())
        self.rpc = Rpc(self, prefix, settings, clock, log)
        self.statuses = Statuses(self)
        self.sampling = Sampling(self)
        self.transactions.boundary = self.sampling.boundary
        self.boot_at = None  # not before, once an answer said so
        self._last_call = clock.now_ms()
        self.auth = None  # authorisation under way, see ocpp16.tags
        self.unbound = None
        self.learning = None  # until when the next tag is learned, see ocpp16.local_learning
        self.resetting = None  # (type, since)
        self.triggered = []  # what the central system asked for, see ocpp16.remote_trigger
        self._calls = []  # of the profiles, to be sent when their turn comes
        # UTC from which on the update that was asked for may run, None if none was.
        self.update_at = store.read("update") and cold.call("ocpp16.firmware_request", "due", self)
        self.unlocks = []  # [connector, id of the CALL, deadline]
        self.reconnect = False  # the connection is to be made anew, as the security settings now want it
        self.failures = 0  # failed connections, see ocpp16.security_trial
        self.flaw = None  # kind of failure that was written down last
        self.root = None  # CRC-32 of the root certificate that vouched for the central system
        self.context = None  # of the connection to the central system, and what it was made of: see ocpp16.opening
        self.mark = None
        self.events = [0, 0, None]  # to be told, failed tries, when next: see ocpp16.security_events
        self._day = 0
        cold.call(_EVENTS, "started", self, cause)
        self.profiles = ChargingProfiles(self)

    @property
    def accepted(self):
        return self.online and self.registration == "Accepted"

    # -- the connection

    def connected(self, now):
        self.online = True
        if self.registration == "Accepted":  # no BootNotification again (J-REC-02), only what has changed (J-REC-03)
            self.statuses.all(False)

    def disconnected(self):
        self.online = False
        self.statuses.disconnected()
        self.triggered.clear()
        self.rpc.disconnected()

    def receive(self, text, now):
        self.rpc.receive(text, now)

    def next_frame(self, now):
        return self.rpc.next(now) if self.online else None

    def next_call(self, now):
        """The next CALL, or None: what Rpc asks when none is outstanding."""
        if self.reconnect:
            return None
        if self.registration != "Accepted":
            return (self.registration == "Pending" and self._noticed()) or self.boot_notification(now)
        if self.resetting:
            return self.transactions.next_call(now)
        call = self._noticed() or self._authorize()
        if not call and self._calls:
            call = self._calls.pop(0)
        call = call or self.transactions.next_call(now)
        if not call and self.events[0]:
            call = cold.call("ocpp16.security_log", "message", self)
        if not call:
            wait = min(self.settings.get("HeartbeatInterval") or _DAY_S, _DAY_S)
            if ticks.diff(now, self._last_call) >= wait * 1000:
                call = Call("Heartbeat", {}, self.informed)
        if call:
            self._last_call = now
        return call

    def _noticed(self):
        """A status, or what the central system asked for: all that leaves in Pending (CORE-BOOT-06)."""
        call = self.statuses.next_call()
        if not call and self.triggered:
            call = cold.call("ocpp16.remote_trigger", "message", self)
        return call

    def send(self, call):
        """Queue a CALL that is not tx-related; the oldest goes when there are too many."""
        if len(self._calls) >= 8:
            self._calls.pop(0).done(None, None, "Disconnected")
        self._calls.append(call)

    # -- registration

    def boot_notification(self, now):
        if self.boot_at is not None and ticks.diff(now, self.boot_at) < 0:
            return None
        return Call("BootNotification", cold.call(_REGISTRATION, "payload", self), self._boot_done)

    def _boot_done(self, call, answer, error):
        self.boot_at = cold.call(_REGISTRATION, "done", self, answer, error)
        if self.registration == "Accepted":
            self.statuses.all(True)
            if answer and answer["interval"] > 0:  # here, where the module above is free again
                self.settings.set("HeartbeatInterval", str(min(answer["interval"], 1000000)))

    def informed(self, call, answer, error):
        """Something was sent whose answer says nothing; that of Heartbeat says the time."""
        if answer and "currentTime" in answer:
            cold.call(_REGISTRATION, "sync", self, answer["currentTime"])

    def told(self, call, answer, error):
        """A security event was told, or was not."""
        cold.call(_EVENTS, "settled", self, call.ref, error)

    # -- time passes

    def tick(self, now):
        """Take what the electrical side says and let everything follow that is due."""
        if self.auth and not self.accepted:
            cold.call(_TAGS, "settle", self, self.auth, False)
        if self.unbound:
            cold.call(_TAGS, "bind", self, now)
        settle = False
        for c in self.connectors:
            bit = 1 << c.number
            settle = settle or (self.scheduled & bit and not c.in_use)
            c.unavailable = bool(self.inoperative & bit) or (self.closing and not c.tag)
            c.update(now)
            if c.plugged and not c.tried:
                self._try_free_charging(c)
        if settle:
            cold.call("ocpp16.availability", "settle", self)
        self.profiles.update()
        if self.reservations:
            self._watch_reservations()
        if self.update_at is not None and self.accepted and not self.trial and not self.rpc.deferred:
            self._start_update()
        self.sampling.tick(now)
        self.statuses.tick(now)
        if self.unlocks:
            self._finish_unlocks(now)
        day = (self.clock.utc() or 0) // _DAY_S
        if day != self._day and self.accepted:
            self._day = day
            cold.call("ocpp16.own_certificate", "daily", self)
        if self.resetting:
            self._finish_reset(now)

    def _watch_reservations(self):
        seen = [c.transaction or c.status for c in self.connectors]
        if seen != self._seen or (self.clock.utc() or 0) >= self.expiry:
            cold.call("ocpp16.reservations", "settle", self)
            self._seen = seen

    def _start_update(self):
        if (self.clock.utc() or 0) >= self.update_at:
            self.update_at = None
            cold.call("ocpp16.jobs", "start", self, "firmware", "ocpp16.firmware_update", "begin")

    def _try_free_charging(self, c):
        c.tried = True
        tag = self.settings.get("FreeChargingTag")
        if tag and c.free and not self.busy:
            cold.call(_TAGS, "settle", self, (tag, c.number), self.accepted)

    # -- authorisation

    @property
    def busy(self):
        """An authorisation or a reset is under way."""
        return self.auth is not None or self.resetting is not None

    def present(self, tag, now):
        """A tag was read."""
        cold.call(_TAGS, "present", self, tag, now)

    def _authorize(self):
        if self.auth is None:
            return None
        return Call("Authorize", {"idTag": self.auth[0]}, self._authorize_done, self.auth)

    def _authorize_done(self, call, answer, error):
        cold.call(_TAGS, "answered", self, call.ref, answer)

    def learn(self, tag, info):
        """An idTagInfo of the central system; a cache that can't be written must not stop charging."""
        try:
            cold.call("ocpp16.authorization", "received", self, tag, info)
        except (OSError, ValueError) as e:
            self.log.warning("ocpp", "authorization cache: %r" % e)

    def _on_start(self, ref, tag, info):
        """StartTransaction was answered; or StopTransaction, with ref None."""
        self.learn(tag, info)
        for c in self.connectors:
            tx = c.transaction
            if tx and tx.ref == ref:
                if info.get("parentIdTag"):
                    tx.parent = info["parentIdTag"]
                if info["status"] != "Accepted":
                    c.refuse()

    # -- what the central system ordered

    def _finish_reset(self, now):
        kind, since = self.resetting
        waited = ticks.diff(now, since)
        if waited >= _RESET_MS[kind] or (
            waited >= _RESET_LEAST_MS
            and not any(self.transactions.open)
            and (not self.accepted or not self.transactions.queued)
        ):
            self.restart = kind + "Reset"

    def _finish_unlocks(self, now):
        for entry in self.unlocks:
            c, unique, deadline = entry
            if c.unlocked or ticks.diff(now, deadline) >= 0:
                self.unlocks.remove(entry)
                self.rpc.answer(unique, {"status": "Unlocked" if c.unlocked else "UnlockFailed"})
                return
