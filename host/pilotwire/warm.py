"""Which modules of the firmware stay loaded; all others are cold (lib/cold)."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

# Cold modules that stay as long as the connection to the central system does.
LOADED_WITH_A_WEBSOCKET = ("wsclient", "wsframes")
# Cold modules that are loaded while there is room in the heap: at start, in set-up mode and for orders of the bench; to connect;
# to let a tag in, for small jobs of a charger that has nothing else to do, and where larger ones begin.
LOADED_WHILE_ROOM = tuple(
    """bundlecheck electrics evse.meter evse.wake ftprefusal httprefusal microdot modbus ocpp16.address ocpp16.authorization
    ocpp16.authorization_cache ocpp16.availability ocpp16.certificate_files ocpp16.certificate_jobs
    ocpp16.certificate_keeping ocpp16.certificate_reading ocpp16.certificate_request ocpp16.certificate_rules
    ocpp16.certificate_text ocpp16.certificates ocpp16.charging_profile ocpp16.composer ocpp16.composite_schedule
    ocpp16.configuration ocpp16.configuration_keys ocpp16.configuration_values ocpp16.connecting ocpp16.core
    ocpp16.diagnostics ocpp16.firmware_management ocpp16.firmware_signature ocpp16.firmware_update
    ocpp16.installed_certificates ocpp16.large_messages ocpp16.local_auth_list ocpp16.local_learning ocpp16.local_list
    ocpp16.local_list_entries ocpp16.log_upload ocpp16.opening ocpp16.own_certificate ocpp16.profile_records ocpp16.recovery
    ocpp16.registration ocpp16.remote_trigger ocpp16.reservation ocpp16.reservations ocpp16.security_events
    ocpp16.security_log ocpp16.security_profile ocpp16.security_trial ocpp16.signed_update ocpp16.smart_charging
    ocpp16.status_notification ocpp16.tags ocpp16.timekeeping ocpp16.trouble orders p256 p256key pem port.access_point
    port.drivers port.nic port.pn532 port.sdm630 port.slots port.storage port.wiring settingsedit setup.mode start tlserror
    tlssetup vocabulary wsclient wsframes wshandshake x509chain x509csr""".split()
)
# Warm ones that a charger without TLS loads when it transfers something.
LOADED_WITHOUT_ROOM = ("tlsstream",)


def warm_modules(sources: Mapping[str, Path]) -> list[str]:
    """Modules that stay loaded, in an order in which they can be imported: what `app` and `start` import, and so on.

    Args:
        sources: {"ocpp16/core.py": file} of firmware and libraries.
    """
    found = _closure(sources, ("app", "start", "tlsstream"), {"port.access_point"}, whole="start")
    return [name for name in found if name != "start"]


def modules_of_setup(sources: Mapping[str, Path]) -> set[str]:
    """Warm modules that are loaded without the rest: those that set-up mode shares with the charger, and TLS."""
    return {*_closure(sources, ("start",), set()), "tlsstream"}


def _closure(sources: Mapping[str, Path], names: Iterable[str], seen: set[str], whole: str = "") -> list[str]:
    """What the modules import at top level, and what that does; of the module `whole` also what it imports in functions."""
    order: list[str] = []

    def visit(name: str) -> None:
        path = sources.get(name.replace(".", "/") + ".py")
        if path is None or name in seen:
            return
        seen.add(name)
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree) if name == whole else tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    visit(alias.name)
            elif isinstance(node, ast.ImportFrom) and node.module:
                visit(node.module)
                for alias in node.names:
                    visit(f"{node.module}.{alias.name}")
        order.append(name)

    for name in names:
        visit(name)
    return order
