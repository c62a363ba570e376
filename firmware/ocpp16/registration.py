# Cold: BootNotification, and the clock of the central system (CORE-BOOT rows).
import cold
import ticks

_MAX_WAIT_S = 432000  # five days: what ticks can hold
_STEP_S = 60  # a correction of more is a security event (J-TIME-01)
_RETRY_S = 30  # where the central system gives no interval (CORE-BOOT-04, CORE-BOOT-09)


def payload(cp):
    fields = {}
    for name in ("chargePointVendor", "chargePointModel", "chargePointSerialNumber"):
        value = cp.settings.get("C" + name[1:])
        if value:
            fields[name] = _printable(value)
    fields["firmwareVersion"] = cp.version
    return fields


def _printable(text):
    """Nothing but printable ASCII leaves the charger (J-STR-01)."""
    return "".join([c if " " <= c <= "~" else "?" for c in text])


def done(cp, answer, error):
    """BootNotification was answered, or not; when to send the next one, None for as soon as possible."""
    wait = 0
    if cp.registration == "Accepted":  # it was asked for (TRG-04): Pending from now on, or all are told anew
        cp.statuses.disconnected()
    if answer:
        cp.registration = answer["status"]
        sync(cp, answer["currentTime"])
        wait = answer["interval"]
        if cp.reservations:  # some may be over by the clock that is known now
            cold.call("ocpp16.reservations", "settle", cp)
    cp.rpc.silent = cp.registration == "Rejected"
    cp.log.info("ocpp", "BootNotification: " + (cp.registration if answer else error))
    if cp.registration == "Accepted":
        if not cp.known:  # from now on offline rules may be applied (CORE-BOOT-11)
            cp.known = True
            cp.store.write("accepted", cp.settings.get("CentralSystemURL").encode())
        return None
    if error == "Disconnected":
        return None
    return ticks.add(cp.clock.now_ms(), min(wait if wait > 0 else _RETRY_S, _MAX_WAIT_S) * 1000)


def sync(cp, text):
    """Set the clock by the currentTime of an answer."""
    try:
        utc = cold.call("iso8601", "parse", text)
    except ValueError:
        cp.log.warning("ocpp", "currentTime is no time: " + text)
        return
    step = utc - (cp.clock.utc() or utc)
    cp.clock.set_utc(utc)
    cp.transactions.synced()
    if abs(step) > _STEP_S:
        cold.call("ocpp16.security_events", "note", cp, "SettingSystemTime", "by %d s" % step)
