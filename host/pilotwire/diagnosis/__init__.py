"""What `pilotwire doctor` looks at: one module a part, each gives findings and none prints.

finding   a line of the report      pilot   what the pilot's converter reads        start    what the firmware says of its start
central   the way to the central system from this computer      repair   a file system that is damaged, beside its ledger
"""
