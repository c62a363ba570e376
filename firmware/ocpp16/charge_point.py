# The charge point: registration, heartbeats, status notifications, authorisation, and the order in which calls leave.
#
# Sans-I/O. The connection calls connected(), receive(text), next_frame(), disconnected(); the app sets what the electrical side
# says on `connectors`, then calls tick(); tags go to present(tag). All take `now`, in ms of the clock.
import os
from binascii import hexlify

from ocpp16 import connector as status
from ocpp16 import meter_values
from ocpp16.connector import Connector
from ocpp16.rpc import Call, Rpc
from ocpp16.transactions import Transactions
import iso8601
import ticks

_MAX_TAG = 20
_MAX_NOTICES = 16
_DAY_S = 86400
_MAX_WAIT_S = 432000  # five days: what ticks can hold
_BOOT_RETRY_S = 30  # where the central system gives no interval (CORE-BOOT-04, CORE-BOOT-09)
_REGISTERS_MS = 60000  # at most this much metering is in doubt after a power cut


class ChargePoint:
    def __init__(self, settings, ledger, clock, log, version, connectors=1, cause="PowerLoss"):
        self.settings = settings
        self.clock = clock
        self.log = log
        self.version = version
        self.registration = None  # "Accepted", "Pending" or "Rejected", as BootNotification was answered
        self.online = False  # a WebSocket is up
        self.read = None  # function(connector number) -> reading, see meter_values
        self.transactions = Transactions(ledger, connectors, settings, clock, log)
        self.transactions.on_start = self._on_start
        self.connectors = [Connector(k + 1, self.transactions, settings) for k in range(connectors)]
        for number in self.transactions.close_interrupted(cause):
            self.connectors[number - 1].closed_at_start()
        self.rpc = Rpc(
            self,
            "%x-%s" % (self.transactions.boot, hexlify(os.urandom(4)).decode()),
            settings,
            clock,
            log,
        )
        self._boot_at = None  # not before, once an answer said so
        self._last_call = clock.now_ms()
        self._notices = []  # (connector, status, errorCode, UTC) to be sent, in the order of events
        self._shown = [None] * (connectors + 1)  # last (status, errorCode) noticed
        self._acked = [None] * (connectors + 1)  # last one that the central system has
        self._auth = None  # (tag, connector number or 0) to be authorised
        self._unbound = None  # (tag, parent, deadline): authorised, waits for a cable in any connector
        self._samples = [None] * connectors  # [interval in s, due]
        self._kept_wh = list(self.transactions.registers)
        self._kept_at = clock.now_ms()

    @property
    def accepted(self):
        return self.online and self.registration == "Accepted"

    # -- the connection

    def connected(self, now):
        self.online = True
        if self.registration == "Accepted":  # no BootNotification again (J-REC-02), only what has changed (J-REC-03)
            self._notice_all(False)

    def disconnected(self):
        self.online = False
        self._notices.clear()
        self.rpc.disconnected()

    def receive(self, text, now):
        self.rpc.receive(text, now)

    def next_frame(self, now):
        return self.rpc.next(now) if self.online else None

    def next_call(self, now):
        """The next CALL, or None: what Rpc asks when none is outstanding."""
        if self.registration != "Accepted":
            return self._boot_notification(now)
        call = self._status_notification() or self._authorize() or self.transactions.next_call(now)
        if not call:
            wait = min(self.settings.get("HeartbeatInterval") or _DAY_S, _DAY_S)
            if ticks.diff(now, self._last_call) >= wait * 1000:
                call = Call("Heartbeat", {}, self._heartbeat_done)
        if call:
            self._last_call = now
        return call

    # -- registration

    def _boot_notification(self, now):
        if self._boot_at is not None and ticks.diff(now, self._boot_at) < 0:
            return None
        payload = {}
        for field, name in (
            ("chargePointVendor", "ChargePointVendor"),
            ("chargePointModel", "ChargePointModel"),
            ("chargePointSerialNumber", "ChargePointSerialNumber"),
        ):
            if self.settings.get(name):
                payload[field] = self.settings.get(name)
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
            self._notice_all(True)
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

    # -- status

    def _station(self):
        return (status.AVAILABLE, "NoError")

    def _now_shown(self, number):
        if not number:
            return self._station()
        c = self.connectors[number - 1]
        return (c.status, c.error_code)

    def _notice_all(self, always):
        for number in range(len(self._shown)):
            shown = self._shown[number] = self._now_shown(number)
            if always or shown != self._acked[number]:
                self._notice(number, shown)

    def _notice(self, number, shown):
        if len(self._notices) >= _MAX_NOTICES:  # the oldest is history by now
            self._notices.pop(0)
        self._notices.append((number, shown, self.clock.utc()))

    def _status_notification(self):
        if not self._notices:
            return None
        number, shown, utc = self._notices.pop(0)
        payload = {"connectorId": number, "status": shown[0], "errorCode": shown[1]}
        if utc is not None:
            payload["timestamp"] = iso8601.format(utc)
        return Call("StatusNotification", payload, self._status_done, (number, shown))

    def _status_done(self, call, answer, error):
        if error != "Disconnected":
            number, shown = call.ref
            self._acked[number] = shown

    # -- time passes

    def tick(self, now):
        """Take what the electrical side says and let everything follow that is due."""
        if self._auth and not self.accepted:
            self._decide_offline()
        self._bind(now)
        for c in self.connectors:
            c.update(now)
            self._sample(c, now)
            shown = (c.status, c.error_code)
            if shown != self._shown[c.number]:
                self._shown[c.number] = shown
                self.log.info("ocpp", "connector %d: %s %s" % (c.number, shown[0], shown[1]))
                if self.accepted:
                    self._notice(c.number, shown)
        self._keep_registers(now)

    def _sample(self, c, now):
        """MeterValues every MeterValueSampleInterval, counted from the start of the transaction (MV-01)."""
        k = c.number - 1
        interval = self.settings.get("MeterValueSampleInterval")
        if not c.transaction or not interval:
            self._samples[k] = None
            return
        sample = self._samples[k]
        if sample is None:
            self._samples[k] = [interval, ticks.add(now, interval * 1000)]
        elif sample[0] != interval:
            sample[1] = ticks.add(now, interval * 1000)
            sample[0] = interval
        elif ticks.diff(now, sample[1]) >= 0:
            sample[1] = ticks.add(sample[1], interval * 1000)
            bits = meter_values.mask(self.settings.get("MeterValuesSampledData"))
            self.transactions.sample(c.number, meter_values.PERIODIC, bits, self.read(c.number))

    def _keep_registers(self, now):
        """Write the registers down once a minute while energy flows, and when it has stopped."""
        changed = running = False
        for c in self.connectors:
            changed = changed or c.energy_wh != self._kept_wh[c.number - 1]
            running = running or c.transaction is not None
        if changed and (not running or ticks.diff(now, self._kept_at) >= _REGISTERS_MS):
            for c in self.connectors:
                self._kept_wh[c.number - 1] = c.energy_wh
            self._kept_at = now
            self.transactions.keep_registers(self._kept_wh)

    # -- authorisation

    def present(self, tag, now):
        """A tag was read."""
        if not 0 < len(tag) <= _MAX_TAG:
            self.log.warning("ocpp", "a tag of %d characters is not one of OCPP" % len(tag))
            return
        for c in self.connectors:
            if c.release(tag):
                return
            if c.transaction and same(c.transaction.tag, tag):  # AUTH-11
                c.stop("Local", tag)
                return
            if c.tag and same(c.tag, tag):  # AUTH-14
                c.cancel()
                return
        if self._unbound and same(self._unbound[0], tag):
            self._unbound = None
        elif self._auth is None:
            self._auth = (tag, 0)

    def remote_start(self, number, tag, now):
        """Authorise `tag` for connector `number` as the central system asked; the answer has left before."""
        if self.settings.get("AuthorizeRemoteTxRequests"):
            self._auth = (tag, number)
        else:
            self.connectors[number - 1].authorise(tag, None, now)

    @property
    def authorising(self):
        return self._auth is not None

    def _authorize(self):
        if self._auth is None:
            return None
        return Call("Authorize", {"idTag": self._auth[0]}, self._authorize_done, self._auth)

    def _authorize_done(self, call, answer, error):
        if not answer:
            self._decide_offline()
            return
        self._auth = None
        self._authorised(call.ref, answer["idTagInfo"])

    def _decide_offline(self):
        """No answer can be had: AUTH-06, AUTH-17."""
        auth, self._auth = self._auth, None
        allowed = self.settings.get("AllowOfflineTxForUnknownId")
        self._authorised(auth, {"status": "Accepted" if allowed else "Invalid"})

    def _authorised(self, auth, info):
        tag, number = auth
        if info["status"] != "Accepted":
            self.log.info("ocpp", "tag refused: " + info["status"])
            return
        now = self.clock.now_ms()
        parent = info.get("parentIdTag")
        if number:
            if self.connectors[number - 1].free:
                self.connectors[number - 1].authorise(tag, parent, now)
            return
        for c in self.connectors:
            tx = c.transaction
            if tx and parent and tx.parent and same(tx.parent, parent):  # AUTH-12
                c.stop("Local", tag)
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
        if self._unbound:
            tag, parent, deadline = self._unbound
            if ticks.diff(now, deadline) >= 0:
                self._unbound = None
                return
            for c in self.connectors:
                if c.plugged and c.free:
                    self._unbound = None
                    c.authorise(tag, parent, now)
                    return

    def _on_start(self, ref, info):
        """StartTransaction was answered."""
        for c in self.connectors:
            tx = c.transaction
            if tx and tx.ref == ref:
                if info.get("parentIdTag"):
                    tx.parent = info["parentIdTag"]
                if info["status"] != "Accepted":  # AUTH-18
                    if self.settings.get("StopTransactionOnInvalidId"):
                        c.stop("DeAuthorized")
                    else:
                        tx.accepted = False


def same(a, b):
    """CiString comparison (J-CI-01)."""
    return a.lower() == b.lower()
