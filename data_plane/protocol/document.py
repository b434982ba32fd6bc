"""A public JSON document with its validator, RFC 9110 section 8.8.3."""

from hashlib import sha256

import msgspec


class Document(msgspec.Struct, frozen=True):
    body: bytes
    etag: bytes


def document(contents: msgspec.Struct) -> Document:
    body = msgspec.json.encode(contents)
    return Document(body, f'"{sha256(body).hexdigest()[:32]}"'.encode())
