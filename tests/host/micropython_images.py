"""Synthetic MicroPython images: valid headers, segments, checksums and digests, and nothing that would run."""

import hashlib
import struct

from pilotwire.boards import CHIPS
from pilotwire.image import Partition, partition_table

STOCK = (
    Partition("nvs", 1, 0x02, 0x9000, 0x6000),
    Partition("phy_init", 1, 0x01, 0xF000, 0x1000),
    Partition("factory", 0, 0x00, 0x10000, 0x1F0000),
)
# Where RAM of each chip is, so that esptool takes the segment for one.
RAM = {"esp32": 0x3FFB0000, "esp32s3": 0x3FC88000, "esp32c3": 0x3FC80000, "esp32c6": 0x40800000}


def esp_image(chip, content):
    """One ESP image with one segment, checksum and SHA-256, as esptool reads it."""
    content += b"\0" * (-len(content) % 4)
    head = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, RAM[chip])
    # wp_pin, drive strengths, chip id, min_rev, min_rev_full, max_rev_full, reserved, hash appended
    head += struct.pack("<B3sHBHH4sB", 0xEE, b"\0\0\0", CHIPS[chip].image_id, 0, 0, 0xFFFF, b"\0" * 4, 1)
    body = head + struct.pack("<II", RAM[chip], len(content)) + content
    check = 0xEF
    for byte in content:
        check ^= byte
    body += b"\0" * (15 - len(body) % 16) + bytes([check])
    return body + hashlib.sha256(body).digest()


def micropython(chip="esp32", version="1.29.0", size=20000, table=STOCK):
    """A combined image as micropython.org offers it, from the chip's offset on."""
    banner = f"MicroPython v{version} on 2026-08-01; Generic board with {chip}\0".encode()
    noise = hashlib.sha256(chip.encode()).digest() * (size // 32)
    offset = CHIPS[chip].image_offset
    image = bytearray(b"\xff" * (0x10000 - offset))
    loader = esp_image(chip, b"second stage boot loader" * 20)
    image[: len(loader)] = loader
    rows = partition_table(table)
    image[0x8000 - offset : 0x8000 - offset + len(rows)] = rows
    return bytes(image) + esp_image(chip, banner + noise)
