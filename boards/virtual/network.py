"""Stand-in for the ESP32's network module: a station whose access point the word `network` takes away, and an access point of
its own, whose clients are on the loopback (socket.py)."""

import time

import chip_adc
import machine
import wire
from micropython import const

STA_IF = const(0)
AP_IF = const(1)
STAT_IDLE = const(1000)
STAT_CONNECTING = const(1001)
STAT_GOT_IP = const(1010)
STAT_NO_AP_FOUND = const(201)
STAT_WRONG_PASSWORD = const(202)
STAT_BEACON_TIMEOUT = const(200)

_CONNECT_MS = const(1500)  # scan, association, DHCP
_AGAIN_MS = const(1000)

_hostname = "mpy-esp32"


def hostname(*name):
    global _hostname
    if not name:
        return _hostname
    if not 1 <= len(name[0]) <= 32:
        raise ValueError()
    _hostname = name[0]


def country(*code):
    return "XX"


class WLAN:
    IF_STA = const(0)
    IF_AP = const(1)
    SEC_OPEN = const(0)
    SEC_WPA2 = const(3)
    SEC_WPA_WPA2 = const(4)
    PM_NONE = const(0)
    PM_PERFORMANCE = const(1)
    PM_POWERSAVE = const(2)

    _shared = [None, None]

    def __new__(cls, interface=0):
        if interface not in (0, 1):
            raise ValueError("invalid WLAN interface identifier")
        self = cls._shared[interface]
        if self is None:
            self = cls._shared[interface] = object.__new__(cls)
            self._sta = interface == 0
            self._active = False
            self._due = None  # virtual ms at which the link is up, None = not asked to connect
            self._settings = {
                "ssid": "",
                "pm": 1,
                "reconnects": -1,
                "channel": 6,
                "txpower": 20,
                "security": 0,
            }
        return self

    def __init__(self, interface=0):
        pass

    def active(self, *on):
        if on:
            if on[0] and not self._sta:
                _check_access_point(self._settings)
            self._active = bool(on[0])
            if not self._active:
                self._due = None
            chip_adc.radio_on = any(w and w._active for w in WLAN._shared)
        return self._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._due is not None:
            raise OSError("Wifi Internal State Error")
        if ssid is not None:
            if not isinstance(ssid, (str, bytes)):
                raise TypeError("can't convert %s to str" % type(ssid).__name__)
            self._settings["ssid"] = ssid
        if key and len(key) < 8:
            raise OSError("Wifi Invalid Password")
        self._due = time.virtual_ms() + _CONNECT_MS

    def disconnect(self):
        self._due = None

    def isconnected(self):
        if not self._sta:
            return self._active
        if self._due is None:
            return False
        wire.refresh()
        if not wire.inputs[wire.NETWORK]:
            # The IDF goes on trying by itself; it succeeds a moment after the access point is back.
            self._due = time.virtual_ms() + _AGAIN_MS
            return False
        return time.virtual_ms() >= self._due

    def status(self, *what):
        if what:
            if what[0] == "rssi":
                if not self._active:
                    raise OSError("STA must be active")
                return -55
            raise ValueError("unknown status param")
        if self.isconnected():
            return STAT_GOT_IP
        if self._due is None:
            return STAT_IDLE
        return STAT_CONNECTING if wire.inputs[wire.NETWORK] else STAT_NO_AP_FOUND

    def scan(self):
        if not self._active:
            raise OSError("STA must be active")
        wire.refresh()
        if not wire.inputs[wire.NETWORK]:
            return []
        ssid = self._settings["ssid"] or b"pilotwire"
        return [
            (
                ssid if isinstance(ssid, bytes) else ssid.encode(),
                b"\x02\0\0\0\0\1",
                6,
                -55,
                3,
                False,
            )
        ]

    def config(self, *what, **new):
        if what and new:
            raise TypeError("either pos or kw args are allowed")
        for name in new:
            if name not in _SETTINGS:
                raise ValueError("unknown config param")
            self._settings[_NAMES.get(name, name)] = new[name]
        if new:
            return None
        if len(what) != 1:
            raise TypeError("can query only one param")
        if what[0] == "mac":
            return machine.unique_id()
        name = _NAMES.get(what[0], what[0])
        if name not in self._settings:
            raise ValueError("unknown config param")
        return self._settings[name]

    def ifconfig(self, *new):
        if new:
            return None
        if not self.isconnected():
            return "0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0"
        if not self._sta:
            return "192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0"
        return "192.0.2.10", "255.255.255.0", "192.0.2.1", "192.0.2.1"

    def ipconfig(self, what):
        address, mask, gateway, _ = self.ifconfig()
        if what == "addr4":
            return address, mask
        if what == "gw4":
            return gateway
        raise ValueError("unexpected key")


def _check_access_point(settings):
    """What the IDF refuses."""
    if not 1 <= len(settings["ssid"]) <= 32:
        raise OSError("Wifi Invalid SSID")
    key = settings.get("key", "")
    if settings["security"] and not 8 <= len(key) <= 63:
        raise OSError("Wifi Invalid Password")


PHY_LAN8710 = const(0)
PHY_LAN8720 = const(0)
PHY_IP101 = const(1)
PHY_RTL8201 = const(2)
PHY_DP83848 = const(3)
PHY_KSZ8041 = const(4)
PHY_KSZ8081 = const(5)


class LAN:
    """Ethernet by RMII; the word `network` pulls its cable."""

    _made = False

    def __init__(self, id=0, *, mdc=None, mdio=None, power=None, phy_addr=None, phy_type=None, ref_clk=None, ref_clk_mode=None):
        if LAN._made:
            raise OSError("LAN interface is in use")
        for pin in (mdc, mdio):
            if not isinstance(pin, machine.Pin):
                raise ValueError("expecting a pin")
        if power is not None and not isinstance(power, machine.Pin):
            raise ValueError("expecting a pin")
        if not isinstance(phy_addr, int) or not 0 <= phy_addr <= 31:
            raise ValueError("invalid phy address")
        if phy_type not in (0, 1, 2, 3, 4, 5):
            raise ValueError("invalid phy type")
        LAN._made = True
        self._active = False
        self._due = 0
        if power is not None:
            time.sleep_ms(100)

    def active(self, *on):
        if on:
            self._active = bool(on[0])
            self._due = time.virtual_ms() + _CONNECT_MS
        return self._active

    def isconnected(self):
        wire.refresh()
        if not wire.inputs[wire.NETWORK]:
            self._due = time.virtual_ms() + _AGAIN_MS
            return False
        return self._active and time.virtual_ms() >= self._due

    def status(self):
        return STAT_GOT_IP if self.isconnected() else STAT_IDLE

    def config(self, *what, **new):
        if what == ("mac",) and not new:
            return machine.unique_id()
        raise ValueError("unknown config param")

    ifconfig = WLAN.ifconfig
    ipconfig = WLAN.ipconfig


_NAMES = {"essid": "ssid", "password": "key", "authmode": "security", "dhcp_hostname": "hostname"}
_SETTINGS = (
    "mac ssid essid hidden security authmode key password channel bandwidth hostname dhcp_hostname "
    "max_clients reconnects txpower protocol pm"
).split()
