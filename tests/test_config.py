"""Recipes and settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.config import (
    AdapterSection,
    DatasetSection,
    Recipe,
    SamplingSection,
    TrainingSection,
    load_recipe,
    parse_recipe,
    recipe_names,
    seconds_of,
    settings,
)
from homespun.errors import BadRecipe, UnknownName, UsageError

RECIPES = st.builds(
    Recipe,
    name=st.text(max_size=10),
    system=st.text(max_size=40),
    dataset=st.builds(DatasetSection, max_tokens=st.integers(300, 9000), gate=st.floats(0, 0.4)),
    adapter=st.builds(AdapterSection, rank=st.integers(1, 64)),
    training=st.builds(TrainingSection, learning_rate=st.floats(1e-9, 1), seed=st.integers(-(2**40), 2**40)),
    sampling=st.builds(SamplingSection, seed=st.none() | st.integers(0, 9), temperature=st.floats(0, 3)),
)


@given(recipe=RECIPES)
def test_a_recipe_survives_its_toml(recipe: Recipe) -> None:
    back = parse_recipe(recipe.toml(), "it")
    assert back == recipe and back.hash == recipe.hash


def test_recipes_that_differ_have_different_hashes() -> None:
    recipe = Recipe()
    assert recipe.hash == Recipe().hash
    assert len({recipe.hash, recipe.with_training(seed=1).hash, recipe.model_copy(update={"base": "x"}).hash}) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("epochs = 3", "mine: epochs: Extra inputs are not permitted"),
        ("[training]\nepoch = 3", r"mine: training\.epoch: Extra inputs"),
        ("[training]\nepochs = -1", r"mine: training\.epochs: Input should be greater than 0"),
        ("[training]\ndtype = 'float16'", r"mine: training\.dtype: Input should be 'auto', 'float32' or 'bfloat16'"),
        ("[dataset]\nmax_tokens = 200", r"mine: recipe: .*dataset\.context_tokens must leave at least 64"),
        ("[training", "mine is not valid TOML"),
    ],
)
def test_a_bad_recipe_names_the_key(text: str, complaint: str) -> None:
    with pytest.raises(BadRecipe, match=complaint):
        parse_recipe(text, "mine")


def test_a_recipe_is_found_by_name_or_by_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(load_recipe("avatar").with_training(epochs=9.0).toml())
    assert load_recipe(str(file)).training.epochs == 9
    assert all(isinstance(load_recipe(name), Recipe) for name in recipe_names())
    with pytest.raises(UnknownName, match="no recipe called 'avatr': did you mean 'avatar'"):
        load_recipe("avatr")
    with pytest.raises(BadRecipe, match=r"cannot read the recipe .*gone\.toml: No such file"):
        load_recipe(str(tmp_path / "gone.toml"))


@given(hours=st.integers(0, 99), minutes=st.integers(0, 99), seconds=st.integers(0, 99))
def test_times_are_read_as_they_are_written(hours: int, minutes: int, seconds: int) -> None:
    total = 3600 * hours + 60 * minutes + seconds
    for text in (f"{hours}h{minutes}m{seconds}s", f"{total}", f" {total / 60}M "):
        if total:
            assert seconds_of(text) == pytest.approx(total)
        else:
            with pytest.raises(UsageError, match="is no time at all"):
                seconds_of(text)


@pytest.mark.parametrize("text", ["", "  ", "soon", "-5m", "5x", "5m 3h", "m", "1e3"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write 90s, 5m or 1h30m"):
        seconds_of(text)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOMESPUN_HOME", "HOMESPUN_CACHE", "HOMESPUN_OFFLINE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert settings().cache == Path("~/.cache/homespun").expanduser() and not settings().offline
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert settings().cache == Path("/xdg/homespun")
    monkeypatch.setenv("HOMESPUN_CACHE", "/cache")
    monkeypatch.setenv("HOMESPUN_HOME", "~/mine")
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    found = settings()
    assert (found.cache, found.home, found.offline) == (Path("/cache"), Path("~/mine").expanduser(), True)
