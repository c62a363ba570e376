# Payloads against the compact schemas: the first violation, with its wire code and where it is.
from ocpp16 import schema
from ocpp16.errors import OcppError

TAG = "12345678901234567890"
PERIOD = {"startPeriod": 0, "limit": 16.5}
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [PERIOD]}
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": SCHEDULE,
}

# The table of codes of the standard: what is missing, of the wrong type, of a wrong value, of a wrong shape.
CASES = [
    ("ClearCache", {}, None),
    ("ClearCache", [], "FormationViolation"),
    ("ClearCache", {"extra": 1}, None),
    ("NoSuch", {}, "NotImplemented"),
    ("Clear", {}, "NotImplemented"),
    ("RemoteStartTransaction", {"idTag": TAG}, None),
    ("RemoteStartTransaction", {"idTag": TAG + "x"}, "PropertyConstraintViolation"),
    ("RemoteStartTransaction", {"idTag": 5}, "TypeConstraintViolation"),
    ("RemoteStartTransaction", {}, "OccurenceConstraintViolation"),
    ("RemoteStartTransaction", {"idTag": None}, "OccurenceConstraintViolation"),
    ("RemoteStartTransaction", {"idTag": "T", "connectorId": None}, None),
    ("RemoteStartTransaction", {"idTag": "T", "connectorId": "1"}, "TypeConstraintViolation"),
    ("RemoteStartTransaction", {"idTag": "T", "connectorId": True}, "TypeConstraintViolation"),
    ("RemoteStartTransaction", {"idTag": "T", "connectorId": 1.5}, "TypeConstraintViolation"),
    ("RemoteStartTransaction", {"idTag": "T", "chargingProfile": PROFILE}, None),
    ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}, None),
    ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": []}, "TypeConstraintViolation"),
    ("SetChargingProfile", {"connectorId": 1}, "OccurenceConstraintViolation"),
    ("Reset", {"type": "Hard"}, None),
    ("Reset", {"type": "hard"}, "PropertyConstraintViolation"),
    ("Reset", {"type": "Hard|Soft"}, "PropertyConstraintViolation"),
    ("Reset", {"type": ""}, "PropertyConstraintViolation"),
    ("Reset", {"type": "ard"}, "PropertyConstraintViolation"),
    ("ReserveNow", {"connectorId": 1, "expiryDate": "soon", "idTag": "T", "reservationId": 1}, "PropertyConstraintViolation"),
    ("ReserveNow", {"connectorId": 1, "expiryDate": "2026-11-22T10:00:00Z", "idTag": "T", "reservationId": 1}, None),
    ("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [{"idTag": "T"}]}, None),
    ("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [{}]}, "OccurenceConstraintViolation"),
    ("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": {}}, "TypeConstraintViolation"),
    ("StartTransaction.conf", {"transactionId": 0, "idTagInfo": {"status": "Accepted"}}, None),
    ("StartTransaction.conf", {"idTagInfo": {"status": "Accepted"}}, "OccurenceConstraintViolation"),
    ("StartTransaction.conf", {"transactionId": 1, "idTagInfo": {"status": "Ok"}}, "PropertyConstraintViolation"),
    ("StopTransaction.conf", {}, None),
    ("BootNotification.conf", {"status": "Accepted", "currentTime": "2026-11-22T10:00:00.123+01:00", "interval": 0}, None),
]


# req: J-ERR-02, J-ERR-06
def test_check(action, payload, code):
    try:
        schema.check(action, payload)
        found = None
    except OcppError as e:
        found = e.code
    assert found == code


# The error says where: the path of fields.
def test_path():
    profile = dict(PROFILE)
    profile["chargingSchedule"] = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0}]}
    try:
        schema.check("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
        raise AssertionError("no error")
    except OcppError as e:
        assert e.text == "SetChargingProfile.csChargingProfiles.chargingSchedule.chargingSchedulePeriod.limit"
