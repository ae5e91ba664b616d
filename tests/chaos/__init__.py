"""Chaos as a programme: a whole site is killed, stopped, cut off and lied to, and then held against what AWS really has.

`python -m tests.chaos --help`; docs/reliability.md says what it shows and what it does not.
"""
