"""The conformance report counts what is due, and misses nothing."""

import re

from pilotwire import conformance

TABLE = """
## 1. Transport

| ID | Behaviour | OCTT | Keys | Needs |
|---|---|---|---|---|
| J-ID-01 | M. Ids are unique. | | | core |
| J-ID-02 | X. A kindness. | | | core |
| J-TLS-01 | S. See there. | 086 | | tls |

## 2. Other

| ID | Behaviour | OCTT | Keys | Needs |
|---|---|---|---|---|
| SC-SET-01 | D (departs from | somewhere). | | smart |
"""


def test_rows():
    rows = conformance.rows(TABLE)
    assert [(row.id, row.level, row.needs) for row in rows] == [
        ("J-ID-01", "M", "core"),
        ("J-ID-02", "X", "core"),
        ("J-TLS-01", "S", "tls"),
        ("SC-SET-01", "D", "smart"),
    ]
    assert rows[0].section == "1. Transport"


def test_report():
    rows = conformance.rows(TABLE)
    lines, complete = conformance.report(rows, {"core", "tls"}, {"J-ID-01"}, {})
    assert not complete and lines[-1] == "conformance: 1 of 2 rows" and "J-TLS-01" in lines[-2]
    lines, complete = conformance.report(rows, {"core", "tls"}, {"J-ID-01"}, {"J-TLS-01": "no socket"})
    assert complete and lines[-1] == "conformance: 1 of 1 rows"


def test_the_real_table_has_every_section():
    rows = conformance.rows((conformance.ROOT / "docs/ocpp16-requirements.md").read_text())
    assert len(rows) > 200 and len({row.id for row in rows}) == len(rows)
    assert {row.needs for row in rows} == {
        "core", "list", "reservation", "smart", "trigger", "firmware", "security", "tls",
    }
    exempt = conformance.not_applicable((conformance.ROOT / "docs/not-applicable.txt").read_text())
    assert set(exempt) <= {row.id for row in rows}


def test_comments_above_tests_name_rows_that_exist():
    known = {row.id for row in conformance.rows((conformance.ROOT / "docs/ocpp16-requirements.md").read_text())}
    named = {}
    for path in (conformance.ROOT / "tests").rglob("test_*.py"):
        for line in re.findall(r"^\s*# req: (.+)$", path.read_text(), re.M):
            named |= dict.fromkeys(re.split(r",\s*", line.strip()), path.name)
    assert {name: file for name, file in named.items() if name not in known} == {}
    assert len(named) > 200
