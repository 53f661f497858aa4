"""What a film was made of, kept beside the segments: proof of where each picture comes from, and that it is there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.blobs.digests import reported_digest_of
from cutlog.contract.commands import Output
from cutlog.contract.keys import ReceiptKey
from cutlog.contract.receipts import Receipt, ReceiptUnreadable, read, written
from services.render.audio.score import Score
from services.render.plan.segments import Copied, Digest, Encoded, Plan
from services.render.produce.subtitles import Subtitles


def film_digest(plan: Plan, score: Score, subtitles: Sequence[Subtitles] = ()) -> Digest:
    """Equal digests make equal films, bytes and all, once their segments exist."""
    heard = [[chunk.digest, chunk.played] if chunk.played else chunk.digest for chunk in score.chunks]
    parts = [plan.digest, score.samples, heard, *([subtitles] if subtitles else ())]
    return Digest(hashlib.sha256(msgspec.json.encode(parts)).hexdigest())


def segment_names(plan: Plan) -> tuple[str, ...]:
    return tuple(segment_name(segment) for segment in plan.segments)


def segment_name(segment: Copied | Encoded) -> str:
    match segment:
        case Copied(source=source, first=first, frames=frames):
            return f"proxy:{source.sha256}:{first}+{frames}"
        case Encoded(digest=digest):
            return digest


async def write_receipt(blobs: BlobStore, receipt: Receipt) -> None:
    """Replaces the one of an earlier attempt."""
    await blobs.put_bytes(str(receipt.key), written(receipt), sync=False)


async def made_before(blobs: BlobStore, key: ReceiptKey, film: Digest) -> Output | None:
    """The finished film, if it was made of just this and its file is still whole."""
    try:
        receipt = read(key, await blobs.get(str(key)))
    except (BlobNotFoundError, ReceiptUnreadable):
        return None  # the film is made anew, and its receipt with it
    output = receipt.output
    head = await blobs.head(output.key)
    if receipt.film != film or head is None or head.size != output.size:
        return None
    return output if await reported_digest_of(blobs, output.key) == output.sha256 else None
