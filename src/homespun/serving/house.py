"""What every route and every page is given: the home, what is loaded, and who is waiting for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from homespun.config import Settings
from homespun.home import Home
from homespun.serving import loading
from homespun.serving.lanes import Lanes
from homespun.serving.limits import Limits
from homespun.serving.loading import MakeEngine
from homespun.serving.metrics import Metrics
from homespun.serving.options import ServeOptions
from homespun.serving.replies import Replies
from homespun.serving.shelf import Shelf


@dataclass(frozen=True, slots=True)
class House:
    home: Home
    settings: Settings
    options: ServeOptions
    shelf: Shelf
    lanes: Lanes
    limits: Limits
    metrics: Metrics = field(default_factory=Metrics)
    replies: Replies = field(default_factory=Replies)
    """Under way, whoever asked for them."""


def furnish(home: Home, settings: Settings, options: ServeOptions, make_engine: MakeEngine | None = None) -> House:
    """A house in which nothing is loaded yet.

    Args:
        make_engine: instead of llama.cpp; it is given the versions' folders as adapters.
    """
    if make_engine:
        shelf = Shelf(home, settings, make_engine)
    else:
        shelf = Shelf(home, settings, loading.llamacpp(settings, options.slots, options.threads), loading.for_llamacpp(settings))
    return House(home, settings, options, shelf, Lanes(options.slots, options.waiting), Limits(options.rate, options.burst))
