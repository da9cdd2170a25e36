# SPDX-License-Identifier: MPL-2.0
"""Where does a call's time go? `python -m benchmarks.profile [CMD...]`; see __main__.py."""
