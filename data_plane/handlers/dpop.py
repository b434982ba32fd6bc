"""The key that a token request proves to have, RFC 9449 section 5."""

from data_plane.handlers.asked import Asked
from data_plane.handlers.given import Given
from data_plane.protocol.dpop import Proof, proof_in, read_proof
from data_plane.protocol.dpop_nonce import is_fresh_nonce, make_nonce
from data_plane.protocol.errors import InvalidDpopProof, UseDpopNonce
from shared.domain.client import Client, DpopUse


async def proven_key(asked: Asked, client: Client, given: Given) -> str | None:
    """Give the thumbprint of the key, or None where there is no proof and none is needed.

    It spends the proof, so it comes when nothing else can be wrong with the request.
    """
    text = proof_in(asked.headers)
    if text is None:
        if owes_proof(client):
            raise InvalidDpopProof("this client's requests need a DPoP proof")
        return None
    issuer = asked.issuer.issuer
    proof = read_proof(text, f"{issuer}/oauth/token", now=given.clock())
    if not given.verifier.verify(proof.jws, proof.algorithm, proof.key):
        raise InvalidDpopProof("the DPoP proof is not valid")
    _check_nonce(proof, issuer, client, given)
    if not await given.replays.spend(asked.issuer.tenant_id, proof.spend):
        raise InvalidDpopProof("the DPoP proof has been used before")
    return proof.thumbprint


def owes_proof(client: Client) -> bool:
    """Tell whether the client gets no token without a proof."""
    return client.dpop is not DpopUse.OPTIONAL


def fresh_nonce(asked: Asked, given: Given) -> str:
    return make_nonce(asked.issuer.issuer, given.peppers, now=given.clock())


def _check_nonce(proof: Proof, issuer: str, client: Client, given: Given) -> None:
    """Section 8: one that is not ours, or not any more, is refused whoever the client is."""
    now = given.clock()
    if proof.nonce is None and client.dpop is not DpopUse.NONCE_REQUIRED:
        return
    if proof.nonce is None or not is_fresh_nonce(proof.nonce, issuer, given.peppers, now=now):
        raise UseDpopNonce(
            "the DPoP proof needs a nonce that this server gave lately",
            make_nonce(issuer, given.peppers, now=now),
        )
