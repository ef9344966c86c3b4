"""What cannot be seen in a text: left out at its ends, noticed inside."""

from hypothesis import given
from hypothesis import strategies as st

from dropcast.visible_text import is_visible, trimmed


def test_white_space_line_ends_and_a_byte_order_mark_are_left_out() -> None:
    assert trimmed("\ufeff a secret\r\n\u200b") == "a secret"
    assert trimmed(" \r\n") == ""


def test_what_people_write_is_visible() -> None:
    assert is_visible("naïve café 日本 \u200d👩\u200d💻 https://shop.example/?a=b")


def test_controls_and_broken_bytes_are_not() -> None:
    for text in ("a\nb", "a\rb", "a\x00b", "a\x1b[0m", "a\x85b", "a\u2028b", "a\ufeffb", "a\udcffb"):
        assert not is_visible(text), ascii(text)


@given(st.text())
def test_trimming_again_changes_nothing_and_nothing_inside_is_lost(text: str) -> None:
    once = trimmed(text)
    assert trimmed(once) == once
    assert once in text
    assert text.strip().find(once) >= 0
