# One connector as OCPP sees it: authorisation, transaction, status. Sans-I/O.
#
# The caller sets what the electrical side says (plugged, inserted, requesting, energised, live, offering, secured, unlocked,
# fault, energy_wh), then calls update(now_ms); what comes out is `status` with `info`, `allowed` (energy may flow) and `locked`.
import ticks

AVAILABLE = "Available"
PREPARING = "Preparing"
CHARGING = "Charging"
SUSPENDED_EV = "SuspendedEV"
SUSPENDED_EVSE = "SuspendedEVSE"
FINISHING = "Finishing"
RESERVED = "Reserved"
UNAVAILABLE = "Unavailable"
FAULTED = "Faulted"

# A car that was just offered current closes its contact within seconds: until then the transaction is not called suspended.
_SETTLE_MS = 10000
_RATING_MS = 2000  # a cable that was just plugged is not rated yet
# A contactor has opened by then, and the meter was read, or they never will: the pilot gives the car six seconds.
_END_MS = 10000
_UNPLUGGED = "EV side disconnected"

# Faults that end a transaction rather than interrupt it (TX-26), with the reason.
_ENDING = {
    "emergency": "EmergencyStop",
    "rcd": "Other",
    "open_pe": "Other",
    "weld": "Other",
    "no_close": "Other",
    "over_current": "Other",
}


class Connector:
    def __init__(self, number, transactions, settings, log):
        self.number = number
        # What the electrical side says.
        self.plugged = False  # a car is at the cable
        self.inserted = False  # a cable is in the socket; the same where the cable is fixed
        self.requesting = False
        self.energised = False
        self.live = False  # energy may flow, or was not metered yet
        self.offering = True
        self.secured = True  # the plug is locked, as far as there is a lock and it can tell
        self.unlocked = True
        self.has_lock = False
        self.fault = None
        self.energy_wh = 0
        # What follows from it.
        self.status = AVAILABLE
        self.info = None
        self.allowed = False
        self.locked = False
        self.tag = None  # authorised, transaction not begun
        self.parent = None
        self.finishing = False  # the transaction is over, or about to be, the cable still in
        self.unavailable = False
        self.reserved = False  # kept for some tag, see ocpp16.reservations
        self.reservation = None  # id of the one that the tag here uses up by its start
        self.tried = False  # the cable that is in was tried for free charging
        self._since = 0  # now_ms since when current is offered to the transaction
        self._transactions = transactions
        self._settings = settings
        self._log = log
        self._deadline = 0
        self._ending = None  # (reason, tag) of a transaction that ends when nothing flows any more
        self._held = None  # (tag, parent) that frees the plug of a transaction that is over (TX-13, AUTH-18)

    @property
    def transaction(self):
        return self._transactions.open[self.number - 1]

    @property
    def in_use(self):
        """Something is going on that a change of availability waits for (AVAIL-03)."""
        return bool(self.transaction or self.tag or self.inserted or self.plugged)

    @property
    def free(self):
        """A tag or a remote start may begin something here."""
        return not (self.transaction or self.tag or self.fault or self.unavailable or self.finishing)

    def authorise(self, tag, parent, reservation, now):
        """The tag may charge here; begins at once with the cable in, else when it is plugged within ConnectionTimeOut."""
        self.tag = tag
        self.parent = parent
        self.reservation = reservation
        if self.status == RESERVED:  # never to Charging at once
            self.status = PREPARING
        self._deadline = ticks.add(now, self._settings.get("ConnectionTimeOut") * 1000)
        self.update(now)

    def cancel(self):
        self.tag = self.parent = None

    def stop(self, reason, tag="", hold=False):
        """End the transaction, once what flows until the contactor is open was metered: it belongs to the bill (TX-11).

        hold: the plug stays locked until its tag is presented.
        """
        if self._ending:
            return
        tx = self.transaction
        self.allowed = False
        if hold and self.has_lock:
            self._held = (tx.tag, tx.parent)
        self._ending = reason, tag
        self._since = self._transactions.clock.now_ms()
        self.finishing = self.inserted

    def release(self, tag=None, parent=None):
        """Free a plug that is held: for its tag, for its group, or for anybody (tag None). True if it was held."""
        held = self._held
        if held and (tag is None or same(held[0], tag) or (parent and held[1] and same(held[1], parent))):
            self._held = None
            return True
        return False

    @property
    def held(self):
        return self._held is not None

    def closed_at_start(self):
        """The transaction that ran here before the charger went down was closed (TX-15)."""
        self.finishing = True

    def refuse(self):
        """The central system does not accept the transaction that runs here (AUTH-18)."""
        self.transaction.refused_wh = self.energy_wh

    def update(self, now):
        tx = self.transaction
        if tx:
            self._follow(tx, now)
            tx = self.transaction
        if not self.inserted:
            self.finishing = self.tried = False
        if self.tag and tx:  # begun, although something failed right after it
            self.cancel()
        elif self.tag and not self.finishing:
            tx = self._begin(now)
        self.allowed = bool(tx and tx.accepted and not self.fault and not self._ending)
        # The plug is locked before a transaction begins: LOCK-01.
        self.locked = bool((tx and not self._ending) or self._held or (self.tag and self.plugged))
        self.status = self._status(tx, now)
        if tx:
            self.info = None if self.plugged else _UNPLUGGED
        elif not self.finishing:
            self.info = None

    def _follow(self, tx, now):
        """End the transaction if what happened ends it."""
        get = self._settings.get
        if self._ending:
            pass
        elif self.fault in _ENDING:
            self.stop(_ENDING[self.fault])
        elif not self.plugged and get("StopTransactionOnEVSideDisconnect"):
            self.stop("EVDisconnected", "", not get("UnlockConnectorOnEVSideDisconnect"))
            self.info = _UNPLUGGED
        elif tx.refused_wh is not None and self.energy_wh - tx.refused_wh >= get("MaxEnergyOnInvalidId"):
            if get("StopTransactionOnInvalidId"):
                self.stop("DeAuthorized", "", True)
            else:
                tx.accepted = False
        if self._ending and (not self.live or ticks.diff(now, self._since) >= _END_MS):
            self._transactions.end(tx, self.energy_wh, self._ending[0], self._ending[1])
            self._ending = None

    def _begin(self, now):
        if ticks.diff(now, self._deadline) >= 0 or self.fault:  # AUTH-15
            self.cancel()
        elif self.plugged and self.secured:
            if self._transactions.has_room():
                self._since = now
                tx = self._transactions.begin(self.number, self.tag, self.parent, self.energy_wh, self.reservation)
                self.cancel()
                return tx
            self._log.error("ocpp", "no room on flash for another transaction (TX-10)")
            self.cancel()
        return None

    def _status(self, tx, now):
        if self.fault:
            return FAULTED
        if tx:
            if self._ending:
                return FINISHING if self.finishing else self.status  # a fixed cable that was unplugged: Available comes next
            if not self.plugged:
                return SUSPENDED_EV  # TX-14
            settling = ticks.diff(now, self._since)
            if not (self.offering and tx.accepted):
                if self.status == PREPARING and settling < _RATING_MS:
                    return PREPARING
                self._since = now  # the car gets its time again when current is offered again
                return SUSPENDED_EVSE
            if self.requesting and self.energised:
                return CHARGING
            if self.status not in (CHARGING, SUSPENDED_EV) and settling < _SETTLE_MS:
                return self.status  # on its way to Charging
            return SUSPENDED_EV
        if self.unavailable:
            return AVAILABLE if self.status == PREPARING else UNAVAILABLE  # never at once: STAT-03
        if self.finishing:
            return FINISHING
        if self.reserved and not self.tag and self.status != PREPARING:  # AUTH-15: by way of Available
            return RESERVED
        return PREPARING if self.inserted or self.tag else AVAILABLE


def same(a, b):
    """CiString comparison (J-CI-01)."""
    return a.lower() == b.lower()
