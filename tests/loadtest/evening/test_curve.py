"""A curve goes straight from point to point, and stays level outside."""

import pytest

from dropcast_loadtest.evening.curve import Curve, Point

CURVE = Curve([Point(10.0, 0), Point(20.0, 100), Point(20.0, 40), Point(30.0, 40)])


@pytest.mark.parametrize(
    ("now_s", "users"), [(0, 0), (10, 0), (12.5, 25), (19.99, 100), (20, 40), (25, 40), (99, 40)]
)
def test_users_at_a_moment(now_s: float, users: int) -> None:
    assert CURVE.at(now_s) == users


def test_the_most_is_the_highest_point() -> None:
    assert CURVE.most == 100


def test_points_that_go_back_in_time_or_none_at_all_are_no_curve() -> None:
    for points in ([], [Point(2.0, 1), Point(1.0, 1)]):
        with pytest.raises(ValueError, match="order of their times"):
            Curve(points)
