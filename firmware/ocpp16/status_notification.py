# Cold: the payload of a StatusNotification.
import isoformat

# What the electrical side calls a fault, as OCPP's errorCode (STAT-05); the name itself goes into vendorErrorCode.
_ERROR_CODES = {
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


def payload(cp, number, shown, utc):
    """Of connector `number`; what `shown` is says ocpp16.statuses."""
    status, error, info, fault = shown
    if fault and not error:
        error = _ERROR_CODES.get(fault, "OtherError")
    fields = {"connectorId": number, "status": status, "errorCode": error or "NoError"}
    if info:
        fields["info"] = info
    if fault:
        fields["vendorErrorCode"] = fault
        fields["vendorId"] = cp.settings.get("ChargePointVendor")
    if utc is not None:
        fields["timestamp"] = isoformat.format(utc)
    return fields
