"""The rounds of a comparison, its report, and where the other revision's server comes from."""

from pathlib import Path

import msgspec
import pytest

from dropcast_bench import revisions
from dropcast_bench.compare import play_rounds, report
from dropcast_bench.comparison import SIDES
from dropcast_bench.ours import environ_of, ours, served_from
from dropcast_bench.results import Figures
from dropcast_bench.revisions import ROOT, Revision, RevisionError, another, check, this_checkout
from dropcast_bench.servers import ServerFault

in_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout of git")


def figures(cpu_us: float) -> Figures:
    return {"cpu_us": cpu_us, "engine_cpu_us": 1, "supervisor_cpu_us": 0}


def test_all_sides_play_each_bench_in_each_round() -> None:
    played: list[tuple[str, str]] = []

    def play(bench: str, side: str) -> Figures:
        played.append((bench, side))
        return figures(9 if side == "other" else 19)

    found, left_out = play_rounds(["fanout", "join"], 2, play, lambda text: None)
    assert [bench for bench, _ in played] == ["fanout"] * 3 + ["join"] * 3 + ["fanout"] * 3 + ["join"] * 3
    assert {side for _, side in played[:3]} == set(SIDES)
    assert played[:3] != played[6:9]
    told = report("this", "that", 2, found, left_out)
    assert {cost.name: cost.ratio for cost in told["costs"]} == {"fanout": pytest.approx(19 / 9), "join": 2.0}
    assert told["figures"]["join"]["other"]["cpu_us"] == 9
    assert msgspec.json.encode(told)


def test_a_round_in_which_a_side_failed_does_not_count_and_its_bench_ends() -> None:
    turns: list[str] = []

    def play(bench: str, side: str) -> Figures:
        turns.append(bench)
        if bench == "join" and len(turns) > 9 and side == "other":
            raise ServerFault("no such flag")
        return figures(10)

    found, left_out = play_rounds(["fanout", "join"], 3, play, lambda text: None)
    assert left_out == {"join": "other: no such flag"}
    assert [len(found["join"].rounds[side]) for side in SIDES] == [1, 1, 1]
    assert [len(found["fanout"].rounds[side]) for side in SIDES] == [3, 3, 3]


@in_git
def test_the_server_of_another_revision_is_unpacked_and_is_the_one_that_runs() -> None:
    with another("HEAD") as head:
        assert (head.code / "dropcast" / "worker.py").exists()
        assert not head.code.is_relative_to(ROOT)
        check(head, environ_of(head.code))
        with served_from(head.code), ours() as running:
            environ = Path(f"/proc/{running.worker_pids[0]}/environ").read_bytes().split(b"\0")
            assert f"PYTHONPATH={head.code}".encode() in environ
            assert len(running.server.pids()) == 3
            assert len(running.supervisor_pids) == 1
            running.audit()
    assert not head.code.exists()
    assert this_checkout().code == ROOT / "server"
    check(this_checkout(), environ_of(ROOT / "server"))


@in_git
def test_a_revision_that_is_not_here_is_named() -> None:
    with (
        pytest.raises(RevisionError, match=r"there is no revision no-such-thing in .*: fetch it"),
        another("no-such-thing"),
    ):
        pytest.fail("it is not here")


def test_without_git_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RevisionError, match="git is not installed"):
        this_checkout()
    monkeypatch.undo()
    monkeypatch.setattr(revisions, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(RevisionError, match="not a git repository"):
        this_checkout()


def test_a_folder_whose_server_is_not_the_one_that_python_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RevisionError, match=f"the server of none cannot be measured: Python takes it from {ROOT}"
    ):
        check(Revision("none", tmp_path), environ_of(tmp_path))
    (tmp_path / "dropcast").mkdir()
    (tmp_path / "dropcast" / "__init__.py").write_text("raise RuntimeError('broken')")
    with pytest.raises(RevisionError, match="cannot be measured: RuntimeError: broken"):
        check(Revision("none", tmp_path), environ_of(tmp_path))


def test_a_flag_that_a_revision_does_not_know_is_not_given_to_it(tmp_path: Path) -> None:
    # One that knows nothing but where to listen, and ends with what it was given.
    package = tmp_path / "dropcast"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(
        "import sys\n"
        "if '--help' in sys.argv: sys.exit(print('--port N  --workers N') or 0)\n"
        "sys.exit(' '.join(sys.argv[1:]))\n"
    )
    with served_from(tmp_path), pytest.raises(ServerFault) as raised, ours(tick_ms=5):
        pytest.fail("it must not begin")
    said = str(raised.value).splitlines()[-1]
    assert "--workers 1" in said
    assert "--tick-ms" not in said
    assert "--log-level" not in said
