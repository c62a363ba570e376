# Cold: certificates that the central system sends (SEC-CERT rows). Those that are there: installed_certificates.
from ocpp16 import certificate_files as files
from ocpp16.errors import OcppError
import cold


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def install_certificate(self, payload):
        return self._begin(files.kind(payload), payload["packed"])

    def certificate_signed(self, payload):
        return self._begin(None, payload["packed"])

    def _begin(self, kind, packed):
        """What signatures have to be checked for is a job; its CALL is answered when it is through."""
        if isinstance(packed, OcppError):  # see ocpp16.certificate_text
            raise packed
        if not packed:
            return {"status": "Rejected"}
        cp, unique = self._cp, self._cp.rpc.unique
        cold.call("ocpp16.jobs", "start", cp, files.JOB, "ocpp16.certificate_jobs", "answer", unique, kind, packed)
