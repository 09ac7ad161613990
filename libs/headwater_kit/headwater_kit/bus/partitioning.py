"""Which partition a key belongs to, as Kafka's own clients decide it.

Method: MurmurHash2, 32 bit, by Austin Appleby (public domain), with the seed and
the sign handling of Apache Kafka's `Utils.murmur2` and `BuiltInPartitioner`;
librdkafka calls it `murmur2_random`.
"""

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash as an unsigned 32-bit number."""
    h = _SEED ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        h = (h * _M & _MASK) ^ ((k ^ k >> 24) * _M & _MASK)
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """The partition, from 0 to `partitions` - 1, that every canonical producer sends `key` to."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
