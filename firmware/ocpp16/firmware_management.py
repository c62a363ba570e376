# Firmware Management profile (FW and DIAG rows). Cold: loaded for one message (see rpc); what lasts is a job, see jobs.
from ocpp16.errors import OcppError
import cold


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_diagnostics(self, payload):
        return cold.call("ocpp16.diagnostics", "get", self._cp, payload)

    def update_firmware(self, payload):
        if self._cp.settings.get("SecurityProfile"):  # only SignedUpdateFirmware then (FW-01)
            raise OcppError("NotSupported", "SignedUpdateFirmware")
        cold.call("ocpp16.firmware_request", "take", self._cp, payload)
        return {}
