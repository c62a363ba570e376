"""`pilotwire calibrate` over a serial line; tests/e2e/test_electrical.py has what the firmware does with the order."""

import contextlib
import json
import socket
import threading

import pytest
from typer.testing import CliRunner

from pilotwire import calibrate
from pilotwire.cli import app
from pilotwire.errors import PilotwireError


@contextlib.contextmanager
def charger(answer):
    """A serial line at a socket, on which a charger says `answer`; yields (port, the orders that it got)."""
    orders = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            line, _ = server.accept()
            with line, line.makefile("rwb") as file:
                for text in file:
                    if text.startswith(b"@"):
                        orders.append(json.loads(text[1:]))
                        file.write(answer)
                        file.flush()

        threading.Thread(target=serve, daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}", orders


def test_the_order_and_its_answer():
    noise = b'@{"version": "1"}\r\nI app: tag AB\r\n'
    with charger(noise + b"I app: connector 1 is calibrated: [[300, -11950], [2700, 12040]]\r\n") as (port, orders):
        done = CliRunner().invoke(app, ["calibrate", "--port", port, "--high", "12040", "--low", "-11950"])
    assert done.exit_code == 0 and "[[300, -11950], [2700, 12040]]" in done.output
    assert orders == [{"calibrate": {"connector": 1, "high_mv": 12040, "low_mv": -11950}}]


def test_a_charger_that_refuses():
    said = b"W app: an order that can not be obeyed: ValueError('unplug the car first',)\r\n"
    with charger(said) as (port, _), pytest.raises(PilotwireError, match="unplug the car first"):
        calibrate.run(port, connector=2, high_mv=12000, low_mv=-12000)


def test_a_charger_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(calibrate, "_ANSWER_S", 0.5)
    with charger(b"I app: something else\r\n") as (port, _), pytest.raises(PilotwireError, match="does not answer"):
        calibrate.run(port, connector=1, high_mv=12000, low_mv=-12000)
