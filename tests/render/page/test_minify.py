"""Style and script in fewer characters."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from hourlyclicks.render.page.minify import small_script, small_style

STYLE, SCRIPT = (
    files("hourlyclicks.render.page").joinpath(name).read_text("utf-8") for name in ("style.css", "script.js")
)


@pytest.mark.parametrize(
    ("style", "small"),
    [
        ("a { color: red; }\n\nb { margin: 0 auto; }\n", "a{color:red}b{margin:0 auto}"),
        (
            "/* a { } */ .list :is(th, td):first-child { padding: 0 }",
            ".list :is(th,td):first-child{padding:0}",
        ),
        (
            'a[title="x { y ;  z"] { display: none !important; }',
            'a[title="x { y ;  z"]{display:none!important}',
        ),
        ("h2 + .note > b { font: 13px/1.5 serif; }", "h2 + .note > b{font:13px/1.5 serif}"),
        ("@media (max-width: 600px) {\n  a { b: c; }\n}", "@media (max-width:600px){a{b:c}}"),
    ],
)
def test_a_style_loses_what_means_nothing(style: str, small: str) -> None:
    """Blanks that join selectors or values stay, and so does every text."""
    assert small_style(style) == small


@pytest.mark.parametrize(
    ("script", "small"),
    [
        ("const a = b + 1; // one\nreturn a;\n", "const a=b+1;return a;"),
        ("f()\ng()", "f()\ng()"),
        ("a = 1\n/b/c", "a=1\n/b/c"),
        ("x = a + +b - -c;", "x=a+ +b- -c;"),
        ('s = "a  //  b" + `c  ${d  +  1}`;', 's="a  //  b"+`c  ${d  +  1}`;'),
        ("f(\n  a,\n  b,\n).g()\n  .h();", "f(a,b,).g().h();"),
        ("a ?? b === c\n&& !d", "a??b===c&&!d"),
        ("if (a) return;\nelse {\n  b;\n}\nc;", "if(a)return;else{b;}\nc;"),
    ],
)
def test_a_script_loses_what_means_nothing(script: str, small: str) -> None:
    """A line ends where a statement may end there, and texts and doubled signs stay apart."""
    assert small_script(script) == small


@pytest.mark.parametrize(("small", "given"), [(small_style, STYLE), (small_script, SCRIPT)])
def test_nothing_but_blanks_and_comments_goes(small: object, given: str) -> None:
    """What the page has is the file in the same order, and making it small again changes nothing."""
    assert callable(small)
    bare = re.sub(r"/\*.*?\*/|^\s*//[^\n]*| // [^\n]*|\s", "", given, flags=re.MULTILINE | re.DOTALL)
    once = small(given)
    assert re.sub(r"\s", "", once) == bare.replace(";}", "}" if small is small_style else ";}")
    assert small(once) == once
