"""Boot loader of the chip: which of two app images runs, as ESP-IDF 5 does it with rollback on.

    label = choose(nor, table)                 before anything else; None on a board without otadata
    select(nor, table, index); confirm(nor, table)

otadata is two sectors of one entry each: sequence (image number sequence - 1, modulo their count), state, CRC-32 of the
sequence. The entry with the higher sequence counts. A rewrite erases its sector first, so that a cut leaves the other entry.
`table`: rows (type, subtype, offset, size, label) of the partition table; addresses in the Nor begin at 0x8000.
"""

import hashlib
import struct
from binascii import crc32

_FLASH_START = 0x8000
NEW = 0
PENDING = 1  # was started once; the next reset goes back
VALID = 2
ABORTED = 4
_ENTRY = "<I20sII"
_EMPTY = 0xFFFFFFFF
_MAGIC = 0xE9


def images(table):
    """Rows of the two app slots, in order."""
    return sorted([row for row in table if row[0] == 0 and row[1] & 0x10])


def chosen(nor, table):
    """Label of the image that a start would choose, with nothing written; None on a board without otadata."""
    rows = images(table)
    active = _active(nor, table) if rows else None
    return rows[(active[1] - 1) % len(rows)][4] if active else rows[0][4] if rows else None


def choose(nor, table):
    """Label of the image that is started; its state moves on, as in the chip."""
    rows = images(table)
    if not rows:
        return None
    for i, (sequence, state) in enumerate(_entries(nor, table)):
        if sequence is not None and state == PENDING:  # it was started, and did not confirm itself
            _write(nor, table, i, sequence, ABORTED)
    active = _active(nor, table)
    if active is None:
        return rows[0][4]
    i, sequence, state = active
    row = rows[(sequence - 1) % len(rows)]
    if not whole(nor, row):
        return [other for other in rows if other is not row][0][4]
    if state == NEW:
        _write(nor, table, i, sequence, PENDING)
    return row[4]


def select(nor, table, label):
    """esp_ota_set_boot_partition: False when the image there is not whole."""
    rows = images(table)
    labels = [row[4] for row in rows]
    if not whole(nor, rows[labels.index(label)]):
        return False
    active = _active(nor, table)
    sequence, i = (active[1] + 1, 1 - active[0]) if active else (1, 0)
    while (sequence - 1) % len(rows) != labels.index(label):
        sequence += 1
    _write(nor, table, i, sequence, NEW)
    return True


def confirm(nor, table):
    """esp_ota_mark_app_valid_cancel_rollback: False where nothing is noted of the image that runs."""
    active = _active(nor, table)
    if active is None:
        return False
    if active[2] != VALID:
        _write(nor, table, active[0], active[1], VALID)
    return True


def whole(nor, row):
    """Is there an app image in the partition, with the SHA-256 at its end that it says?"""
    at = row[2] - _FLASH_START
    head = bytearray(24)
    nor.read(at, head)
    if head[0] != _MAGIC or not head[23]:
        return False
    size = 24
    segment = bytearray(8)
    for _ in range(head[1]):
        nor.read(at + size, segment)
        size += 8 + struct.unpack("<I", segment[4:])[0]
        if size > row[3] - 64:
            return False
    size += 16 - size % 16
    digest = hashlib.sha256()
    piece = bytearray(256)
    for offset in range(0, size, 256):
        part = memoryview(piece)[: min(256, size - offset)]
        nor.read(at + offset, part)
        digest.update(part)
    found = bytearray(32)
    nor.read(at + size, found)
    return found == digest.digest()


def _otadata(table):
    for row in table:
        if row[0] == 1 and row[1] == 0:
            return row[2] - _FLASH_START
    raise OSError(2)


def _entries(nor, table):
    """(sequence or None, state) of both sectors."""
    at = _otadata(table)
    found = []
    raw = bytearray(32)
    for i in range(2):
        nor.read(at + i * 4096, raw)
        sequence, _, state, check = struct.unpack(_ENTRY, raw)
        good = sequence != _EMPTY and check == crc32(raw[:4], _EMPTY) & _EMPTY
        found.append((sequence if good else None, state))
    return found


def _active(nor, table):
    """(sector, sequence, state) of the entry that counts, or None."""
    best = None
    for i, (sequence, state) in enumerate(_entries(nor, table)):
        if sequence is not None and state in (NEW, PENDING, VALID, _EMPTY) and (best is None or sequence > best[1]):
            best = (i, sequence, state)
    return best


def _write(nor, table, i, sequence, state):
    at = _otadata(table) + i * 4096
    number = struct.pack("<I", sequence)
    nor.erase(at)
    nor.program(at, struct.pack(_ENTRY, sequence, b"\xff" * 20, state, crc32(number, _EMPTY) & _EMPTY))
