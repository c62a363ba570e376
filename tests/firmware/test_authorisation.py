# Who may charge: Authorize, cache, offline rules, groups, refused transactions.
from ocpp_bench import Bench
import isoformat


def info(status="Accepted", parent=None, expiry=None):
    answer = {"status": status}
    if parent:
        answer["parentIdTag"] = parent
    if expiry:
        answer["expiryDate"] = expiry
    return lambda payload: {"idTagInfo": answer}


def started(b):
    return len(b.payloads("StartTransaction"))


# A session of a tag, so that the cache knows it.
def teach(b, tag="TAG", status="Accepted", parent=None, expiry=None):
    b.answers["Authorize"] = info(status, parent, expiry)
    b.present(tag)
    b.present(tag)
    del b.answers["Authorize"]
    b.sent.clear()


# Unknown tag online: Authorize; each refusal leaves the connector as it was.
CASES_REFUSED = ["Invalid", "Blocked", "Expired", "ConcurrentTx"]


# req: AUTH-01
def test_refused(status):
    b = Bench()
    b.connect()
    b.answers["Authorize"] = info(status)
    b.present("TAG")
    assert b.statuses()[-1] == "Available"
    b.plug()
    b.present("TAG")
    b.run(2)
    assert started(b) == 0 and b.statuses()[-1] == "Preparing"
    assert len(b.payloads("Authorize")) == 2


# req: AUTH-02, AUTH-08, AUTH-09
# A cached tag starts without Authorize when LocalPreAuthorize is on, also after a power cut.
def test_local_pre_authorize():
    b = Bench(LocalPreAuthorize="true")
    b.connect()
    teach(b)
    b.reboot()
    b.connect()
    b.plug()
    b.present("tag")
    assert started(b) == 1 and b.payloads("Authorize") == []


# req: AUTH-02
def test_a_cached_tag_is_asked_for_without_local_pre_authorize():
    b = Bench()
    b.connect()
    teach(b)
    b.plug()
    b.present("TAG")
    assert started(b) == 1 and len(b.payloads("Authorize")) == 1


# A tag that is cached as not valid, or whose time is over, is asked for while online.
CASES_STALE = [("Blocked", None), ("Accepted", "2026-11-22T09:59:59Z")]


# req: AUTH-03, AUTH-07
def test_stale(status, expiry):
    b = Bench(LocalPreAuthorize="true")
    b.connect()
    teach(b, "TAG", status, None, expiry)
    b.plug()
    b.present("TAG")
    assert len(b.payloads("Authorize")) == 1 and started(b) == 1


# Offline: what is known as valid starts where LocalAuthorizeOffline allows it, unknown tags where AllowOfflineTxForUnknownId
# does, and what is known as not valid never does.
CASES_OFFLINE = [
    ("Accepted", "true", "false", True),
    ("Accepted", "false", "false", False),
    ("Accepted", "false", "true", True),
    (None, "true", "false", False),
    (None, "true", "true", True),
    (None, "false", "true", True),
    ("Blocked", "true", "true", False),
    ("Invalid", "false", "true", False),
    ("Expired", "true", "true", False),
]


# req: AUTH-05, AUTH-06, CORE-BOOT-11
def test_offline(cached, local, unknown, starts):
    b = Bench(LocalAuthorizeOffline=local, AllowOfflineTxForUnknownId=unknown)
    b.connect()
    if cached:
        teach(b, "TAG", cached)
    b.disconnect()
    b.plug()
    b.present("TAG")
    assert (b.cp.connectors[0].transaction is not None) == starts
    assert b.cp.connectors[0].allowed == starts


# req: AUTH-06, AUTH-07
def test_offline_expired():
    b = Bench(AllowOfflineTxForUnknownId="true")
    b.connect()
    teach(b, "TAG", "Accepted", None, isoformat.format(b.world_s + 100))
    b.disconnect()
    b.plug()
    b.run(101)
    b.present("TAG")
    assert b.cp.connectors[0].transaction is None


# req: CORE-BOOT-11
# A central system that never accepted this charger: no charging by offline rules. Once it has, a restart changes nothing.
def test_never_accepted():
    b = Bench(AllowOfflineTxForUnknownId="true", CentralSystemURL="ws://example.org")
    b.plug()
    b.present("TAG")
    assert b.cp.connectors[0].transaction is None
    b.connect()
    b.reboot()
    b.present("TAG")
    assert b.cp.connectors[0].transaction is not None


# req: AUTH-10
# ClearCache empties the cache for good.
def test_clear_cache():
    b = Bench(LocalPreAuthorize="true")
    b.connect()
    teach(b)
    assert b.call("ClearCache", {}) == {"status": "Accepted"}
    b.reboot()
    b.connect()
    b.plug()
    b.present("TAG")
    assert len(b.payloads("Authorize")) == 1


# req: AUTH-09
# A full bucket gives up what is not valid first, then the oldest; 1,000 tags fit.
def test_cache_eviction():
    import cold

    module = cold.load("ocpp16.authorization_cache")
    b = Bench()
    b.connect()
    buckets = {}
    for i in range(3000):
        name = module._name(module._key("T%d" % i))
        buckets.setdefault(name, []) if len(buckets) < 1 else None
        if name in buckets:
            buckets[name].append("T%d" % i)
    tags = next(iter(buckets.values()))
    assert len(tags) > 30
    for k, tag in enumerate(tags[:28]):
        module.put(b.cp, tag, {"status": "Blocked" if k == 20 else "Accepted"})
        b.clock.advance(1000)
    module.put(b.cp, tags[28], {"status": "Accepted"})
    assert module.find(b.cp, tags[20]) is None
    assert module.find(b.cp, tags[0])[0] == "Accepted"
    module.put(b.cp, tags[29], {"status": "Accepted"})
    assert module.find(b.cp, tags[0]) is None
    assert module.find(b.cp, tags[1])[0] == "Accepted"
    cold.drop("ocpp16.authorization_cache")


# req: AUTH-08
# What is known already costs no write.
def test_cache_writes():
    b = Bench()
    b.connect()
    teach(b)
    writes = []
    write = b.store.write
    b.store.write = lambda name, data: (writes.append(name), write(name, data))
    teach(b)
    assert writes == []
    teach(b, "TAG", "Blocked")
    assert len(writes) == 1


# req: AUTH-08, TX-21
# The answers of StartTransaction and StopTransaction teach the cache as well.
def test_cache_from_transactions():
    b = Bench(LocalPreAuthorize="true")
    b.connect()
    b.plug()
    b.answers["StopTransaction"] = info("Blocked")
    b.present("TAG")
    b.present("TAG")
    b.unplug()
    b.sent.clear()
    b.plug()
    b.present("TAG")
    assert len(b.payloads("Authorize")) == 1


# req: AUTH-12, AUTH-13
# Another tag of the same group stops the transaction with its own id; one of another group does not.
def test_group():
    b = Bench()
    b.connect()
    b.answers["Authorize"] = info("Accepted", "GROUP")
    b.plug()
    b.present("A")
    b.answers["Authorize"] = info("Accepted", "OTHERS")
    b.present("B")
    assert b.payloads("StopTransaction") == []
    b.answers["Authorize"] = info("Accepted")
    b.present("GROUP")
    assert b.payloads("StopTransaction") == []
    b.answers["Authorize"] = info("Accepted", "group")
    b.present("C")
    assert b.payloads("StopTransaction")[0]["idTag"] == "C"
    assert b.payloads("StopTransaction")[0]["reason"] == "Local"


# req: AUTH-14
# The same tag again before plugging in cancels; another one does not.
def test_cancel():
    b = Bench()
    b.connect()
    b.present("A")
    assert b.statuses()[-1] == "Preparing"
    b.present("a")
    assert b.statuses()[-1] == "Available"
    b.plug()
    assert started(b) == 0


# req: AUTH-16
# Plugged first, no tag: it stays Preparing, and a later tag still starts.
def test_late_tag():
    b = Bench(ConnectionTimeOut="10")
    b.connect()
    b.plug()
    b.run(60)
    assert b.statuses()[-1] == "Preparing"
    b.present("A")
    assert started(b) == 1


# Authorize that fails is treated like being offline.
CASES_NO_ANSWER = [("true", True), ("false", False)]


# req: AUTH-17
def test_no_answer(unknown, starts):
    b = Bench(AllowOfflineTxForUnknownId=unknown, MessageTimeout="5")
    b.connect()
    b.answers["Authorize"] = lambda payload: None
    b.plug()
    b.present("A")
    b.run(4)
    assert started(b) == 0
    b.run(2)
    assert (started(b) == 1) == starts
    b.answers["Authorize"] = lambda payload: "InternalError"
    b.unplug()
    b.sent.clear()
    b.plug()
    b.present("B")
    assert (started(b) == 1) == starts


# req: AUTH-18, AUTH-20, AUTH-23
# The central system refuses a running transaction: stopped with DeAuthorized, the plug held until the tag comes back.
def test_deauthorized():
    b = Bench()
    b.connect()
    c = b.cp.connectors[0]
    c.has_lock = True
    b.answers["StartTransaction"] = lambda payload: {"transactionId": 7, "idTagInfo": {"status": "ConcurrentTx"}}
    b.plug()
    b.present("A")
    b.charge(10)
    assert b.payloads("StopTransaction")[0]["reason"] == "DeAuthorized"
    assert b.payloads("StopTransaction")[0]["transactionId"] == 7
    assert c.locked and not c.allowed
    b.present("B")
    assert c.locked
    b.present("A")
    b.run(0)
    assert not c.locked and started(b) == 1


# req: AUTH-18
# With StopTransactionOnInvalidId off the energy goes off, the transaction stays: SuspendedEVSE; the tag ends it.
def test_invalid_without_stop():
    b = Bench(StopTransactionOnInvalidId="false")
    b.connect()
    b.answers["StartTransaction"] = lambda payload: {"transactionId": 7, "idTagInfo": {"status": "Invalid"}}
    b.plug()
    b.present("A")
    b.run(3)
    assert b.payloads("StopTransaction") == [] and not b.cp.connectors[0].allowed
    assert b.statuses()[-1] == "SuspendedEVSE"
    b.present("A")
    assert b.payloads("StopTransaction")[0]["reason"] == "Local"


# req: AUTH-19
# MaxEnergyOnInvalidId may still flow after the refusal.
def test_energy_on_invalid_id():
    b = Bench(MaxEnergyOnInvalidId="100")
    b.connect()
    b.answers["StartTransaction"] = lambda payload: {"transactionId": 7, "idTagInfo": {"status": "Invalid"}}
    b.plug()
    b.present("A")
    b.charge(60)
    assert b.payloads("StopTransaction") == [] and b.cp.connectors[0].allowed
    b.charge(60)
    b.run(0)
    assert b.payloads("StopTransaction")[0]["reason"] == "DeAuthorized"


# req: AUTH-15
# Tag first, no cable within ConnectionTimeOut: Available again.
def test_connection_timeout():
    b = Bench(ConnectionTimeOut="15")
    b.connect()
    b.present("A")
    b.run(14)
    assert b.statuses()[-1] == "Preparing"
    b.run(2)
    assert b.statuses()[-1] == "Available"


# req: TX-20
# A transaction that ran offline from start to end is refused afterwards: nothing to stop, the cache knows.
def test_refused_after_the_fact():
    b = Bench(AllowOfflineTxForUnknownId="true")
    b.connect()
    b.disconnect()
    b.plug()
    b.present("A")
    b.charge(5)
    b.present("A")
    b.answers["StartTransaction"] = lambda payload: {"transactionId": 7, "idTagInfo": {"status": "Blocked"}}
    b.connect()
    b.run(1)
    assert len(b.payloads("StopTransaction")) == 1
    b.unplug()
    b.disconnect()
    b.plug()
    b.present("A")
    assert b.cp.connectors[0].transaction is None


# A box without a reader: plugging in starts with the configured tag, by the rules of a tag that is presented.
def test_free_charging():
    b = Bench(FreeChargingTag="GARAGE")
    b.connect()
    b.plug()
    b.run(0)
    assert b.payloads("Authorize") == [{"idTag": "GARAGE"}]
    assert b.payloads("StartTransaction")[0]["idTag"] == "GARAGE"
    b.unplug()
    assert b.payloads("StopTransaction")[0]["reason"] == "EVDisconnected"
    b.plug()
    b.run(0)
    assert started(b) == 2


def test_free_charging_refused():
    b = Bench(FreeChargingTag="GARAGE")
    b.connect()
    b.answers["Authorize"] = info("Blocked")
    b.plug()
    b.run(30)
    assert started(b) == 0 and len(b.payloads("Authorize")) == 1
