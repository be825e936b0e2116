"""Entry points: the one door by which sources come in, the built-in ones like anyone else's.

A package offers a source by naming its module in pyproject.toml:

    [project.entry-points."homespun.sources"]
    signal = "my_package.signal"
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from homespun.errors import HomespunError


def load(group: str) -> dict[str, object]:
    """Every plug-in of `group` by name, imported.

    Raises:
        HomespunError: homespun itself is not installed, a plug-in does not import, or two packages offer the same name.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if found.setdefault(point.name, point).value != point.value:
            offers = f"{found[point.name].value} and {point.value}"
            raise HomespunError(f"two plug-ins call themselves {point.name!r} in {group} ({offers}): uninstall one of them")
    if not found:
        raise HomespunError(f"no plug-in of {group} is registered: install the package first, for example with `pip install -e .`")
    return {name: _imported(found[name]) for name in sorted(found)}


def _imported(point: EntryPoint) -> object:
    try:
        return point.load()
    except (ImportError, AttributeError, SyntaxError) as error:
        owner = point.dist.name if point.dist else point.value
        raise HomespunError(f"the plug-in {point.name!r} does not load ({error}): update or uninstall {owner}") from error
