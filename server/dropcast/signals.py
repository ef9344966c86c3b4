"""The signals that end a long command in order: every process that runs until it is told to stop asks here.

`nohup` starts a program with SIGHUP ignored, and a script starts its background jobs with SIGINT ignored. Python
leaves both as they were, and so must we: whoever ignores a signal does not want it to end us.
"""

import signal


def stop_signals() -> list[signal.Signals]:
    """Return SIGTERM, and those of SIGINT and SIGHUP that were not ignored when this process started.

    Ask before handlers are set.
    """
    may_be_ignored = (signal.SIGINT, signal.SIGHUP)
    return [
        signal.SIGTERM,
        *(number for number in may_be_ignored if signal.getsignal(number) is not signal.SIG_IGN),
    ]
