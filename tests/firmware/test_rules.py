# Rules that hold everywhere: registration that is slow, clocks, configuration, the form of values.
import cold
from ocpp_bench import TABLE, Bench
import iso8601


def boot(status, interval=0):
    return lambda payload: {"status": status, "currentTime": "2026-11-22T10:00:00Z", "interval": interval}


# req: CORE-BOOT-07
# Pending: neither remote start nor remote stop.
def test_pending_remote():
    b = Bench()
    b.answers["BootNotification"] = boot("Pending", 300)
    b.connect()
    assert b.call("RemoteStartTransaction", {"idTag": "A"}) == {"status": "Rejected"}
    assert b.call("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Rejected"}


# BootNotification that fails, or is answered with interval 0, is tried again after our own delay.
CASES_BOOT_FAILS = [
    (lambda payload: "InternalError", 30),
    (lambda payload: None, 60),
    (lambda payload: {"status": "Accepted"}, 30),
    (boot("Rejected", 0), 30),
    (boot("Pending", -5), 30),
]


# req: CORE-BOOT-09, CORE-BOOT-04
def test_boot_fails(answer, seconds):
    b = Bench(MessageTimeout="30")
    b.answers["BootNotification"] = answer
    b.connect()
    b.run(seconds - 1)
    assert b.actions() == ["BootNotification"]
    b.run(3)
    assert b.actions() == ["BootNotification"] * 2


# A reconnect does not shorten the wait after Pending or Rejected; a restart does.
CASES_RECONNECT = ["Pending", "Rejected"]


# req: CORE-BOOT-12, CORE-BOOT-05
def test_reconnect(status):
    b = Bench()
    b.answers["BootNotification"] = boot(status, 100)
    b.connect()
    b.run(10)
    b.disconnect()
    b.run(10)
    b.connect()
    b.run(70)
    assert b.actions() == ["BootNotification"]
    b.cp.receive('[2,"x","GetConfiguration",{"key":["HeartbeatInterval"]}]', b.clock.ms)
    b.exchange()
    assert len(b.replies) == (status == "Pending")
    b.run(15)
    assert b.actions() == ["BootNotification"] * 2
    b.reboot()
    b.connect()
    assert b.actions() == ["BootNotification"] * 3


# req: CORE-HB-03, J-TIME-01
# The clock follows the currentTime of Heartbeat.
def test_heartbeat_sets_the_clock():
    b = Bench(HeartbeatInterval="10")
    b.connect()
    b.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "10"})
    b.answers["Heartbeat"] = lambda payload: {"currentTime": "2026-11-22T11:22:33.9+00:00"}
    b.run(11)
    assert abs(b.clock.utc() - iso8601.parse("2026-11-22T11:22:33Z")) <= 2
    b.answers["Heartbeat"] = lambda payload: {"currentTime": "yesterday"}
    b.run(11)
    assert abs(b.clock.utc() - iso8601.parse("2026-11-22T11:22:44Z")) <= 3


# req: AUTH-04
# AuthorizationCacheEnabled off: what is cached does not count.
def test_cache_disabled():
    b = Bench(LocalPreAuthorize="true")
    b.connect()
    b.present("A")
    b.present("A")
    b.call("ChangeConfiguration", {"key": "AuthorizationCacheEnabled", "value": "false"})
    b.sent.clear()
    b.plug()
    b.present("A")
    assert b.actions("Authorize", "StartTransaction") == ["Authorize", "StartTransaction"]


# req: J-STR-01
# What is set up with other characters leaves as printable ASCII.
def test_printable():
    b = Bench(ChargePointModel="B\u00f6x\t1")
    b.connect()
    assert b.payloads("BootNotification")[0]["chargePointModel"] == "B?x?1"


# req: CORE-BOOT-01
# Optional fields that are not known are absent.
def test_boot_fields():
    b = Bench()
    b.connect()
    assert b.payloads("BootNotification") == [
        {"chargePointVendor": "pilotwire", "chargePointModel": "ESP32 wallbox", "firmwareVersion": "0.1.0"}
    ]


# req: CFG-03
# More keys than GetConfigurationMaxKeys: the first n are answered.
def test_many_keys():
    b = Bench()
    b.connect()
    names = ["HeartbeatInterval"] + ["k%d" % i for i in range(100)]
    answer = b.call("GetConfiguration", {"key": names})
    assert len(answer["configurationKey"]) + len(answer["unknownKey"]) == 100


# req: CFG-08
# The value it has already: Accepted.
def test_same_value():
    b = Bench()
    b.connect()
    assert b.call("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "60"}) == {"status": "Accepted"}


# req: CFG-09, CORE-HB-02
# A change holds at once, here for the time a tag waits for its cable.
def test_effective_at_once():
    b = Bench(ConnectionTimeOut="1000")
    b.connect()
    b.call("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "5"})
    b.present("A")
    b.run(6)
    assert b.statuses()[-1] == "Available"


# req: CFG-11
# SupportedFeatureProfiles names the profiles that are built in, no more and no less.
def test_feature_profiles():
    names = {
        "core": "Core",
        "firmware_management": "FirmwareManagement",
        "local_auth_list": "LocalAuthListManagement",
        "reservation": "Reservation",
        "smart_charging": "SmartCharging",
        "remote_trigger": "RemoteTrigger",
    }
    b = Bench()
    claimed = b.cp.settings.get("SupportedFeatureProfiles").split(",")
    for module, name in names.items():
        try:
            cold.call("ocpp16." + module, "Profile", b.cp)
            built = True
        except (ImportError, AttributeError):
            built = False
        assert built or name not in claimed, name
    assert "Core" in claimed


# req: CFG-14
# Each list that can be set has its MaxLength.
def test_max_lengths():
    keys = {}
    with open(TABLE) as f:
        for line in f:
            if line[0] not in "#\n":
                keys[line.split()[0]] = line.split()[1:3]
    for name, (kind, access) in keys.items():
        if kind == "csl" and access == "rw":
            assert name + "MaxLength" in keys, name


# req: MV-13, MV-08
# Phases by their names, totals without one; registers as whole numbers, the rest as decimals; units always.
def test_sampled_values():
    from ocpp16 import meter_values

    every = ",".join([row[0] for row in meter_values.MEASURANDS])
    reading = (123456, 7360, (16000, 15990, 0), (230100, 229900, 230000), 32000, 22080, -55)
    sample = meter_values.pack(every, meter_values.TRIGGER, reading)
    assert len(sample) <= meter_values.MAX_PACKED
    values = meter_values.sampled_values(b"xx" + bytes(sample), 2)
    shown = [(v["measurand"], v.get("phase"), v["value"], v["unit"]) for v in values]
    assert shown == [
        ("Energy.Active.Import.Register", None, "123456", "Wh"),
        ("Power.Active.Import", None, "7360", "W"),
        ("Current.Import", "L1", "16.00", "A"),
        ("Current.Import", "L2", "15.99", "A"),
        ("Current.Import", "L3", "0.00", "A"),
        ("Voltage", "L1-N", "230.1", "V"),
        ("Voltage", "L2-N", "229.9", "V"),
        ("Voltage", "L3-N", "230.0", "V"),
        ("Current.Offered", None, "32.00", "A"),
        ("Power.Offered", None, "22080", "W"),
        ("Temperature", None, "-5.5", "Celcius"),
    ]
    assert {v["context"] for v in values} == {"Trigger"}


# req: MV-14
# One instant a message: every MeterValues has one meterValue, taken at its timestamp, of its own transaction only.
def test_one_instant():
    b = Bench(connectors=2, MeterValueSampleInterval="10")
    b.connect()
    b.plug(1)
    b.present("A")
    b.run(5)
    b.plug(2)
    b.present("B")
    b.run(26)
    ids = {p["connectorId"]: p["transactionId"] for p in b.payloads("StartTransaction") for p in [dict(p, transactionId=0)]}
    assert len(ids) == 2
    for p in b.payloads("MeterValues"):
        assert len(p["meterValue"]) == 1
        assert p["transactionId"] == p["connectorId"]
    assert len(b.payloads("MeterValues")) == 5


# req: TX-06, TX-24
# A central system that answers twice, or with ids nobody knows, changes nothing.
def test_duplicate_answers():
    b = Bench()
    b.connect()
    b.plug()
    b.present("A")
    unique = b.cp.rpc._id
    for _ in range(2):
        b.cp.receive('[3,"%s",{"transactionId":99,"idTagInfo":{"status":"Invalid"}}]' % unique, b.clock.ms)
    b.run(1)
    assert b.cp.connectors[0].transaction.id == 1
    assert b.payloads("StopTransaction") == []


# req: TX-25
# The clock is set back in the middle of a transaction: its times never run backwards.
def test_clock_set_back():
    b = Bench(MeterValueSampleInterval="10", HeartbeatInterval="5")
    b.connect()
    b.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "5"})
    b.plug()
    b.present("A")
    b.run(12)
    b.answers["Heartbeat"] = lambda payload: {"currentTime": "2026-11-22T08:00:00Z"}
    b.run(20)
    b.present("A")
    times = [b.payloads("StartTransaction")[0]["timestamp"]]
    times += [p["meterValue"][0]["timestamp"] for p in b.payloads("MeterValues")]
    times.append(b.payloads("StopTransaction")[0]["timestamp"])
    assert len(times) >= 4 and times == sorted(times)


# A disk that is full: what can't be written is an error in the log, and charging goes on.
def test_full_disk():
    b = Bench()

    def full(name, data):
        raise OSError(28)

    b.store.write = full
    b.connect()
    assert b.cp.registration == "Accepted"
    b.plug()
    b.present("A")
    b.charge(10)
    assert b.cp.connectors[0].allowed
    b.present("A")
    b.run(1)
    assert len(b.payloads("StopTransaction")) == 1


# Files of nonsense are no reason not to start.
def test_damaged_files():
    b = Bench()
    b.connect()
    b.present("A")
    for name in list(b.store.files):
        b.store.files[name] = b"\xff\x00nonsense"
    b.reboot()
    b.connect()
    b.plug()
    b.present("A")
    assert len(b.payloads("StartTransaction")) == 1
