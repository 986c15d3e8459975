"""What a run was configured with, as twelve letters: what changes them, and what must not."""

from dataclasses import dataclass, field, make_dataclass, replace

import numpy as np
import pytest

from wdlib.experiments.recipes import KNOWN, behind
from wdlib.files import recipe_of
from wdlib.methods import METHODS, Method


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    sizes: tuple[int, ...] = (1, 2)
    name: str = "a"


def test_every_value_counts_also_a_changed_default_and_those_inside():
    found = {recipe_of(one) for one in (
        Outer(), Outer(Inner(0.2)), Outer(sizes=(2, 1)), Outer(name="b"), Outer(sizes=()), Inner(),
        make_dataclass("Inner", [("rate", float, field(default=0.3))])(),
    )}  # fmt: skip
    assert len(found) == 7 and {len(one) for one in found} == {12}
    assert recipe_of(Outer()) == recipe_of(Outer(name="a")) == recipe_of(replace(Outer()))


def test_a_new_field_that_is_off_changes_nothing():
    later = make_dataclass("Inner", [("rate", float, 0.1), ("more", float, 0.0), ("way", str, "")])
    assert recipe_of(later()) == recipe_of(Inner()) != recipe_of(later(more=0.5))


def test_numbers_of_numpy_have_a_recipe():
    assert recipe_of(Inner(np.float64(0.2))) == recipe_of(Inner(0.2))
    assert recipe_of(Inner(np.float32(0.5))) == recipe_of(Inner(0.5))
    assert recipe_of(Outer(sizes=(np.int64(1), np.int32(2)))) == recipe_of(Outer())


def test_what_json_cannot_hold_has_no_recipe():
    with pytest.raises(TypeError, match="a record cannot hold {1, 2}"):
        recipe_of(Outer(name={1, 2}))


def test_the_recipe_does_not_depend_on_the_process():
    assert recipe_of(Outer()) == "a37986b4226b"


def test_every_method_of_a_table_has_a_recipe_on_every_task():
    for name in ("dSprites.v3", "Shapes3D.v3"):
        assert all(len(method.recipe(name)) == 12 for method in KNOWN.values())
    assert Method(lambda: None, supervision="none", source="mine").recipe("dSprites.v3") == ""


def test_a_recipe_leads_to_its_methods_and_settings():
    found = behind(KNOWN["no-cycle"].recipe("dSprites.v4"))
    assert found["methods"].keys() == {"no-cycle"} and found["settings"]["phases"]
    with pytest.raises(ValueError, match="no method of commit .* has the recipe 'abc'"):
        behind("abc")


def test_a_task_with_steps_or_fields_of_its_own_has_a_recipe_of_its_own():
    recipes = [METHODS["modular"].recipe(f"dSprites.v{n}") for n in (2, 3, 4)]
    assert len(set(recipes)) == 3
