"""`make soak MINUTES=n SEED=s`: a wallbox at high speed, and everything that can happen to it; then every Wh must be on one bill.

`plan` decides from the seed what happens, `people` play it (drivers, the central system's office, trouble), `account` holds the
central system's book against the meters, `run` puts them together, chapter by chapter: at the end of each all trouble is over,
every car gone, and the account is made.
"""
