# The charge point: registration, heartbeats, authorisation, and the order in which calls leave.
#
# Sans-I/O. The connection calls connected(), receive(text), next_frame(), disconnected(); the app sets what the electrical side
# says on `connectors`, then calls tick(); tags go to present(tag). All take `now`, in ms of the clock.
import os
from binascii import hexlify

from ocpp16.connector import Connector, same
from ocpp16.rpc import Call, Rpc
from ocpp16.sampling import Sampling
from ocpp16.statuses import Statuses
from ocpp16.transactions import Transactions
import cold
import iso8601
import ticks

_MAX_TAG = 20
_DAY_S = 86400
_MAX_WAIT_S = 432000  # five days: what ticks can hold
_BOOT_RETRY_S = 30  # where the central system gives no interval (CORE-BOOT-04, CORE-BOOT-09)
_KNOWN = "accepted"  # file: the URL of the central system that accepted us last
# A reset waits for its StopTransactions to be delivered, at least until its own answer has left (RST-01, RST-02, RST-04).
_RESET_MS = {"Soft": 10000, "Hard": 5000}
_RESET_LEAST_MS = 500
_START = 0  # verdicts of ocpp16.authorization
_ASK = 1


class ChargePoint:
    def __init__(self, settings, store, ledgers, clock, log, version, connectors=1, cause="PowerLoss"):
        self.settings = settings
        self.store = store
        self.clock = clock
        self.log = log
        self.version = version
        self.registration = None  # "Accepted", "Pending" or "Rejected", as BootNotification was answered
        self.online = False  # a WebSocket is up
        self.read = None  # function(connector number) -> reading, see meter_values
        self.vendors = {"org.pilotwire": "ocpp16.vendor"}  # vendorId in lower case -> cold module (CORE-DT-01)
        self.inoperative = self.scheduled = 0  # bits of ocpp16.availability
        self.restart = None  # what to restart with, once a Reset is ready for it
        self.transactions = Transactions(ledgers, connectors, settings, clock, log)
        self.transactions.on_start = self._on_start
        self.connectors = [Connector(k + 1, self.transactions, settings, log) for k in range(connectors)]
        for number in self.transactions.close_interrupted(cause):
            self.connectors[number - 1].closed_at_start()
        cold.call("ocpp16.availability", "load", self)
        cold.call("ocpp16.availability", "settle", self)
        known = store.read(_KNOWN)
        self.known = known is not None and known.decode() == settings.get("CentralSystemURL")
        prefix = "%x-%s" % (self.transactions.boot, hexlify(os.urandom(4)).decode())
        self.rpc = Rpc(self, prefix, settings, clock, log)
        self.statuses = Statuses(self)
        self.sampling = Sampling(self)
        self.transactions.boundary = self.sampling.boundary
        self._boot_at = None  # not before, once an answer said so
        self._last_call = clock.now_ms()
        self._auth = None  # (tag, connector number or 0) to be authorised by the central system
        self._unbound = None  # (tag, parent, deadline): authorised, waits for a cable in any connector
        self._reset = None  # (type, since)
        self._calls = []  # of the profiles, to be sent when their turn comes
        self._unlocks = []  # [connector, id of the CALL, deadline]

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
        self.rpc.disconnected()

    def receive(self, text, now):
        self.rpc.receive(text, now)

    def next_frame(self, now):
        return self.rpc.next(now) if self.online else None

    def next_call(self, now):
        """The next CALL, or None: what Rpc asks when none is outstanding."""
        if self.registration != "Accepted":
            return self._boot_notification(now)
        if self._reset:
            return self.transactions.next_call(now)
        call = self.statuses.next_call() or self._authorize()
        if not call and self._calls:
            call = self._calls.pop(0)
        call = call or self.transactions.next_call(now)
        if not call:
            wait = min(self.settings.get("HeartbeatInterval") or _DAY_S, _DAY_S)
            if ticks.diff(now, self._last_call) >= wait * 1000:
                call = Call("Heartbeat", {}, self._heartbeat_done)
        if call:
            self._last_call = now
        return call

    def send(self, call):
        """Queue a CALL that is not tx-related; the oldest goes when there are too many."""
        if len(self._calls) >= 8:
            self._calls.pop(0).done(None, None, "Disconnected")
        self._calls.append(call)

    # -- registration

    def _boot_notification(self, now):
        if self._boot_at is not None and ticks.diff(now, self._boot_at) < 0:
            return None
        payload = {}
        for name in ("chargePointVendor", "chargePointModel", "chargePointSerialNumber"):
            value = self.settings.get("C" + name[1:])
            if value:
                payload[name] = value
        payload["firmwareVersion"] = self.version
        return Call("BootNotification", payload, self._boot_done)

    def _boot_done(self, call, answer, error):
        wait = _BOOT_RETRY_S
        if answer:
            self.registration = answer["status"]
            self._sync(answer["currentTime"])
            wait = answer["interval"] if answer["interval"] > 0 else 0
        self.rpc.silent = self.registration == "Rejected"
        self.log.info("ocpp", "BootNotification: " + (self.registration if answer else error))
        if self.registration == "Accepted":
            if wait:
                self.settings.set("HeartbeatInterval", str(min(wait, 1000000)))
            if not self.known:
                self.known = True
                self.store.write(_KNOWN, self.settings.get("CentralSystemURL").encode())
            self.statuses.all(True)
        elif error != "Disconnected":
            self._boot_at = ticks.add(self.clock.now_ms(), min(wait or _BOOT_RETRY_S, _MAX_WAIT_S) * 1000)

    def _heartbeat_done(self, call, answer, error):
        if answer:
            self._sync(answer["currentTime"])

    def _sync(self, text):
        try:
            self.clock.set_utc(iso8601.parse(text))
        except ValueError:
            self.log.warning("ocpp", "currentTime is no time: " + text)
        else:
            self.transactions.synced()

    # -- time passes

    def tick(self, now):
        """Take what the electrical side says and let everything follow that is due."""
        if self._auth and not self.accepted:
            self._decide(self._auth, False)
        if self._unbound:
            self._bind(now)
        settle = False
        for c in self.connectors:
            bit = 1 << c.number
            settle = settle or (self.scheduled & bit and not c.in_use)
            c.unavailable = bool(self.inoperative & bit)
            c.update(now)
            if c.plugged and not c.tried:
                self._try_free_charging(c)
        if settle:
            cold.call("ocpp16.availability", "settle", self)
        self.sampling.tick(now)
        self.statuses.tick(now)
        if self._unlocks:
            self._finish_unlocks(now)
        if self._reset:
            self._finish_reset(now)

    def _try_free_charging(self, c):
        c.tried = True
        tag = self.settings.get("FreeChargingTag")
        if tag and c.free and not self._auth:
            self._decide((tag, c.number), self.accepted)

    # -- authorisation

    def present(self, tag, now):
        """A tag was read."""
        if not 0 < len(tag) <= _MAX_TAG:
            self.log.warning("ocpp", "a tag of %d characters is not one of OCPP" % len(tag))
            return
        if self._auth or self._reset:
            return
        for c in self.connectors:
            if c.transaction and same(c.transaction.tag, tag):  # AUTH-11
                c.stop("Local", tag)
                return
            if c.release(tag):
                return
            if c.tag and same(c.tag, tag):  # AUTH-14
                c.cancel()
                return
        if self._unbound and same(self._unbound[0], tag):
            self._unbound = None
            return
        self._decide((tag, 0), self.accepted)

    def remote_start(self, number, tag, now):
        """Authorise `tag` for connector `number` as the central system asked."""
        if self.settings.get("AuthorizeRemoteTxRequests"):
            self._decide((tag, number), self.accepted)
        else:
            self.connectors[number - 1].authorise(tag, None, now)

    @property
    def busy(self):
        """An authorisation or a reset is under way."""
        return self._auth is not None or self._reset is not None

    def _decide(self, auth, online):
        self._auth = None
        verdict, parent = cold.call("ocpp16.authorization", "decide", self, auth[0], online)
        if verdict == _START:
            self._authorised(auth, parent)
        elif verdict == _ASK:
            self._auth = auth
        else:
            self.log.info("ocpp", "tag refused")

    def _authorize(self):
        if self._auth is None:
            return None
        return Call("Authorize", {"idTag": self._auth[0]}, self._authorize_done, self._auth)

    def _authorize_done(self, call, answer, error):
        if not answer:  # AUTH-17
            self._decide(call.ref, False)
            return
        self._auth = None
        info = answer["idTagInfo"]
        self.learn(call.ref[0], info)
        if info["status"] == "Accepted":
            self._authorised(call.ref, info.get("parentIdTag"))
        else:
            self.log.info("ocpp", "tag refused: " + info["status"])

    def learn(self, tag, info):
        """An idTagInfo of the central system; a cache that can't be written must not stop charging."""
        try:
            cold.call("ocpp16.authorization", "received", self, tag, info)
        except (OSError, ValueError) as e:
            self.log.warning("ocpp", "authorization cache: %r" % e)

    def _authorised(self, auth, parent):
        tag, number = auth
        now = self.clock.now_ms()
        if number:
            if self.connectors[number - 1].free:
                self.connectors[number - 1].authorise(tag, parent, now)
            return
        for c in self.connectors:
            tx = c.transaction
            if tx and parent and tx.parent and same(tx.parent, parent):  # AUTH-12
                c.stop("Local", tag)
                return
            if parent and c.release(tag, parent):
                return
        c = self.choose()
        if c:
            c.authorise(tag, parent, now)
        elif self.choose(False):
            self._unbound = (tag, parent, ticks.add(now, self.settings.get("ConnectionTimeOut") * 1000))

    def choose(self, sure=True):
        """The connector that a tag without a place is for (AUTH-22): the only free one with a cable, or the only free one. None
        where that does not decide; with sure=False, any free one."""
        free = [c for c in self.connectors if c.free]
        plugged = [c for c in free if c.plugged]
        if len(plugged) == 1:
            return plugged[0]
        if len(free) == 1 or (free and not sure):
            return free[0]
        return None

    def _bind(self, now):
        """Give an authorisation that waits for a cable to the connector that got one."""
        tag, parent, deadline = self._unbound
        if ticks.diff(now, deadline) >= 0:
            self._unbound = None
            return
        for c in self.connectors:
            if c.plugged and c.free:
                self._unbound = None
                c.authorise(tag, parent, now)
                return

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

    def reset(self, kind, now):
        """Stop every transaction, deliver what can be delivered, then restart."""
        self._reset = (kind, now)
        self._unbound = None
        for c in self.connectors:
            c.cancel()
            if c.transaction:
                c.stop(kind + "Reset")

    def _finish_reset(self, now):
        kind, since = self._reset
        waited = ticks.diff(now, since)
        if waited >= _RESET_MS[kind] or (
            waited >= _RESET_LEAST_MS and (not self.accepted or not self.transactions.queued)
        ):
            self.restart = kind + "Reset"

    def unlock(self, c, unique, now):
        """Open the lock of a connector; the CALL `unique` is answered when it has, or has not."""
        c.release()
        if c.transaction:
            c.stop("UnlockCommand")
        c.cancel()
        self._unlocks.append((c, unique, ticks.add(now, 10000)))

    def _finish_unlocks(self, now):
        for entry in self._unlocks:
            c, unique, deadline = entry
            if c.unlocked or ticks.diff(now, deadline) >= 0:
                self._unlocks.remove(entry)
                self.rpc.answer(unique, {"status": "Unlocked" if c.unlocked else "UnlockFailed"})
                return
