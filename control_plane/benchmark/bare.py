"""The bare signature: what one core signs in a second when it does nothing else.

    python -m control_plane.benchmark.bare ES256 0.5 0

prints signatures a second, made for so many seconds on that core.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from control_plane.benchmark.cores import begin_process
from shared.domain.jwk import Algorithm, generate_private_key

_CLAIMS = bytes(400)  # as long as a token's signing input
_BETWEEN_LOOKS = 50  # signatures; the clock costs little beside them
_PATIENCE = 60.0  # seconds


def bare_rate(algorithm: Algorithm, seconds: float, core: int | None) -> float:
    """Measure it in a process of its own. errors: subprocess.CalledProcessError"""
    module = "control_plane.benchmark.bare"
    where = "none" if core is None else str(core)
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", module, algorithm.value, str(seconds), where],
        stdout=subprocess.PIPE,
        start_new_session=True,
        timeout=seconds + _PATIENCE,
        check=True,
    )
    return float(done.stdout)


def sign_for(algorithm: Algorithm, seconds: float) -> float:
    """Sign for so many seconds; give signatures a second."""
    sign = _signature_of(algorithm)
    made, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(_BETWEEN_LOOKS):
            sign()
        made += _BETWEEN_LOOKS
    return made / spent


def _signature_of(algorithm: Algorithm) -> Callable[[], bytes]:
    key = generate_private_key(algorithm)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return partial(key.sign, _CLAIMS, ec.ECDSA(SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        return partial(key.sign, _CLAIMS, padding.PKCS1v15(), SHA256())
    return partial(key.sign, _CLAIMS)


def main() -> None:
    _, algorithm, seconds, core = sys.argv
    begin_process(None if core == "none" else int(core))
    sys.stdout.write(str(sign_for(Algorithm(algorithm), float(seconds))))


if __name__ == "__main__":
    main()
