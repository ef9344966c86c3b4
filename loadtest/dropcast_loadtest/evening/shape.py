"""The load shape of an evening: as many users as the plan says, and what frames it.

Locust asks about once a second how many users there are to be. Before the first answer the doors are opened, and
before the last one the books are closed, so that a run without a server or without an audit fails early.
"""

import logging

from locust import LoadTestShape
from locust.env import Environment
from locust.runners import MasterRunner

from dropcast_loadtest.evening.stage import Stage, StageFault
from dropcast_loadtest.evening.users import Scalper

_log = logging.getLogger("dropcast_loadtest")

_AHEAD_S = 1.0
"""An answer is what shall be so by the next question."""
_LAST_CALL_S_MAX = 2.0
"""How long viewers have after the end of the show to pay for what they hold, when holds last longer."""
_OVERRUN_S_MAX = 10.0
_SAY_EVERY_S = 5.0


class Evening(LoadTestShape):
    """How an evening goes is an option of the command line and the web page: see options.py."""

    abstract = False

    _stage: Stage | None = None
    _played: Stage | None = None
    """The last one that was closed."""
    _said_at_s = 0.0

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None
        if self._stage is None and not self._open(self.runner.environment):
            return None
        stage = self._stage
        assert stage is not None
        now_s, users = stage.elapsed_s, stage.count_users()
        self._say(stage, now_s, users)
        if now_s < stage.plan.seconds or self._overruns(stage, now_s):
            wanted = stage.plan.users_at(now_s + _AHEAD_S)
            return wanted, float(max(1, abs(wanted - users)))
        stage.end_show()
        assert stage.end_s is not None
        if now_s < stage.end_s + min(_LAST_CALL_S_MAX, stage.plan.hold_ms / 1000):
            return users, 1.0
        if users:
            return 0, float(users)
        self._close(stage)
        return None

    def _overruns(self, stage: Stage, now_s: float) -> bool:
        """A slow creator is waited for, for a while: a step that came after the end of the show would be an error."""
        is_late = stage.end_s is None and not stage.run_of_show_is_over
        return is_late and now_s < stage.plan.seconds + _OVERRUN_S_MAX

    def _open(self, environment: Environment) -> bool:
        assert self.runner is not None
        try:
            stage = self._stage = Stage(environment)
        except StageFault as fault:
            environment.process_exit_code = 1
            self.runner.log_exception("master", f"there is no evening: {fault}", "")
            _log.error("there is no evening: %s", fault)
            return False
        # The dispatcher reads these when it begins.
        Scalper.fixed_count = stage.plan.scalpers
        Scalper.weight = 1 if stage.plan.scalpers else 0
        self._said_at_s = 0.0
        return True

    def on_stop(self, environment: Environment, **_: object) -> None:
        """Locust stops: in order, or because somebody wants it so in mid-show."""
        stage, played = self._stage, self._stage or self._played
        if stage is not None:
            stage.end_show()
            if isinstance(environment.runner, MasterRunner):
                environment.runner.send_message("stop")
            self._close(stage)
        if played is not None:
            played.show_largest_crowd()

    def on_quitting(self, **_: object) -> None:
        """Locust is about to choose its exit status: whatever is still played must have its verdict first."""
        if self._stage is not None and self.runner is not None:
            self.runner.stop()

    def _close(self, stage: Stage) -> None:
        """Killed in the middle of it, as Locust does with this greenlet when it is told to stop, it begins again."""
        stage.await_reports()
        stage.close()
        self._stage, self._played = None, stage

    def _say(self, stage: Stage, now_s: float, users: int) -> None:
        due = [step for step in stage.plan.steps if self._said_at_s <= step.at_s < now_s]
        for step in due:
            stage.say(
                f"{step.at_s:7.1f} s  {users:6} users  {step.act.replace('_', ' ')} {step.text}".rstrip()
            )
        if due or now_s - self._said_at_s >= _SAY_EVERY_S:
            if not due:
                stage.say(f"{now_s:7.1f} s  {users:6} users")
            self._said_at_s = now_s
