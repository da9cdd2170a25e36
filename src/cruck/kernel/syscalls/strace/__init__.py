# SPDX-License-Identifier: MPL-2.0
"""The trace of system calls, in the text format of strace 6.1, so that people and parsers that know it need learn nothing.

`tracer.Tracer` turns the trap loop's events into lines; `filter.py` understands strace's `-e trace=` expressions. What an argument looks
like: `calls.py` says its kind (one row a call), `decode.py` turns kinds into text with the help of `xlat.py` (names of constants),
`structs.py`, `signals.py`, `sockets.py` and `ioctls.py`. Guest memory is read by copying and a fault only shows the address.

Not here: changing calls (fault injection), other formats of the trace.
"""
