"""What an operator may ask of an evening: options of Locust's own command line and web page.

Locust hands the values of its master to every worker, and with them which show is played and since when.
"""

import argparse
from collections.abc import Mapping
from typing import Any

import msgspec
from locust.argument_parser import LocustArgumentParser

from dropcast_loadtest.evening.plan import EVENINGS, Plan, plan


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    evening: str = "small"
    peak_users: int = 0
    scalpers: int = -1
    evening_seconds: float = 0.0
    evening_seed: int = 1
    data_dir: str = ""
    no_audit: bool = False
    verdict_file: str = ""
    progress_lines: bool = False
    ends_with_input: bool = False
    show: str = ""
    """The show that is played; empty before the doors open."""
    began_at_s: float = 0.0
    """When the evening began, by the wall clock of the master."""

    @property
    def plan(self) -> Plan:
        """Raises PlanFault."""
        return plan(
            self.evening,
            users=self.peak_users,
            scalpers=self.scalpers,
            seconds=self.evening_seconds,
            seed=self.evening_seed,
        )


def wishes_of(options: argparse.Namespace | Mapping[str, Any]) -> Wishes:
    """Return the wishes among all of Locust's options."""
    values = options if isinstance(options, Mapping) else vars(options)
    given = {name: values[name] for name in Wishes.__struct_fields__ if name in values}
    return msgspec.convert(given, Wishes, strict=False)


def play(options: argparse.Namespace, show: str, began_at_s: float) -> None:
    """Have the workers told which show is played: Locust sends them all options with every order to spawn."""
    options.show, options.began_at_s = show, began_at_s


def add_options(parser: LocustArgumentParser) -> None:
    """Add ours to Locust's."""

    parser.add_argument(
        "--evening",
        choices=list(EVENINGS),
        default="small",
        env_var="EVENING",
        help="small and holiday ramp up, sell three drops to a spike each, and drain; soak is steady",
    )
    parser.add_argument(
        "--peak-users",
        type=int,
        default=0,
        env_var="EVENING_USERS",
        help="users when there are most; 0 is the evening's own number",
    )
    parser.add_argument(
        "--scalpers",
        type=int,
        default=-1,
        env_var="EVENING_SCALPERS",
        help="how many of them are scalpers; -1 is one in fifty",
    )
    parser.add_argument(
        "--evening-seconds",
        type=float,
        default=0.0,
        env_var="EVENING_SECONDS",
        help="how long the evening is; 0 is its own length",
    )
    parser.add_argument(
        "--evening-seed",
        type=int,
        default=1,
        env_var="EVENING_SEED",
        help="makes other people and another order of products",
    )
    parser.add_argument(
        "--data-dir",
        default="",
        env_var="EVENING_DATA_DIR",
        help="the server's data directory, for the audit and the development secret; "
        "or give DROPCAST_REDIS_URL and DROPCAST_JWT_SECRET in the environment",
    )
    parser.add_argument(
        "--no-audit",
        action="store_true",
        env_var="EVENING_NO_AUDIT",
        help="do without the audit at the end; without this, an audit that cannot be held fails the run",
    )
    parser.add_argument(
        "--verdict-file",
        default="",
        env_var="EVENING_VERDICT_FILE",
        include_in_web_ui=False,
        help="write the verdict on the last evening here, as JSON",
    )
    parser.add_argument(
        "--progress-lines", action="store_true", include_in_web_ui=False, help=argparse.SUPPRESS
    )
    parser.add_argument(
        "--ends-with-input", action="store_true", include_in_web_ui=False, help=argparse.SUPPRESS
    )
