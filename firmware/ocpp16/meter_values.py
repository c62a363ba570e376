# Cold. Meter samples: packed for the ledger, unpacked into sampledValue.
#
# A reading is a list with one element per measurand of MEASURANDS: an int, a list of three (L1, L2, L3), or None for what the
# hardware does not measure: Wh, W, mA, mV, mA, W, 0.1 degrees. Packed: context, mask of measurands, then the values.
from struct import pack_into, unpack_from

# Measurand, unit, decimals, size when packed ("h" signed 16, "H" 16, "I" 32 bits), what a packed unit holds of ours, phases.
MEASURANDS = (
    ("Energy.Active.Import.Register", "Wh", 0, "<I", 1, ""),
    ("Power.Active.Import", "W", 0, "<H", 1, ""),
    ("Current.Import", "A", 2, "<H", 10, "L%d"),
    ("Voltage", "V", 1, "<H", 100, "L%d-N"),
    ("Current.Offered", "A", 2, "<H", 10, ""),
    ("Power.Offered", "W", 0, "<H", 1, ""),
    ("Temperature", "Celcius", 1, "<h", 1, ""),
)
CONTEXTS = ("Sample.Periodic", "Sample.Clock", "Trigger", "Transaction.Begin", "Transaction.End")
PERIODIC = 0  # public
CLOCK = 1  # public
TRIGGER = 2  # public
BEGIN = 3  # public
END = 4  # public
MAX_PACKED = 2 + 4 + 2 + 6 + 6 + 2 + 2 + 2  # public


def index(name):
    """The place of a measurand in a reading, in any case, with or without a phase behind it; -1 when there is none."""
    name = name.lower()
    for i, row in enumerate(MEASURANDS):
        measurand = row[0].lower()
        if name == measurand or name.startswith(measurand + ".l"):
            return i
    return -1


def mask(csl):
    """The bit mask of a comma separated list of measurands."""
    bits = 0
    for name in csl.split(","):
        i = index(name)
        if i >= 0:
            bits |= 1 << i
    return bits


def pack(csl, context, reading):
    """The packed sample of the measurands in a list, or None when the reading has none of them."""
    bits = mask(csl)
    if not bits:
        return None
    buf = bytearray(MAX_PACKED)
    at = 2
    for i, row in enumerate(MEASURANDS):
        value = reading[i]
        if not bits >> i & 1 or value is None:
            bits &= ~(1 << i)
            continue
        for v in value if row[5] else (value,):
            pack_into(row[3], buf, at, _fit(row[3], v, row[4]))
            at += 4 if row[3] == "<I" else 2
    buf[0] = context
    buf[1] = bits
    return buf[:at] if bits else None


def _fit(form, value, step):
    value = (value + (step >> 1)) // step
    if form == "<h":
        return max(-32768, min(32767, value))
    return max(0, min(0xFFFFFFFF if form == "<I" else 0xFFFF, value))


def sampled_values(buf, at):
    """The sampledValue array of the packed sample at `at`."""
    context = CONTEXTS[buf[at]]
    bits = buf[at + 1]
    at += 2
    values = []
    for i, row in enumerate(MEASURANDS):
        if not bits >> i & 1:
            continue
        name, unit, decimals, form, _, phases = row
        for phase in range(1, 4 if phases else 2):
            value = {
                "value": _decimal(unpack_from(form, buf, at)[0], decimals),
                "context": context,
                "measurand": name,
                "location": "Body" if name == "Temperature" else "Outlet",
                "unit": unit,
            }
            if phases:
                value["phase"] = phases % phase
            values.append(value)
            at += 4 if form == "<I" else 2
    return values


def _decimal(value, decimals):
    """1598, 2 -> "15.98"."""
    if not decimals:
        return str(value)
    scale = 100 if decimals == 2 else 10
    whole, part = divmod(abs(value), scale)
    text = "%d.%02d" % (whole, part) if decimals == 2 else "%d.%d" % (whole, part)
    return "-" + text if value < 0 else text
