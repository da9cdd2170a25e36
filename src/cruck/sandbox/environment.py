# SPDX-License-Identifier: MPL-2.0
"""The environment of a run: a short list of the caller's variables, the ones the world decides, and what -e asks
for."""

from cruck.sandbox.config import RunConfig

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# How programs talk to their user. Everything else of the host's environment may hold a secret and stays outside.
TAKEN_OVER = ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "LANG", "LANGUAGE", "TZ", "COLUMNS", "LINES")


def environment(config: RunConfig, home: str, user: str, search_path: str) -> dict[str, str]:
    if config.clear_env:
        variables: dict[str, str] = {}
    else:
        variables = {"PATH": search_path, "HOME": home, "USER": user, "LOGNAME": user, "SHELL": "/bin/sh"}
        for name, value in config.host_environment.items():
            if name in TAKEN_OVER or name.startswith("LC_"):
                variables[name] = value
    variables.update(config.env)
    for name in config.unset_env:
        variables.pop(name, None)
    return variables
