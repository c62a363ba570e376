# The local authorization list: SendLocalList in all its forms, and what a tag on the list may do.
import os

from ocpp_bench import Bench
import cold
import iso8601

MOST = 100
OK = {"status": "Accepted"}


def ready(**settings):
    b = Bench(**settings)
    b.connect()
    b.run(0)
    b.sent.clear()
    return b


def entry(tag, status="Accepted", parent=None, expiry=None):
    info = {"status": status}
    if parent:
        info["parentIdTag"] = parent
    if expiry:
        info["expiryDate"] = expiry
    return {"idTag": tag, "idTagInfo": info} if status else {"idTag": tag}


def gone(tag):
    return entry(tag, None)


def send(b, number, entries=None, kind="Full"):
    payload = {"listVersion": number, "updateType": kind}
    if entries is not None:
        payload["localAuthorizationList"] = entries
    answer = b.call("SendLocalList", payload)
    return answer if isinstance(answer, str) else answer["status"]


def change(b, number, entries=None):
    return send(b, number, entries, "Differential")


def version(b):
    return b.call("GetLocalListVersion", {})["listVersion"]


def find(b, tag):
    return cold.call("ocpp16.local_list", "find", b.cp, tag)


def known(b, tag):
    return cold.call("ocpp16.authorization", "known", b.cp, tag)[0]


def enable(b, on):
    b.call("ChangeConfiguration", {"key": "LocalAuthListEnabled", "value": on})


# req: LAL-01
# Switched off: version -1 and NotSupported; the list is back when it is switched on again.
def test_disabled():
    b = ready()
    assert send(b, 7, [entry("A")]) == "Accepted"
    enable(b, "false")
    assert version(b) == -1
    assert send(b, 8, [entry("B")]) == "NotSupported"
    assert known(b, "A") is None
    b.reboot()
    b.connect()
    enable(b, "true")
    assert version(b) == 7 and known(b, "A") == "Accepted"


# req: LAL-02, LAL-03
# Full replaces everything, with any version above 0, a lower one as well; an empty list has version 0.
def test_full():
    b = ready()
    assert version(b) == 0
    assert send(b, 5, [entry("A"), entry("B", "Blocked", "GROUP", "2030-01-01T00:00:00Z")]) == "Accepted"
    assert version(b) == 5
    assert find(b, "B") == ("Blocked", iso8601.parse("2030-01-01T00:00:00Z"), "GROUP")
    assert send(b, 3, [entry("C")]) == "Accepted"
    assert version(b) == 3 and find(b, "A") is None and find(b, "C")
    for none in ([], None):
        assert send(b, 4, [entry("C")]) == "Accepted"
        assert send(b, 9, none) == "Accepted"
        assert version(b) == 0 and find(b, "C") is None
    assert send(b, 0, []) == "Accepted"


CASES_FAILED = [
    ("Full", 0, [entry("X")]),
    ("Full", -1, [entry("X")]),
    ("Full", -1, []),
    ("Full", 6, [entry("X"), gone("Y")]),
    ("Full", 6, [entry("X"), entry("x")]),
    ("Full", 6, [entry("")]),
    ("Full", 6, [entry("X", "Accepted", "\u00e4" * 20)]),
    ("Differential", 6, [entry("X"), gone("X")]),
    ("Differential", 6, [entry("A"), entry("\u00e4" * 20)]),
]


# req: LAL-03, LAL-05, LAL-06
# What is refused leaves list and version as they are, also over a restart.
def test_failed(kind, number, entries):
    b = ready()
    assert send(b, 5, [entry("A")]) == "Accepted"
    assert send(b, number, entries, kind) == "Failed"
    b.reboot()
    b.connect()
    assert version(b) == 5 and find(b, "A") == ("Accepted", 0, None)
    assert find(b, "X") is None and len(os.listdir("data")) == 1


# req: LAL-04
# Differential: added, replaced, removed; what is unknown is removed without complaint.
def test_differential():
    b = ready()
    assert change(b, 2, [entry("M"), entry("C")]) == "Accepted"
    assert change(b, 3, [entry("Z"), entry("a"), gone("C"), gone("Q"), entry("m", "Blocked"), entry("N")]) == "Accepted"
    assert version(b) == 3
    found = [(tag, find(b, tag)) for tag in ("A", "C", "M", "N", "Q", "Z")]
    assert [(tag, info[0]) for tag, info in found if info] == [
        ("A", "Accepted"),
        ("M", "Blocked"),
        ("N", "Accepted"),
        ("Z", "Accepted"),
    ]
    for number, none in ((4, []), (5, None)):
        assert change(b, number, none) == "Accepted"
        assert version(b) == number and find(b, "Z")
    assert change(b, 6, [gone("a"), gone("m"), gone("n"), gone("z")]) == "Accepted"
    assert version(b) == 0
    assert change(b, 1) == "Accepted" and version(b) == 0


# req: LAL-04
# The version must grow, else nothing changes.
def test_version_mismatch():
    b = ready()
    assert send(b, 2, [entry("A")]) == "Accepted"
    assert change(b, 5, [entry("B")]) == "Accepted"
    for number in (4, 5, 0, -1):
        assert change(b, number, [gone("A"), entry("C")]) == "VersionMismatch"
    assert version(b) == 5 and find(b, "A") and find(b, "B") and find(b, "C") is None


# req: LAL-06
# The list as a whole is limited too: a Differential that would exceed it fails, and one that replaces does not.
def test_list_full():
    b = ready()
    b.cp.settings.set("LocalAuthListMaxLength", "10")
    assert send(b, 1, [entry("T%d" % i) for i in range(10)]) == "Accepted"
    assert change(b, 2, [entry("NEW")]) == "Failed"
    assert version(b) == 1 and find(b, "NEW") is None
    assert change(b, 2, [entry("NEW"), gone("T7")]) == "Accepted"
    assert find(b, "NEW") and find(b, "T7") is None and find(b, "T9")


CASES_LARGEST = [512, 7]


# req: LAL-06
# As many entries as are promised, as large as they may be, in one message; and as many messages as the list holds.
def test_largest(cut):
    b = ready()
    assert b.cp.settings.get("SendLocalListMaxLength") == MOST
    total = b.cp.settings.get("LocalAuthListMaxLength")
    for start in range(0, total, MOST):
        assert stream(b, largest(start, min(MOST, total - start)), cut) == OK
    assert os.stat("data/locallist")[6] == 9 + 46 * total
    for i in (0, 1, total // 2, total - 1):
        found = find(b, "AUTHORIZATION-%06d" % i)
        assert found and found[2] == "PARENT-OF-THE-%06d" % i
    assert find(b, "AUTHORIZATION-%06d" % total) is None and find(b, "0") is None and find(b, "Z") is None


# req: LAL-06
# One more than is promised: Failed, and the message is read to its end.
def test_too_many():
    b = ready()
    assert stream(b, largest(0, MOST)) == OK
    assert stream(b, largest(MOST, MOST + 1)) == {"status": "Failed"}
    assert version(b) == 1


# A large message that breaks off, or is nonsense in the middle, is as unreadable as a small one; nothing is changed by it.
def test_streamed_nonsense():
    b = ready()
    head = ['[2,"x","SendLocalList",{"listVersion":1,"updateType":"Full","localAuthorizationList":[']
    large = ['{"idTag":"x"'] + [" " * 500] * 6 + ["}]}]"], ["x" * 500] * 10 + ["]}]"]
    for wrong in ([], ["]}"], ['{"idTag":}]}]']) + large:
        stream(b, head + wrong)
        assert isinstance(b.replies[-1][2], str), wrong  # the code of an error
    assert stream(b, ['[2,"x","SendLocalList",{"x":"'] + ["y" * 500] * 6 + ['"}]']) == "GenericError"
    assert version(b) == 0 and b.cp.rpc.invalid > 0


CASES_RUNS = [19, 20, 21, 40, 50]


# req: LAL-04, LAL-05
# A list of any length is sorted piece by piece, and nothing of that is left, whether it is taken or not.
def test_runs(count):
    b = ready()
    tags = ["T%02d" % (k * 37 % count) for k in range(count)]
    assert send(b, 1, [entry(tag, "Blocked") for tag in tags]) == "Accepted"
    assert [find(b, tag)[0] for tag in tags] == ["Blocked"] * count
    assert change(b, 2, [entry(tag) for tag in tags] + [gone(tags[0].lower())]) == "Failed"
    assert change(b, 2, [gone(tag) if tag < "T05" else entry(tag) for tag in tags] + [entry("U")]) == "Accepted"
    for tag in tags + ["U"]:
        assert find(b, tag) == (None if tag < "T05" else ("Accepted", 0, None)), tag
    assert send(b, 3, [entry(tag) for tag in tags] + [gone("X")]) == "Failed"
    assert version(b) == 2 and os.listdir("data") == ["locallist"]


# req: LAL-05
# A message that is cut short leaves nothing that the next one would find; a disk that is full meanwhile: Failed.
def test_cut_short():
    b = ready()
    assert send(b, 5, [entry("A")]) == "Accepted"
    reader = None
    for number, piece in enumerate(largest(0, 30)):
        piece = piece.encode()
        reader = reader or b.cp.rpc.large(piece)
        if number <= 30:  # the last entry without its end
            reader.take(memoryview(piece)[: -7 if number == 30 else len(piece)])
    reader = None
    assert len(os.listdir("data")) == 2
    assert change(b, 6, [entry("B")]) == "Accepted"
    assert os.listdir("data") == ["locallist"] and find(b, "AUTHORIZATION-000001") is None and find(b, "B")
    path = b.cp.store.path
    b.cp.store.path = lambda name: "nowhere/" + name if name == "locallist.new" else path(name)
    assert stream(b, largest(6, 30)) == {"status": "Failed"}
    b.cp.store.path = path
    assert version(b) == 6 and find(b, "A")


def stream(b, pieces, cut=512):
    """Hand a message over as the connection does; the payload or the code of the answer."""
    reader = None
    for piece in pieces:
        piece = piece.encode()
        reader = reader or b.cp.rpc.large(piece)
        for at in range(0, len(piece), cut):
            reader.take(memoryview(piece)[at : at + cut])
    frame, reader = reader.end(), None
    b.cp.receive(frame, b.clock.ms)
    b.exchange()
    return b.replies[-1][2]


def largest(start, count):
    """The text of a SendLocalList with entries of maximal size, piece by piece."""
    text = '[2, "12345678-1234-1234-1234-123456789012", "SendLocalList", {"listVersion": %d, "updateType": "%s", '
    yield text % (start + 1, "Differential" if start else "Full") + '"localAuthorizationList": ['
    text = '{"idTag": "Authorization-%06d", "idTagInfo": {"expiryDate": "2036-11-22T10:00:00.000Z", '
    text += '"parentIdTag": "PARENT-OF-THE-%06d", "status": "ConcurrentTx"}}'
    for i in range(count):
        number = start + i * 37 % count
        yield (", " if i else "") + text % (number, number)
    yield "]}]"


CASES_FORMS = [
    ('{"idTag":"B"},{"idTagInfo":{"status":"Accepted"}}', "OccurenceConstraintViolation"),
    ('{"idTag":"B","idTagInfo":{"status":"accepted"}}', "PropertyConstraintViolation"),
    ('{"idTag":"123456789012345678901"}', "PropertyConstraintViolation"),
    ('{"idTag":5}', "TypeConstraintViolation"),
    ('"B"', "TypeConstraintViolation"),
    (' { "idTag" : "}]{" , "idTagInfo" : { "status" : "Accepted" , "x" : [ "}" ] } } ', OK),
    ('\n{"idTagInfo":{"status":"Accepted"},"idTag":"B"}\n,\t{"idTag":"\\u0043","idTagInfo":{"status":"Invalid"}}', OK),
    ("", OK),
]


# req: LAL-05, J-ERR-02
# What is wrong in one entry is an error of the message; the ways to write JSON are all one.
def test_forms(entries, expected):
    b = ready()
    text = '[2,"x","SendLocalList",{"localAuthorizationList" : [%s], "listVersion":1,"updateType":"Full"}]' % entries
    b.cp.receive(text, b.clock.ms)
    b.exchange()
    assert b.replies[-1][2] == expected
    assert version(b) == (1 if expected == {"status": "Accepted"} and entries else 0)


def test_not_a_list():
    b = ready()
    for entries, expected in (({}, "TypeConstraintViolation"), ("x", "TypeConstraintViolation"), (None, {"status": "Accepted"})):
        payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries, "packed": 5}
        assert b.call("SendLocalList", payload) == expected
    assert b.call("DataTransfer", {"vendorId": "x", "data": '"SendLocalList"'}) == {"status": "UnknownVendorId"}


# req: LAL-07
# A disk that is full in the middle: Failed, and the old list is there. A file of nonsense: an empty list.
def test_damage():
    b = ready()
    assert send(b, 5, [entry("A")]) == "Accepted"
    path = b.cp.store.path
    b.cp.store.path = lambda name: "nowhere/" + name if name == "locallist" and b.cp.rpc.unique else path(name)
    assert send(b, 6, [entry("B")]) == "Failed"
    b.cp.store.path = path
    assert version(b) == 5 and find(b, "A")
    for nonsense in (b"", b"\xff" * 60, b"\x01", b"\x02" + bytes(54)):
        with open("data/locallist", "wb") as f:
            f.write(nonsense)
        assert version(b) == 0 and find(b, "A") is None
    assert send(b, 1, [entry("A")]) == "Accepted" and find(b, "A")


# req: LAL-08, AUTH-02, LAL-07
# On the list and LocalPreAuthorize: it starts without Authorize, in any case, by remote start too, and after a restart.
def test_pre_authorize():
    b = ready(LocalPreAuthorize="true")
    send(b, 1, [entry("TAG")])
    b.plug()
    b.present("tAg")
    assert b.actions("Authorize", "StartTransaction") == ["StartTransaction"]
    b.unplug()
    b.reboot()
    b.connect()
    b.sent.clear()
    b.plug()
    assert b.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "TAG"}) == {"status": "Accepted"}
    b.run(0)
    assert b.actions("Authorize", "StartTransaction") == ["StartTransaction"]


CASES_LISTED = [
    ("false", "Accepted", None, True),
    ("true", "Accepted", None, False),
    ("true", "ConcurrentTx", None, False),
    ("true", "Accepted", "2026-11-22T09:59:59Z", True),
    ("true", "Accepted", "1999-01-01T00:00:00Z", True),
    ("true", "Accepted", "9999-01-01T00:00:00Z", False),
    ("true", "Blocked", None, True),
    ("true", "Invalid", None, True),
    ("true", "Expired", None, True),
]


# req: AUTH-02, AUTH-03, AUTH-07, AUTH-23
# What is not valid by the list, or not to be trusted, is asked for; ConcurrentTx counts as valid.
def test_listed(pre, status, expiry, asked):
    b = ready(LocalPreAuthorize=pre)
    send(b, 1, [entry("TAG", status, None, expiry)])
    b.plug()
    b.present("TAG")
    assert b.actions("Authorize", "StartTransaction") == ["Authorize"] * asked + ["StartTransaction"]


CASES_OFFLINE = [
    ("Accepted", "true", "false", True),
    ("Accepted", "false", "false", False),
    ("ConcurrentTx", "true", "false", True),
    ("Blocked", "true", "true", False),
    ("Expired", "true", "true", False),
    ("Invalid", "false", "true", False),
]


# req: AUTH-05, AUTH-06, AUTH-23
# Offline: valid by the list starts where LocalAuthorizeOffline allows it; not valid never does.
def test_offline(status, local, unknown, starts):
    b = ready(LocalAuthorizeOffline=local, AllowOfflineTxForUnknownId=unknown)
    send(b, 1, [entry("TAG", status)])
    b.disconnect()
    b.plug()
    b.present("TAG")
    assert (b.cp.connectors[0].transaction is not None) == starts


# req: AUTH-04, AUTH-08
# The list goes before the cache, and what is on it never goes into the cache; off the list the cache holds again.
def test_list_before_cache():
    b = ready(LocalPreAuthorize="true")
    b.present("TAG")
    b.present("TAG")
    assert [name for name in b.store.files if name.startswith("cache")] != []
    files = dict(b.store.files)
    send(b, 1, [entry("TAG", "Blocked"), entry("OTHER")])
    b.sent.clear()
    b.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Blocked"}}
    b.present("TAG")
    assert b.actions("Authorize") == ["Authorize"]
    b.plug()
    b.present("OTHER")
    assert len(b.payloads("StartTransaction")) == 1
    assert b.store.files == files
    b.unplug()
    send(b, 2, [])
    b.sent.clear()
    b.plug()
    b.present("TAG")
    assert b.actions("Authorize", "StartTransaction") == ["StartTransaction"]


# req: AUTH-12, AUTH-04
# The parent by the list: a tag of the same group stops the transaction without being asked for, offline as well.
def test_group():
    b = ready(LocalPreAuthorize="true")
    send(b, 1, [entry("A", "Accepted", "Group"), entry("B", "Accepted", "GROUP"), entry("C", "Accepted", "OTHER")])
    b.plug()
    b.present("A")
    b.present("C")
    assert b.payloads("StopTransaction") == []
    b.disconnect()
    b.present("B")
    b.connect()
    b.run(1)
    assert b.payloads("StopTransaction")[0]["idTag"] == "B" and b.payloads("Authorize") == []


CASES_CONFLICT = [
    ("Accepted", "Invalid", True),
    ("Accepted", "Blocked", True),
    ("Accepted", "Accepted", False),
    ("Accepted", "ConcurrentTx", False),
    ("Blocked", "Accepted", True),
]


# req: AUTH-20
# The central system says otherwise than the list: LocalListConflict of connector 0, and the list stays.
def test_conflict(listed, said, conflict):
    b = ready(LocalPreAuthorize="true")
    send(b, 1, [entry("TAG", listed)])
    b.answers["StartTransaction"] = lambda payload: {"transactionId": 1, "idTagInfo": {"status": said}}
    b.plug()
    b.present("TAG")
    b.run(1)
    seen = [p for p in b.payloads("StatusNotification") if p["connectorId"] == 0]
    assert [(p["status"], p["errorCode"]) for p in seen][:1] == [("Available", "LocalListConflict")] * conflict
    assert find(b, "TAG")[0] == listed and version(b) == 1
