# One connector as OCPP sees it: authorisation, transaction, status. Sans-I/O.
#
# The caller sets what the electrical side says (plugged, inserted, requesting, energised, offering, fault, energy_wh), then calls
# update(now_ms); what comes out is `status`, `allowed` (energy may flow) and `locked`.
import ticks

AVAILABLE = "Available"
PREPARING = "Preparing"
CHARGING = "Charging"
SUSPENDED_EV = "SuspendedEV"
SUSPENDED_EVSE = "SuspendedEVSE"
FINISHING = "Finishing"
UNAVAILABLE = "Unavailable"
FAULTED = "Faulted"

# A car that was just offered current closes its contact within seconds: until then the transaction is not called suspended.
_SETTLE_MS = 10000
_RATING_MS = 2000  # a cable that was just plugged is not rated yet
# Faults that end a transaction rather than interrupt it (TX-26), with the reason.
_ENDING = {
    "emergency": "EmergencyStop",
    "rcd": "Other",
    "weld": "Other",
    "no_close": "Other",
    "over_current": "Other",
}

# What the electrical side calls a fault, as OCPP's errorCode (STAT-05).
ERROR_CODES = {
    "diode": "EVCommunicationError",
    "short": "EVCommunicationError",
    "weld": "PowerSwitchFailure",
    "no_close": "PowerSwitchFailure",
    "rcd": "GroundFailure",
    "open_pe": "GroundFailure",
    "temperature": "HighTemperature",
    "over_current": "OverCurrentFailure",
    "lock": "ConnectorLockFailure",
    "meter": "PowerMeterFailure",
    "reader": "ReaderFailure",
}


class Connector:
    def __init__(self, number, transactions, settings):
        self.number = number
        # What the electrical side says.
        self.plugged = False  # a car is at the cable
        self.inserted = False  # a cable is in the socket; the same where the cable is fixed
        self.requesting = False
        self.energised = False
        self.offering = True
        self.fault = None
        self.energy_wh = 0
        # What follows from it.
        self.status = AVAILABLE
        self.allowed = False
        self.locked = False
        self.tag = None  # authorised, transaction not begun
        self.parent = None
        self.finishing = False  # the transaction is over, the cable still in
        self.unavailable = False
        self.begun = 0  # now_ms since when current is offered to the transaction
        self._transactions = transactions
        self._settings = settings
        self._deadline = 0
        self._held = False  # locked until the tag of the last transaction shows up (TX-13)
        self._last_tag = None

    @property
    def transaction(self):
        return self._transactions.open[self.number - 1]

    @property
    def error_code(self):
        return ERROR_CODES.get(self.fault, "OtherError") if self.fault else "NoError"

    @property
    def free(self):
        """A tag or a remote start may begin something here."""
        return not (self.transaction or self.tag or self.fault or self.unavailable or self.finishing)

    def authorise(self, tag, parent, now):
        """The tag may charge here; begins at once with the cable in, else when it is plugged within ConnectionTimeOut."""
        self.tag = tag
        self.parent = parent
        self._deadline = ticks.add(now, self._settings.get("ConnectionTimeOut") * 1000)
        self.update(now)

    def cancel(self):
        self.tag = self.parent = None

    def stop(self, reason, tag=""):
        """End the transaction; energy off first, then the record."""
        self.allowed = False
        tx = self.transaction
        self._last_tag = tx.tag
        self._transactions.end(tx, self.energy_wh, reason, tag)
        self.finishing = self.inserted

    def release(self, tag):
        """True when `tag` frees a socket that was held after the car was unplugged."""
        if self._held and tag == self._last_tag:
            self._held = False
            return True
        return False

    def closed_at_start(self):
        """The transaction that ran here before the charger went down was closed (TX-15)."""
        self.finishing = True

    def update(self, now):
        tx = self.transaction
        if tx and not self.plugged and self._settings.get("StopTransactionOnEVSideDisconnect"):
            self._held = not self._settings.get("UnlockConnectorOnEVSideDisconnect")
            self.stop("EVDisconnected")
            tx = None
        if tx and self.fault in _ENDING:
            self.stop(_ENDING[self.fault])
            tx = None
        if self.finishing and not self.inserted:
            self.finishing = False
        if self.tag and not tx and not self.finishing:
            if self.plugged and not self.fault:
                tx = self._transactions.begin(self.number, self.tag, self.energy_wh)
                tx.parent = self.parent
                self.begun = now
                self.cancel()
            elif ticks.diff(now, self._deadline) >= 0:  # AUTH-15
                self.cancel()
        self.allowed = bool(tx and tx.accepted and not self.fault)
        self.locked = bool(tx) or self._held
        self.status = self._status(tx, now)

    def _status(self, tx, now):
        if self.fault:
            return FAULTED
        if tx:
            if not (self.offering and tx.accepted):
                if self.status == PREPARING and ticks.diff(now, self.begun) < _RATING_MS:
                    return PREPARING
                self.begun = now  # the car gets its time again when current is offered again
                return SUSPENDED_EVSE
            if self.requesting and self.energised:
                return CHARGING
            if self.status not in (CHARGING, SUSPENDED_EV) and ticks.diff(now, self.begun) < _SETTLE_MS:
                return self.status  # on its way to Charging
            return SUSPENDED_EV
        if self.unavailable:
            return UNAVAILABLE
        if self.finishing:
            return FINISHING
        return PREPARING if self.inserted or self.tag else AVAILABLE
