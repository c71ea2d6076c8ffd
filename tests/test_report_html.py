import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from report_sample import EVIL, curve, sample

from tf_emb.parity.report import view
from tf_emb.parity.report.html import as_html
from tf_emb.parity.report.plot import as_svg
from tf_emb.parity.result import Curve, Result


@pytest.fixture
def result():
    return sample()


class Page(HTMLParser):
    """Checks that tags nest, and gathers text, links and ids."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.urls, self.ids, self.text = [], [], [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.urls += [value for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_one_wellformed_page_that_loads_nothing(result):
    html = as_html(result)
    page = Page(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {url[1:] for url in page.urls} <= set(page.ids)
    assert all(url.startswith("#") for url in page.urls)
    assert not re.search(r"@import|url\((?!['\"]?#)", html)


def test_html_escapes_names_and_messages(result):
    page = Page(as_html(result))
    assert "script" not in page.tags
    assert EVIL.partition("\x1b")[0] in page.text
    assert not {"\x1b", "\x00"} & set(page.text)


def test_html_holds_every_verdict_and_its_numbers(result):
    text = Page(as_html(result)).text
    for row in result.rows:
        assert view.cell(row) in text
        assert all(value in text for _, value in view.details(row))
    for said in (
        result.last_line,
        "9f86d081",
        "Mikolov",
        "n - 1 additions",
        "n = ids.size",
        "keras/src",
        "35x",
    ):
        assert said in text


def test_plot_shows_zeros_and_the_first_step_outside():
    svg = as_svg(curve(), "a")
    assert "no error at all: 0" in svg
    assert "first outside at step 50" in svg
    assert "no error at all: 0" not in as_svg(
        replace(curve(), errors={"torch float64": [1e-9] * 10}, first_outside={}), "a"
    )


def markers(errors, **changes):
    """How many markers of one line, and of its first step outside, can be seen in the plot."""
    drawn = replace(curve(), errors={"torch float32": errors}, **{"first_outside": {}} | changes)
    body = as_svg(drawn, "a").partition('id="a-legend')[0]
    heights = re.findall(r'<use [^>]*y="([^"]*)" style="fill: #(?:0072b2|b00020)', body)
    return sum(0 < float(y) < 302 for y in heights)


def test_plot_marks_zeros_and_the_first_step_outside_even_where_it_is_infinite():
    assert markers([1e-9] * 10) == 10
    assert markers([0.0, 0.0, *[1e-9] * 8]) == 10
    assert markers([1e-9] * 8 + [math.inf] * 2) == 8
    assert markers([1e-9] * 8 + [math.inf] * 2, first_outside={"torch float32": 500}) == 9


def test_plot_survives_errors_that_are_all_zero():
    zeros = dict.fromkeys(("torch float64", "torch float32"), [0.0] * 10)
    assert "<svg" in as_svg(Curve("lookup", "out", list(range(10)), {"float64": [0.0] * 10}, zeros), "b")


def test_an_empty_result_is_not_a_success():
    assert "banner bad" in as_html(Result("2026-01-31", 0, "cpu", ["float64"], {}))
