"""Writes random.txt: what the composites `dropout` and `uniform` draw, by another implementation of the generator.

Made with Python 3.11, without packages:

    python random.py > random.txt

PyTorch cannot be asked: on a CPU its dropout draws from a Mersenne twister. So this is Philox 4x32-10 written down from
its publication (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), checked against two of the known
answers that Random123 publishes. Each line has key, counter, rate and, of a row-major run of elements, 1 for each that
dropout keeps and 0 for each that it drops; or key, counter, `uniform` and the numbers as multiples of 2^-24.
"""

MASK = 2**32 - 1
COUNT = 150


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        left, right = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [right >> 32 ^ c[1] ^ k[0], right & MASK, left >> 32 ^ c[3] ^ k[1], left & MASK]
        k = [k[0] + 0x9E3779B9 & MASK, k[1] + 0xBB67AE85 & MASK]
    return c


assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox([MASK] * 4, [MASK] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def word(key, counter, i):
    """Word `i` of the stream: block i // 4 at counters (low, high, stream, 2)."""
    block = i // 4
    return philox([block & MASK, block >> 32, counter & MASK, 2], [k & MASK for k in key])[i % 4]


def signed(bits):
    return bits - 2**32 if bits >= 2**31 else bits


def main():
    for key, counter in [((0, 0), 0), ((1, 2), 3), ((-5, 77), -1), ((2**31 - 1, -(2**31)), 2**31 - 1)]:
        bits = [word(key, counter, i) for i in range(COUNT)]
        for rate in (0.1, 0.5, 0.75):
            # The words are uniform integers with signs; those in the lowest part, a share of `rate`, are dropped.
            threshold = round(rate * 2**32) - 2**31
            kept = "".join("1" if signed(b) >= threshold else "0" for b in bits)
            print(*key, counter, rate, kept)
        print(*key, counter, "uniform", *(b & 0xFFFFFF for b in bits[:12]))


main()
