"""Cold: the network interface of the board, as port/link.py supervises it: radio, or Ethernet by RMII."""

import network
from machine import Pin


def make(lan):
    """The interface, off; `lan`: Ethernet as board.json describes it, None for the radio."""
    if not lan:
        return network.WLAN(network.WLAN.IF_STA)
    how = {"mdc": Pin(lan["mdc"]), "mdio": Pin(lan["mdio"]), "phy_addr": lan["address"]}
    # Here, since only chips with Ethernet have these names.
    how["phy_type"] = {
        "LAN8720": network.PHY_LAN8720,
        "IP101": network.PHY_IP101,
        "RTL8201": network.PHY_RTL8201,
        "DP83848": network.PHY_DP83848,
        "KSZ8041": network.PHY_KSZ8041,
        "KSZ8081": network.PHY_KSZ8081,
    }[lan["phy"]]
    if "power" in lan:
        how["power"] = Pin(lan["power"])
    if "clock" in lan:
        how["ref_clk"] = Pin(lan["clock"])
        how["ref_clk_mode"] = Pin.OUT if lan.get("clock_out") else Pin.IN
    return network.LAN(**how)  # by name: keywords of MicroPython, the strings above


def start(nic, lan, ssid, key):
    """Switch it on; OSError for settings that can not be: an empty SSID, a key of seven characters."""
    nic.active(True)
    if not lan:
        nic.config(pm=network.WLAN.PM_NONE)  # else a frame waits for a beacon, up to 300 ms
        nic.connect(ssid, key)


def stop(nic, lan):
    """Switch it off."""
    if not lan:
        try:
            nic.disconnect()
        except OSError:
            pass  # it never got as far as connecting
    nic.active(False)
