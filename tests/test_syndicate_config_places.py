"""On which line of config.toml a setting stands."""

import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.config.faults import lines_of

TANGLED = """\
title.of = 1   # dotted, at the top

[fruit] # with a comment

  [fruit.apple]  # indented
    colour = "red"
    taste = '''
sweet

'''
    many = [
      1, # one

      { a = 1, b = { c = 2 } },
    ]

[[veg]]
name = "leek"
  [veg.size]
  long = 1
[[veg.kinds]]
k = 1
[[veg.kinds]]
k = 2

[[veg]]

"quoted key" = 2
[x.y.z]
deep = true
deeper.a.b = 1
[x]
late = 1
[fruit.pear]
colour = "green\""""
PLACES = {
    ("title", "of"): 1,
    ("fruit",): 3,
    ("fruit", "apple"): 5,
    ("fruit", "apple", "colour"): 6,
    ("fruit", "apple", "taste"): 7,
    ("fruit", "apple", "many"): 11,
    ("fruit", "apple", "many", 1, "b", "c"): 11,
    ("veg", 0): 17,
    ("veg", 0, "name"): 18,
    ("veg", 0, "size"): 19,
    ("veg", 0, "size", "long"): 20,
    ("veg", 0, "kinds", 0, "k"): 22,
    ("veg", 0, "kinds", 1): 23,
    ("veg", 0, "kinds", 1, "k"): 24,
    ("veg", 1): 26,
    ("veg", 1, "quoted key"): 28,
    ("x", "y", "z"): 29,
    ("x", "y", "z", "deep"): 30,
    ("x", "y", "z", "deeper", "a", "b"): 31,
    ("x",): 32,
    ("x", "late"): 33,
    ("fruit", "pear"): 34,
    ("fruit", "pear", "colour"): 35,
}


def test_lines_are_right_in_a_tangled_file() -> None:
    found = lines_of(TANGLED)
    assert {where: found.get(where) for where in PLACES} == PLACES


bare_keys = st.text("abcdef", min_size=1, max_size=3)
scalars = st.one_of(
    st.integers(-9, 9), st.booleans(), st.text("ab\n\"'#", max_size=5), st.lists(st.integers(0, 3), max_size=3)
)
trees = st.dictionaries(
    bare_keys,
    st.recursive(scalars, lambda inner: st.dictionaries(bare_keys, inner, min_size=1, max_size=3), max_leaves=6),
    max_size=4,
)


@settings(max_examples=50)
@given(trees)
def test_every_key_stands_on_the_line_that_is_named_for_it(tree: dict[str, object]) -> None:
    text = tomlkit.dumps(tree)
    lines = text.split("\n")
    for where, line in lines_of(text).items():
        name = next(part for part in reversed(where) if isinstance(part, str))
        assert name in lines[line - 1]
