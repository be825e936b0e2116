from __future__ import annotations

from pathlib import Path

import pytest

from homespun.errors import UsageError
from homespun.registry.policy import Policy, load_policy


def changed(folder: Path, text: str) -> Policy:
    file = folder / "gate.toml"
    file.write_text(text, encoding="utf-8")
    return load_policy(file)


def test_a_home_writes_only_what_differs(tmp_path: Path) -> None:
    shipped = load_policy(tmp_path / "gate.toml")
    assert shipped == load_policy()
    own = changed(tmp_path, "[improvement]\neffect = 0.02\n[checks.copy_rate.at_most]\nplus = 0.05\n[checks.exposure_1]\nat_most = 2\n")
    assert own.improvement.effect == 0.02 and own.improvement.alpha == shipped.improvement.alpha
    copied, exposure = (own.checks[name].at_most for name in ("copy_rate", "exposure_1"))
    assert copied and exposure
    assert copied.at(0.01) == pytest.approx(0.06) and exposure.at(0.0) == 2.0
    assert own.digest != shipped.digest == load_policy().digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sure = ", "not valid TOML"),
        ("[improvement]\nalpha = 2", "improvement.alpha: Input should be less than"),
        ("[improvement]\nefect = 0.1", "improvement.efect: Extra inputs"),
        ("[checks.copyrate]\nat_most = 1", "did you mean 'copy_rate'"),
        ("[checks.copy_rate]\nat_most = 'much'", "checks.copy_rate.at_most"),
        ("[checks.copy_rate]\nat_most = nan", "checks.copy_rate.at_most.plus: Input should be a finite number"),
        ("[checks.copy_rate]\nat_least = 0", "checks.copy_rate: Value error, a rate is judged by at_most"),
        ("[checks.copy_rate]\nneeded = 'sometimes'", "checks.copy_rate.needed"),
        ("checks = 3", "checks"),
    ],
)
def test_a_policy_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        changed(tmp_path, text)
    assert said in str(error.value) and "gate.toml" in str(error.value) and "\n" not in str(error.value)
