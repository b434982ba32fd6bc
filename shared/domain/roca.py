"""The weak RSA keys of CVE-2017-15361 (ROCA): who has the modulus can find the factors.

Their primes are powers of 65537 modulo a product of small primes, and so is their modulus. One in
some hundred million good keys looks the same and is refused with them.
"""

# those of the first primes in which 65537 does not generate everything
_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
_POWERS = {
    prime: frozenset(pow(65537, power, prime) for power in range(prime)) for prime in _PRIMES
}


def is_weak_modulus(modulus: int) -> bool:
    return all(modulus % prime in powers for prime, powers in _POWERS.items())
