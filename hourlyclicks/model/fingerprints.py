"""What a store knows an account by: a keyed hash, so that neither a key nor a name stands in the store."""

from __future__ import annotations

import hashlib


def fingerprint_of(account: str, salt: bytes) -> str:
    """Return the fingerprint of an account with a name: 32 hexadecimal digits.

    Args:
        account: the name.
        salt: random bytes of the store; in another one the same name has another fingerprint.
    """
    return keyed_hash(f"account {account}", salt)


def keyed_hash(text: str, salt: bytes) -> str:
    """Return 32 hexadecimal digits that do not tell the text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=salt, digest_size=16).hexdigest()
