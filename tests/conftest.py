# SPDX-License-Identifier: MPL-2.0
"""A shell that starts a job in the background makes it ignore SIGINT and SIGQUIT, and all its children would: tests start from defaults."""

import signal

for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
