# SPDX-License-Identifier: MPL-2.0
"""What does cruck cost, beside native and beside every tool that does the same job on this machine? See README.md.

One folder a question: micro (one operation), programs (whole programs), startup (a run, a warm run, an idle one), scaling (growth),
profile (where a call's time goes). rows.py lists what is measured, peers/ where, interleave.py in which order, report/ what is shown.
"""
