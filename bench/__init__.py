"""Figures of the running site, measured on real processes. `make bench` runs all and writes docs/performance.md."""
