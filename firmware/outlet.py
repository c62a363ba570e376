# One connector of the board and its electrical side: what the safety step works on, and what it keeps over a reset.
from micropython import const

_SLOW_STEPS = const(10)  # proximity and temperature are read at every tenth step
_KEEP_WH = const(10)


class Outlet:
    def __init__(self, board, evse):
        self.board = board
        self.evse = evse
        self._slow = 0
        self._duty = -1
        self._flags = 0
        self._kept_wh = evse.energy_wh
        self._latched = evse.faults.latched

    def step(self, now, emergency):
        """Sense, decide, act; allocates nothing."""
        board, evse = self.board, self.evse
        inputs = evse.inputs
        levels = board.pilot_mv()
        inputs.high_mv = levels[0]
        inputs.low_mv = levels[1]
        inputs.feedback = board.relay_feedback()
        inputs.pulses = board.pulses()
        inputs.rcd = board.rcd_tripped()
        inputs.open_pe = board.open_pe()
        locked = board.locked()
        inputs.locked = locked if locked is None else locked != 0
        inputs.emergency = emergency
        if self._slow == 0:
            self._slow = _SLOW_STEPS
            inputs.proximity_ohm = board.proximity_ohm()
            inputs.temperature_c10 = board.temperature_c10()
        self._slow -= 1
        evse.step(now)
        board.relay(evse.relay)  # every time: a pin that was disturbed is put right
        board.relay2(evse.relay2)
        if evse.duty != self._duty:
            self._duty = evse.duty
            board.pwm(evse.duty)
        flags = evse.lock | evse.rcd_test << 1 | evse.cut << 2
        if flags != self._flags:
            self._flags = flags
            board.lock(evse.lock)
            board.rcd_test(evse.rcd_test)
            board.cut_pilot(evse.cut)

    def news(self):
        """Is there something that a reset must not take: 10 Wh, each one of a transaction that ends, a latched fault."""
        evse = self.evse
        wh = evse.energy_wh
        if evse.faults.latched == self._latched and (
            wh == self._kept_wh or (evse.energised and evse.allowed and wh - self._kept_wh < _KEEP_WH)
        ):
            return False
        self._kept_wh = wh
        self._latched = evse.faults.latched
        return True

    def wear(self):
        """(how often, for how many s) the contactor was closed since this was asked; None while it is, or when it was not."""
        contactor = self.evse.contactor
        if contactor.closed or not contactor.cycles:
            return None
        worn = contactor.cycles, contactor.closed_s
        contactor.cycles = contactor.closed_s = 0
        return worn
