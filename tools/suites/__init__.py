# SPDX-License-Identifier: MPL-2.0
"""Runs other people's test suites (LTP, CPython's, stress-ng) on Linux and on cruck, and compares the verdicts.

case.py: what a case and its outcome are; places.py: where it runs; one file a suite; runner.py: both places, sharded; results.py: the
table that is checked in; report.py: the page in docs/compatibility. The suites themselves live outside of the repository (Home).
"""
