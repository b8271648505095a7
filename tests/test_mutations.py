"""The mutations of `make mutations` still fit the program: each text to replace stands there once."""

import pytest
from mutations import MUTATIONS, ROOT, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_what_a_mutation_replaces_stands_there_once(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.old) == 1


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_test_that_should_notice_a_mutation_is_there(mutation: Mutation) -> None:
    file, name = mutation.test.split("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
