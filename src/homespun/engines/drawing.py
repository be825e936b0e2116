"""One reply of the torch engine while it is drawn: logits in, pieces out."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor

from homespun.bases.template import Template
from homespun.config import SamplingSection
from homespun.engines.base import NOTHING, Finish, Piece, Scored, Wanted
from homespun.engines.grammar import Follower
from homespun.engines.sampling import next_token
from homespun.engines.stops import Decoder, Speaker
from homespun.errors import TooLong

UNPENALISED = {"repetition_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}


class Drawn:
    """
    Args:
        prompt: its tokens, `limit` being those of prompt and reply together.
        follower: of `wanted.grammar`, where there is one. Such a reply is not penalised: its quotes and braces must repeat.

    Raises:
        TooLong: the prompt leaves no room for a reply.
    """

    def __init__(
        self,
        template: Template,
        prompt: list[int],
        limit: int,
        sampling: SamplingSection,
        wanted: Wanted = NOTHING,
        follower: Follower | None = None,
    ) -> None:
        if len(prompt) >= limit:
            raise TooLong(len(prompt), limit)
        self.prompt, self.said = prompt, list[int]()
        self.finish: Finish | None = None
        self._template, self._follower, self._logprobs = template, follower, wanted.logprobs
        self._sampling = sampling.model_copy(update=UNPENALISED) if follower else sampling
        self._room = min(sampling.max_tokens, limit - len(prompt))
        self._generator = torch.Generator().manual_seed(random.getrandbits(48) if sampling.seed is None else sampling.seed)
        self._decoder, self._speaker = Decoder(template), Speaker(sampling.stop)

    def take(self, logits: Tensor) -> list[Piece]:
        """Draw from (vocabulary,) logits. Sets `finish` with the last token, and else adds it to `said`."""
        stop = self._template.stop_id
        token = next_token(logits, self._sampling, self._generator, self.said, stop, self._allowed(len(logits)))
        if token == stop:
            self.finish = "stop"
            return self._speaker.end()
        self.said.append(token)
        if self._follower:
            self._follower.follow(token)
        pieces = self._speaker.hear(self._decoder.add(token), self._scores(logits, token))
        if self._speaker.stopped:
            self.finish = "stop"
        elif len(self.said) == self._room:
            self.finish = "length"
            pieces += self._speaker.end()
        return pieces

    def _allowed(self, vocabulary: int) -> Tensor | None:
        if self._follower is None:
            return None
        bits = np.frombuffer(self._follower.allowed(), np.uint8)
        return torch.from_numpy(np.unpackbits(bits, bitorder="little")[:vocabulary]).bool()

    def _scores(self, logits: Tensor, token: int) -> list[Scored]:
        if self._logprobs is None:
            return []
        all_of_them = torch.log_softmax(logits.float(), -1)
        best = torch.topk(all_of_them, self._logprobs)
        top = tuple((self._template.decode([int(other)]), float(value)) for value, other in zip(*best, strict=True))
        return [Scored(self._template.decode([token]), float(all_of_them[token]), top)]
