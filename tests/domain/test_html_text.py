"""An HTML body becomes text that reads well, whatever the markup is like."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.domain.shopify.html_text import plain_text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", ""),
        ("Just words", "Just words"),
        ("one\r\ntwo\n\n\n\nthree", "one\ntwo\n\nthree"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<div>one</div>\n<div>two</div>", "one\ntwo"),
        ("one<br>two<br/>three<br><br>four", "one\ntwo\nthree\n\nfour"),
        ("<b>bo</b>ld and <i>slanted</i>", "bold and slanted"),
        ("  lots \n\t of&nbsp;&nbsp; <b> blanks </b>  ", "lots of blanks"),
        ("<ul>\n<li>one</li>\n<li> two </li>\n</ul>after", "• one\n• two\n\nafter"),
        ("<ul><li>one<li>two</ul>", "• one\n• two"),
        ("<ul><li><p>one</p></li><li></li><li><b> </b></li></ul>", "• one"),
        ("before<ol><li>one</li></ol>", "before\n\n• one"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("a<script>if (1 < 2) { alert('</p>') }</script>b", "ab"),
        ("<STYLE type=x>p { color: red }</Style >text", "text"),
        ("<style>never closed <p>hidden", ""),
        ("a<!-- <p>hidden</p> -->b<!doctype html>c<?php x ?>d", "abcd"),
        ("a<!-- never closed", "a"),
        ("Fish &amp; chips &lt;3 &eacute;&#233;&#xe9;", "Fish & chips <3 ééé"),
        ("&unknown; & &; &#; &#xD800; &#99999999999;", "&unknown; & &; &#; \ufffd \ufffd"),
        ("<img alt=\"a > b\" src='x'>text", "text"),
        ("<p title=it's>quotes don't swallow text</p>", "quotes don't swallow text"),
        ("1 < 2 and <3", "1 < 2 and <3"),
        ("tail <", "tail <"),
        ("<![if !supportLists]>Word<![endif]>", "Word"),
        ("zero\u200bwidth, soft\u00adhyphen, n\x00ul", "zerowidth, softhyphen, n ul"),
    ],
)
def test_a_body_becomes_readable_text(body: str, text: str) -> None:
    assert plain_text(body) == text


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1), max_size=5))
def test_text_that_was_escaped_into_paragraphs_comes_back(paragraphs: list[str]) -> None:
    body = "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)
    assert plain_text(body) == "\n\n".join(paragraphs)


MARKUP = st.lists(
    st.sampled_from([*"<>/!-'\"= &;#a1\n", "<li>", "</li>", "<p>", "<br>", "<script", "</script>"])
)


@given(MARKUP.map("".join) | st.text())
def test_any_input_gives_folded_printable_lines(body: str) -> None:
    text = plain_text(body)
    assert text == text.strip()
    assert "\n\n\n" not in text
    for line in text.split("\n"):
        assert line == line.strip()
        assert "  " not in line
        assert not any(sign < " " or "\ud800" <= sign <= "\udfff" for sign in line)


@pytest.mark.parametrize(
    "unit", ["<a ", "<a b='", "<!--", "<![", "</", "<", "<script>", "<style", "&#9", "<li>"]
)
def test_broken_markup_takes_no_longer_than_its_length(unit: str) -> None:
    # Well under a second each; what is quadratic takes minutes, and runs into the deadline that each test has.
    assert len(plain_text(unit * 60_000)) <= len(unit) * 60_000
