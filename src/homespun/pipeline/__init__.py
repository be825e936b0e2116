"""The recipes from source to report. Rooms never call back up: what they need from here is passed to them."""

from homespun.pipeline.forgetting import forget
from homespun.pipeline.judging import Judged, blind_trials, impostor_adapters, judge, read_conversations, swap, trained_on
from homespun.pipeline.making import Considered, Outcome, consider, forecast, train
from homespun.pipeline.workshop import Workshop

__all__ = [
    "Considered",
    "Judged",
    "Outcome",
    "Workshop",
    "blind_trials",
    "consider",
    "forecast",
    "forget",
    "impostor_adapters",
    "judge",
    "read_conversations",
    "swap",
    "train",
    "trained_on",
]
