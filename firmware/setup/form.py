# Cold: what was typed into the page of set-up mode: checked by the registry of settings, then written, all or nothing.
import settingsedit
import settingsread
from settings import SettingError

_SECRET = ("secret", "wo")


def shown(option):
    """May the page have a field for it? What is read-only is known by the firmware itself."""
    return option.access != "ro"


def secret(option):
    return option.access in _SECRET


def check(settings, fields):
    """([(Option, text)], {name: what is wrong}) of a form; an empty field of a secret leaves it as it is."""
    changes = []
    wrong = {}
    for option in settingsread.options(settings):
        text = fields.get(option.name)
        if text is None or not shown(option) or (secret(option) and not text):
            continue
        try:
            text = settingsedit.to_text(option.parse(text if secret(option) else text.strip()))
            _sense(option.name, text)
        except SettingError as e:
            wrong[option.name] = e.args[0]
        else:
            if text != settingsread.text_of(settings, option):
                changes.append((option, text))
    if not (fields.get("CentralSystemURL") or fields.get("FreeChargingTag")):
        wrong["CentralSystemURL"] = "a central system, or a tag to charge without one, is needed"
    return changes, wrong


def _sense(name, text):
    """What the registry's types cannot say."""
    if name == "CentralSystemURL" and text:
        scheme, _, rest = text.partition("://")
        host = rest.partition("/")[0]
        if scheme not in ("ws", "wss") or not host or "@" in host or " " in text:
            raise SettingError("value", "write it like ws://192.168.1.2:9000/ocpp")
    elif name == "ChargePointId" and ":" in text:
        raise SettingError("value", "an identity has no colon")
    elif name in ("WifiKey", "SetupPassword") and 0 < len(text) < 8:
        raise SettingError("value", "a password of Wi-Fi has 8 characters or more")


def keep(settings, changes):
    """Write what `check` found."""
    settingsedit.keep(settings, changes)
