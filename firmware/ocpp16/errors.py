# The root of errors of this side. `code` is the CALLERROR code as it goes over the wire (J-ERR-03).


class OcppError(Exception):
    def __init__(self, code, text=""):
        super().__init__(code, text)
        self.code = code
        self.text = text
