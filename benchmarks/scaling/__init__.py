# SPDX-License-Identifier: MPL-2.0
"""How does cost grow with the number of processes, threads, files in a directory, mappings and open descriptors?

`python -m benchmarks.scaling [--quick] [--only KIND,...] [--publish]`; `make bench` includes it.
"""
