"""Whether a search ever compared vectors of two models."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import grpc.aio
import numpy as np
from headwater.embed.v1 import embed_pb2
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceStub
from headwater_kit.core.documents import Passage, embedding_text
from laptop import Laptop

# Cosines of float32 vectors, one of them stored.
TOLERANCE = 1e-3
SAMPLE = 300


async def mixture(
    platform: Laptop, rng: random.Random, shown: Sequence[tuple[str, Passage]]
) -> tuple[int, int, dict[str, int]]:
    """Passages with a cosine to their query that no one model gives; how many were looked at; how many by model."""
    sample = rng.sample(shown, min(SAMPLE, len(shown)))
    mixed, models = 0, Counter[str]()
    async with grpc.aio.insecure_channel(platform.process("embed").address) as channel:
        stub = EmbedServiceStub(channel)
        served = [one for one in (await stub.ListModels(embed_pb2.ListModelsRequest())).models if one.served]
        for query, passage in sample:
            text = embedding_text(passage.info.title, passage.chunk.heading_path, passage.chunk.text)
            cosines = {one.name: await _cosine(stub, one.model_id, query, text) for one in served}
            found = passage.parts.dense or 0.0
            name, near = min(cosines.items(), key=lambda item: abs(item[1] - found))
            models[name] += 1
            mixed += abs(near - found) > TOLERANCE
    return mixed, len(sample), dict(models)


async def _cosine(stub: Any, model_id: str, query: str, text: str) -> float:
    asked, stored = [
        (await stub.Embed(embed_pb2.EmbedRequest(texts=[one], kind=kind, model_id=model_id))).vectors[0]
        for one, kind in ((query, embed_pb2.TEXT_KIND_QUERY), (text, embed_pb2.TEXT_KIND_PASSAGE))
    ]
    return float(np.frombuffer(asked, "<f4") @ np.frombuffer(stored, "<f4"))
