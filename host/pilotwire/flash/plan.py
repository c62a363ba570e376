"""What is written where, what is erased before, and what that costs: decided before the board is touched.

    plan = make(board, image, files, before=table, flash_bytes=size)
    plan.losses             sentences about what will be gone
    plan.needs              flags without which it is not done
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pilotwire import boards, keys
from pilotwire.boards import CHIPS, Board
from pilotwire.errors import PilotwireError
from pilotwire.flash.firmware_image import FirmwareImage
from pilotwire.image import (
    TABLE_SIZE,
    Partition,
    make_vfs,
    parse_partition_table,
    partition,
    partition_table,
)

SLOT = b"a"  # of the file /slot: boot.py starts /a


@dataclass(frozen=True)
class Region:
    """Bytes for an offset of the flash; `data` None is to be erased."""

    offset: int
    size: int
    what: str
    data: bytes | None = None


@dataclass
class Plan:
    """See the module. `writes` and `erases` are in the order in which they are to be done, erases first."""

    board: Board
    partitions: tuple[Partition, ...]
    writes: list[Region] = field(default_factory=list)
    erases: list[Region] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)

    @property
    def everything(self) -> bool:
        """Is the whole flash to be erased?"""
        return any(region.offset == 0 and region.what == "everything" for region in self.erases)


def device_files(board: Board, firmware: dict[str, bytes]) -> dict[str, bytes]:
    """All files of the board's file system but its settings; with this user's key for updates, if there is one."""
    files = {**firmware, "/board.json": board.text, "/slot": SLOT}
    public = keys.for_boards()
    if public is not None:
        files[keys.ON_BOARD] = public
    return files


def make(
    board: Board,
    image: FirmwareImage,
    files: dict[str, bytes],
    *,
    before: bytes = b"",
    flash_bytes: int | None = None,
    erase: bool = False,
    erase_ledger: bool = False,
) -> Plan:
    """The plan for one board.

    Args:
        board: what is to become of it.
        image: MicroPython.
        files: of the file system.
        before: what lies at 0x8000 now; empty if it is not known (a dry run).
        flash_bytes: size of its flash, None if not known.
        erase: also what is not written over, except the ledger.
        erase_ledger: the ledger as well.

    Raises:
        PilotwireError: the flash is too small, or something does not fit into its partition.
    """
    partitions = boards.partitions(board.flash_mb)
    plan = Plan(board, partitions)
    end = max(p.offset + p.size for p in partitions)
    wanted = board.flash_mb << 20
    if flash_bytes is not None and flash_bytes < wanted:
        raise PilotwireError(
            f"{board.id} cannot be written to this chip",
            f"its flash has {flash_bytes >> 20} MB, the board has {board.flash_mb} MB",
            "take the board.json of a board with a smaller flash (`pilotwire boards`)",
        )
    app = next(p for p in partitions if p.type == 0)
    if image.app_size > app.size:
        raise PilotwireError(
            "the image does not fit", f"its app has {image.app_size} bytes, partition {app.name} {app.size}"
        )
    table = partition_table(partitions)
    vfs = partition(partitions, "vfs")
    ledger = partition(partitions, "ledger")

    start = CHIPS[board.chip].image_offset
    head = image.with_table(table)
    content = make_vfs(files, vfs.size)
    plan.writes = [
        Region(start, len(head), "MicroPython and the partition table", head),
        Region(vfs.offset, vfs.size, "the file system", content),
    ]
    keeps_ledger = _judge(plan, table, before, ledger) and not erase_ledger
    if erase and erase_ledger:
        plan.erases = [Region(0, flash_bytes or wanted, "everything")]
    else:
        if not keeps_ledger:
            plan.erases.append(Region(ledger.offset, ledger.size, "the ledger"))
        if erase:
            plan.erases += _rest(plan.writes, ledger, start, flash_bytes or end)
    if erase_ledger:
        plan.needs = [flag for flag in plan.needs if flag != "--erase-ledger"]
        if "the transactions in the ledger" not in plan.losses:
            plan.losses.append("the transactions in the ledger")
    return plan


def _judge(plan: Plan, table: bytes, before: bytes, ledger: Partition) -> bool:
    """What the table that is there now means; returns whether a ledger of ours may lie where we expect it."""
    now = before[:TABLE_SIZE]
    if not now or now == table:
        return True  # ours: files and settings are replaced, as always
    if now == b"\xff" * len(now):
        # Erased, or left so by a run that was cut: a ledger may still be there and stays.
        return True
    try:
        old = parse_partition_table(now)
    except PilotwireError:
        plan.losses.append("whatever is on the flash, whose partition table cannot be read")
        plan.needs.append("--repartition")
        return False
    names = ", ".join(f"{p.name} ({p.size >> 10} KB)" for p in old)
    plan.losses.append(f"what is in the partitions {names}, and a file system behind them")
    plan.needs.append("--repartition")
    ledgers = [p for p in old if p.name == "ledger"]
    if ledgers and ledgers[0] == ledger:
        return True
    if ledgers:
        plan.losses.append("the transactions in the ledger")
        plan.needs.append("--erase-ledger")
    return False


def _rest(writes: list[Region], ledger: Partition, start: int, end: int) -> list[Region]:
    """What lies between the written regions and the ledger, from the image's offset to the end of flash."""
    taken = sorted([(w.offset, _up(w.offset + w.size)) for w in writes] + [(ledger.offset, ledger.offset + ledger.size)])
    gaps, at = [], start
    for first, after in taken:
        if first > at:
            gaps.append(Region(at, first - at, "unused flash"))
        at = max(at, after)
    if end > at:
        gaps.append(Region(at, end - at, "unused flash"))
    return gaps


def _up(address: int) -> int:
    return (address + 4095) & ~4095
