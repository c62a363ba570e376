# Firmware Management profile (FW and DIAG rows). Cold: loaded for one message (see rpc); what lasts is a job, see jobs.
import cold


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_diagnostics(self, payload):
        return cold.call("ocpp16.diagnostics", "get", self._cp, payload)

    def update_firmware(self, payload):
        cold.call("ocpp16.firmware_request", "take", self._cp, payload)
        return {}
