# Settings: typed values from a table, persisted with a last good copy, never silently the factory defaults.
import os

from settings import SettingError, Settings
from settingsedit import dump, keep, parse
from settingsread import Option, find

TABLE = "settings_table.tmp"
LINES = """# NAME TYPE ACCESS RANGE DEFAULT
Interval int rw 0..100 60
Negative int rw -5.. 0
Flag bool rw - false
Names csl rw 0..10 a,b
Text str rw 0..8
Fixed int ro .. 7
Key str wo 0..40
Address str local 0..64 ws://x
Secret str secret 0..64
"""


class MemoryStore:
    def __init__(self):
        self.files = {}
        self.writes = 0

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        self.writes += 1
        self.files[name] = bytes(data)


def opened(store=None):
    with open(TABLE, "w") as f:
        f.write(LINES)
    return Settings(store or MemoryStore(), TABLE)


def refused(call, *args):
    try:
        call(*args)
    except SettingError as e:
        return e.kind
    return None


def test_defaults():
    s = opened()
    assert s.get("Interval") == 60
    assert s.get("Flag") is False
    assert s.get("Names") == "a,b"
    assert s.get("Text") == ""
    assert refused(s.get, "Nothing") == "unknown"
    os.remove(TABLE)


CASES_CHANGE = [
    ("Interval", "0", 0),
    ("interval", "100", 100),
    ("Interval", "101", "value"),
    ("Interval", "-1", "value"),
    ("Interval", " 5", "value"),
    ("Interval", "5.0", "value"),
    ("Interval", "", "value"),
    ("Interval", "-", "value"),
    ("Negative", "-5", -5),
    ("Negative", "-6", "value"),
    ("Flag", "TRUE", True),
    ("Flag", "1", "value"),
    ("Names", " c , d ", "c,d"),
    ("Names", "0123456789x", "value"),
    ("Text", "a=b\\n\n", "a=b\\n\n"),
    ("Text", "123456789", "value"),
    ("Fixed", "8", "readonly"),
    ("Address", "wss://y", "unknown"),
    ("Secret", "x", "unknown"),
    ("Nothing", "x", "unknown"),
]


def test_change(name, text, expected):
    store = MemoryStore()
    s = opened(store)
    kind = refused(s.change, name, text)
    if kind:
        assert kind == expected
        assert store.writes == 0
    else:
        canonical = find(s, name).name
        assert s.get(canonical) == expected
        assert opened(store).get(canonical) == expected
    os.remove(TABLE)


def test_local_change_reaches_every_option():
    s = opened()
    s.set("Address", "wss://y")
    s.set("Fixed", "9")
    assert s.get("Address") == "wss://y" and s.get("Fixed") == 9
    os.remove(TABLE)


def test_same_value_costs_no_write():
    store = MemoryStore()
    s = opened(store)
    s.change("Interval", "60")
    assert store.writes == 0
    s.change("Interval", "61")
    writes = store.writes
    s.change("Interval", "61")
    assert store.writes == writes
    os.remove(TABLE)


# req: CFG-07
# A damaged file is set aside and the last good copy counts.
def test_damaged_file():
    store = MemoryStore()
    s = opened(store)
    s.change("Interval", "10")
    s.change("Flag", "true")
    store.files["settings"] = store.files["settings"][:-3]
    s = opened(store)
    assert s.damaged == 1
    assert s.get("Interval") == 10
    assert "settings.bad" in store.files
    s.change("Text", "x")
    assert opened(store).get("Interval") == 10
    os.remove(TABLE)


# A file that cannot be written leaves the old value in force.
def test_failed_write():
    class Full(MemoryStore):
        def write(self, name, data):
            raise OSError(28)

    s = opened(Full())
    try:
        s.change("Interval", "10")
        raise AssertionError("no error")
    except OSError:
        pass
    assert s.get("Interval") == 60
    os.remove(TABLE)


def test_round_trip():
    values = {"A": "x\ny\\nz\\", "B": "=", "C": ""}
    assert parse(dump(values)) == values


def test_option_line_without_default():
    option = Option("WifiKey str secret 0..64\n")
    assert option.default == "" and option.access == "secret"


# What the hardware is can't be changed, and costs no write.
def test_fixed():
    store = MemoryStore()
    s = opened(store)
    assert s.get("Interval") == 60
    s.fix("Interval", "7")
    assert s.get("Interval") == 7 and find(s, "Interval").access == "ro"
    assert refused(s.change, "Interval", "8") == "readonly"
    assert store.writes == 0
    os.remove(TABLE)


def test_several_at_once_are_one_write():
    s = opened()
    keep(s, [(find(s, "Interval"), "7"), (find(s, "Text"), "x")])
    assert s.get("Interval") == 7 and s.get("Text") == "x"
    assert s.store.writes == 1
    keep(s, [(find(s, "Interval"), "60")])
    assert s.values == {"Text": "x"}
