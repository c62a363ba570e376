"""`pilotwire provision`: network, central system, identity and every other setting, before flashing or on a live board.

What there is to set, and what it may be, comes from the firmware's registry. Secrets come from a prompt, an environment
variable or a TOML file, never from the command line, where every other user could read them; they are never shown.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pilotwire import registry, settings_file
from pilotwire.arguments import UsageError
from pilotwire.errors import PilotwireError
from pilotwire.extras import Extras, files, with_pulses

# What a wallbox cannot do without, in the order in which it is asked for: (setting, question).
_QUESTIONS = (
    ("WifiSsid", "Name of the wireless network"),
    ("WifiKey", "Its password (not shown)"),
    ("CentralSystemURL", "URL of the central system, ws:// or wss://"),
    ("ChargePointId", "Identity of this charger at the central system"),
    ("AuthorizationKey", "Its key there, empty if it has none (not shown)"),
    ("MaxCurrent", "Largest current in A"),
)


def read_toml(path: Path) -> dict[str, str]:
    """Settings of a TOML file: `Name = value` with strings, numbers, booleans, or lists of strings.

    Raises:
        PilotwireError: it cannot be read or has a table in it.
    """
    import tomllib

    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise PilotwireError(f"cannot read {path}", (error.strerror or str(error)).lower())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PilotwireError(f"{path} is no TOML", str(error), 'write lines like MaxCurrent = 16')
    found = {}
    for name, value in content.items():
        if isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, str | int):
            found[name] = str(value)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            found[name] = ",".join(value)
        else:
            raise PilotwireError(
                f"{name} in {path} is no setting", "", "a value is a string, a number, true, false, or a list of strings"
            )
    return found


def dump_toml(values: dict[str, str]) -> str:
    """A TOML file that `read_toml` reads."""
    lines = ["# Settings of a pilotwire charger. It may hold secrets: keep it to yourself."]
    for name in sorted(values):
        option = registry.find(name)
        plain = option.type in ("int", "bool")
        lines.append(f"{name} = {values[name] if plain else json.dumps(values[name], ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def gather(file: Path | None, given: dict[str, str]) -> dict[str, str]:
    """Settings from a file, the command line and the environment, in rising rank; checked.

    Raises:
        UsageError: an unknown name, a wrong value, or a secret on the command line.
    """
    for name in given:
        option = registry.find(name)
        if option.secret:
            raise UsageError(
                f"{option.name} does not belong on the command line",
                "other users of this computer can read it there",
                f"set {option.variable}, or leave it out to be asked",
            )
    values = registry.check(read_toml(file)) if file is not None else {}
    values.update(registry.check(given))
    return {**values, **_from_environment()}


def _from_environment() -> dict[str, str]:
    secrets = [option for option in registry.options().values() if option.secret]
    held = {option.name: os.environ[option.variable] for option in secrets if option.variable in os.environ}
    return registry.check(held)


def ask(known: dict[str, str]) -> dict[str, str]:
    """Ask for what a wallbox cannot do without; what is known is offered, Enter keeps it.

    Raises:
        UsageError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            "there is nothing to set", "and nobody to ask", "give --set KEY=VALUE, --settings FILE or both"
        )
    answers: dict[str, str] = {}
    for name, question in _QUESTIONS:
        option = registry.find(name)
        before = known.get(name, option.default)
        while True:
            text = _question(option, question, before)
            if text == "" or text == before:
                break
            try:
                registry.check({name: text})
            except UsageError as error:
                print(f"  {error}", file=sys.stderr)
                continue
            answers[name] = text
            break
    return answers


def _question(option: registry.Option, question: str, before: str) -> str:
    if option.secret:
        kept = ", Enter keeps the present one" if before else ""
        return getpass.getpass(f"{question}{kept}: ")
    offered = f" [{before}]" if before else ""
    return input(f"{question}{offered}: ").strip()


def shown(values: dict[str, str]) -> dict[str, str]:
    """The values as they may be shown."""
    known = registry.options()
    return {
        name: "(set)" if name in known and known[name].secret else value
        for name, value in sorted(values.items())
    }


def show_options(as_json: bool) -> None:
    """Print everything there is to set."""
    found = [option for option in registry.options().values() if option.access != "ro"]
    if as_json:
        rows = [{**option._asdict(), "allowed": option.allowed} for option in found]
        print(json.dumps(rows, indent=2))
        return
    width = max(len(option.name) for option in found)
    for option in found:
        secret = f" (secret: {option.variable})" if option.secret else ""
        default = f", default {option.default}" if option.default else ""
        print(f"{option.name:<{width}}  {option.allowed}{default}{secret}")


def to_file(path: Path, values: dict[str, str]) -> None:
    """Write the settings as TOML, readable by this user alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(dump_toml(values))
    except OSError as error:
        raise PilotwireError(f"cannot write {path}", (error.strerror or str(error)).lower())


def _load(board: Any) -> dict[str, str]:
    """Settings on a live board: the file, else its last good copy, as lib/settings does."""
    for name in (settings_file.PATH, settings_file.PATH + ".old"):
        data = board.read(name)
        if data is not None:
            try:
                return settings_file.load(data)
            except PilotwireError:
                continue
    return {}


def show(port: str | None, *, as_json: bool) -> None:
    """Print the settings of a live board."""
    from pilotwire.device import ports
    from pilotwire.device.raw_repl import LiveBoard

    with LiveBoard(ports.choose(port)) as board:
        values = shown(_load(board))
    _print(values.items(), as_json)


def setup_password() -> str:
    """A password for a charger's access point in set-up mode, of letters that cannot be taken for each other: 50 bits."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz123456789") for _ in range(10))


def run(
    port: str | None, values: dict[str, str], extras: Extras, *, questions: bool, as_json: bool
) -> None:
    """Change settings of a live board, and files that belong to them, and restart it.

    Args:
        port: serial port, None to find it.
        values: checked settings.
        extras: certificates and the like.
        questions: ask for those a wallbox cannot do without.
        as_json: the outcome as JSON.
    """
    from pilotwire.device import ports
    from pilotwire.device.raw_repl import LiveBoard

    given = files(extras)
    chosen = ports.choose(port)
    if questions:
        # Asked before the board is stopped: its watchdog does not wait for a person.
        with LiveBoard(chosen) as board:
            before = _load(board)
        values = {**values, **ask({**before, **values})}
    with LiveBoard(chosen) as board:
        before = _load(board)
        made = "" if before.get("SetupPassword") or "SetupPassword" in values else setup_password()
        after = registry.lean({**before, **values, **({"SetupPassword": made} if made else {})})
        if extras.pulses is not None:
            given["/board.json"] = with_pulses(board.read("/board.json") or b"", extras.pulses)
        sent = sorted(name for name, data in given.items() if board.read(name) != data)
        for name in sent:
            board.write(name, given[name])
        changed = sorted(name for name in after.keys() | before.keys() if after.get(name) != before.get(name))
        if changed:
            old = board.read(settings_file.PATH)
            if old is not None:
                board.write(settings_file.PATH + ".old", old)
            data = settings_file.dump(after)
            board.write(settings_file.PATH, data)
            if board.read(settings_file.PATH) != data:
                raise PilotwireError(
                    "the settings were not written", "they read back otherwise", "flash the board again"
                )
    account = {"port": chosen, "changed": changed, "files": sent, "settings": shown(after)}
    if as_json:
        print(json.dumps(account | ({"setup_password": made} if made else {})))
        return
    done = ", ".join([*changed, *sent])
    print(f"set {done}; the board starts again" if done else "nothing had to be changed; the board starts again")
    if made:
        print(f"password of its set-up mode: {made}  (write it on the housing)")


def _print(rows: Iterable[tuple[str, str]], as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        print(json.dumps(dict(rows)))
        return
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
    if not rows:
        print("every setting has its default")
