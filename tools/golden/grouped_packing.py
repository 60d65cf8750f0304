"""Weights in groups with one float16 scale each, packed as GGUF files hold them: Q1_0, Q2_0, PQ2_0 and PTQ1_0.

Belongs here: the packings by array operations, a second decoder by loops over bits and digits, and published vectors
that they must reproduce. Does not belong here: models, engines, files.

A ternary block is codes 0, 1, 2 for -d, 0, +d; a binary one bits 0, 1 for -d, +d. Types that other programs know under
the same number have their names here: `Q2_0` has 64 weights in a block, `PQ2_0` 128, and so have files of the number of
`Q2_0` that were made before it had 64.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Packing:
    """A tensor type: its number, `general.file_type` where one is known, weights and bytes of a block, place of d."""

    name: str
    type_id: int
    file_type: int | None
    group: int
    block_bytes: int
    scale_at: int
    binary: bool = False


PACKINGS = {
    packing.name: packing
    for packing in (
        Packing("Q1_0", 41, 40, 128, 18, 0, binary=True),
        Packing("Q2_0", 42, 41, 64, 18, 0),
        Packing("PQ2_0", 142, 141, 128, 34, 0),
        Packing("PTQ1_0", 143, None, 128, 28, 26),
    )
}

LEGACY = Packing("Q2_0", 42, 41, 128, 34, 0)
"""PQ2_0 under the number of Q2_0."""

VECTOR = {
    "Q2_0": "1485a6892050149a26824051689a0802",
    "PQ2_0": "1485a6892050149a26824051689a080245a16922081485a6892050149a268240",
    "PTQ1_0": "1567a805705c22e3ac7bcab6a1e429ee29dd05523b76a739ab3d",
    "Q1_0": "b6bfc4f697d8fe12db5f62fb4b6c7f89",
}
"""Bytes of a block without its scale for the codes of `vector_codes`; of 64 of them for Q2_0."""


def vector_codes(binary=False):
    """Codes of 128 weights; as bits, those above zero."""
    numbers = np.arange(128)
    codes = ((numbers * numbers + numbers // 7) % 3).astype(np.uint8)
    return (codes > 0).astype(np.uint8) if binary else codes


def split(values, packing):
    """Codes [groups, group] and float16 scales [groups] of float values that are exactly -s, 0 and s in each group."""
    groups = np.asarray(values, np.float32).reshape(-1, packing.group)
    scales = np.abs(groups).max(1).astype(np.float16)
    signs = np.sign(groups).astype(np.int8)
    assert np.array_equal(signs * scales.astype(np.float32)[:, None], groups), "the groups are not -s, 0 and s"
    assert not (packing.binary and (signs == 0).any()), "a binary weight is zero"
    return ((signs > 0) if packing.binary else signs + 1).astype(np.uint8), scales


def unscaled(codes, packing):
    """Bytes [groups, bytes without the scale] of codes [groups, group]."""
    if packing.binary:
        return np.packbits(codes, axis=1, bitorder="little")
    if packing.name != "PTQ1_0":
        quarters = codes.reshape(len(codes), -1, 4)
        return quarters[..., 0] | quarters[..., 1] << 2 | quarters[..., 2] << 4 | quarters[..., 3] << 6
    long, short, rest = codes[:, :80], codes[:, 80:120], codes[:, 120:]
    rest = np.concatenate([rest.reshape(-1, 4, 2), np.zeros((len(codes), 1, 2), np.uint8)], 1)
    digits = np.concatenate([long.reshape(-1, 5, 16), short.reshape(-1, 5, 8), rest], 2)
    numbers = np.tensordot(digits.astype(np.int32), np.array([81, 27, 9, 3, 1]), (1, 0))
    return ((256 * numbers + 242) // 243).astype(np.uint8)


def pack(codes, scales, packing):
    """Bytes [groups, block_bytes] of codes [groups, group] and float16 scales [groups]."""
    body, at = unscaled(codes, packing), packing.scale_at
    return np.concatenate([body[:, :at], scales.view(np.uint8).reshape(-1, 2), body[:, at:]], 1)


def code_of(block, packing, element):
    """One code of a block of bytes, by the definition of the type and nothing else."""
    body = [byte for place, byte in enumerate(block) if place not in (packing.scale_at, packing.scale_at + 1)]
    if packing.binary:
        return body[element // 8] >> element % 8 & 1
    if packing.name != "PTQ1_0":
        return body[element // 4] >> 2 * (element % 4) & 3
    if element < 80:
        place, digit = element % 16, element // 16
    elif element < 120:
        place, digit = 16 + (element - 80) % 8, (element - 80) // 8
    else:
        place, digit = 24 + (element - 120) % 2, (element - 120) // 2
    byte = body[place]
    for _ in range(digit):
        byte = byte * 3 % 256
    return byte * 3 // 256


def decode(data, packing):
    """Float32 values [groups, group] of bytes [groups, block_bytes], element by element."""
    values = np.zeros((len(data), packing.group), np.float32)
    for number, block in enumerate(data.tolist()):
        at = packing.scale_at
        scale = np.frombuffer(bytes(block[at : at + 2]), np.float16)[0].astype(np.float32)
        for element in range(packing.group):
            code = code_of(block, packing, element)
            values[number, element] = np.float32(2 * code - 1 if packing.binary else code - 1) * scale
    return values + np.float32(0)


def check_vectors():
    """Compares the packings with the published vectors."""
    for packing in PACKINGS.values():
        codes = vector_codes(packing.binary)[: packing.group]
        assert unscaled(codes[None], packing).tobytes().hex() == VECTOR[packing.name], packing.name
