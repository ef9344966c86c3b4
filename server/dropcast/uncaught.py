"""Makes a log record of every exception that nobody caught: in the main thread, another thread, or a finalizer.

logs.py calls `log_all` once; Python calls the rest.
"""

import logging
import sys
import threading
from types import TracebackType

_logger = logging.getLogger("dropcast")


def log_all() -> None:
    sys.excepthook = _in_main_thread
    threading.excepthook = _in_thread
    sys.unraisablehook = _in_finalizer


def _in_main_thread(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _logger.critical("a process failed", exc_info=(kind, error, trace))


def _in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or isinstance(args.exc_value, SystemExit):
        return
    name = args.thread.name if args.thread is not None else "unknown"
    _logger.critical("thread %s failed", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _in_finalizer(unraisable: "sys.UnraisableHookArgs") -> None:
    error = unraisable.exc_value
    _logger.error(
        "%s %r",
        unraisable.err_msg or "an exception was ignored in",
        unraisable.object,
        exc_info=(unraisable.exc_type, error, unraisable.exc_traceback) if error is not None else None,
    )
