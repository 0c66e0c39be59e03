"""The encrypted document mode: content keys that only a document's recipients can read.

    document key (AES-256), MAC key: random per document, RSA-OAEP to each recipient
    content key -> IV || AES-256-CBC(document key, key), and HMAC-SHA-512(MAC key, all of that)

CPIX 2.4, "Mandatory Algorithms". A MAC is checked before anything is decrypted. Keys go only to
certificates of a list that was given beforehand: one that stands in a request proves nothing.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drm.cpix.errors import SealedKeysRefused
from drm.cpix.model import Delivery, Document, DocumentKey, KeyEntry, SealedKey
from packager.model import Kid

RECOMMENDED_BITS = 3072  # CPIX
SPEKE_BITS = 2048  # the size that SPEKE's own certificates have
_DOCUMENT_KEY_BYTES = 32
_MAC_KEY_BYTES = 64  # the size of the digest. RFC 2104, 3
_CONTENT_KEY_BYTES = 16
_BLOCK_BYTES = 16
_CIPHER_BYTES = _BLOCK_BYTES + _CONTENT_KEY_BYTES + _BLOCK_BYTES  # IV, key, padding
_WEAK_HASHES = (hashes.MD5, hashes.SHA1)
_DOES_NOT_OPEN = "the document's encrypted keys do not open"
# The algorithm's name says so: MGF1 and SHA-1. Neither needs collision resistance here.
_OAEP = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303


@dataclass(frozen=True, slots=True)
class Envelope:
    """Content keys sealed for some recipients."""

    deliveries: tuple[Delivery, ...]
    keys: Mapping[Kid, SealedKey]


class Recipients:
    """The certificates that content keys may be encrypted to. Immutable.

    SealedKeysRefused for one that is too weak: a small key, or a signature by MD5 or SHA-1.
    """

    def __init__(
        self, certificates: Iterable[x509.Certificate], *, minimum_bits: int = RECOMMENDED_BITS
    ) -> None:
        if minimum_bits < SPEKE_BITS:
            msg = f"nothing under {SPEKE_BITS} bits is a recipient"
            raise ValueError(msg)
        self._known = {}
        for certificate in certificates:
            _require_strong(certificate, minimum_bits)
            self._known[_fingerprint(certificate.public_bytes(_DER))] = certificate

    @classmethod
    def from_pem(cls, pems: Iterable[bytes], *, minimum_bits: int = RECOMMENDED_BITS) -> Self:
        """Read certificates, each text of one or several. SealedKeysRefused if one is none."""
        try:
            found = [one for pem in pems for one in x509.load_pem_x509_certificates(pem)]
        except ValueError:
            raise SealedKeysRefused("a recipient is not a PEM certificate") from None
        return cls(found, minimum_bits=minimum_bits)

    def certificates(self) -> tuple[bytes, ...]:
        """All of them, DER."""
        return tuple(one.public_bytes(_DER) for one in self._known.values())

    def seal(
        self, keys: Mapping[Kid, bytes], deliveries: Sequence[Delivery], now: datetime
    ) -> Envelope:
        """Encrypt keys to every one of these deliveries' certificates.

        SealedKeysRefused for a certificate that is not on the list, or not valid now.
        """
        public = [self._public_key(one.certificate, now) for one in deliveries]
        if not public:
            raise SealedKeysRefused("there is no recipient")
        document_key = secrets.token_bytes(_DOCUMENT_KEY_BYTES)
        mac_key = secrets.token_bytes(_MAC_KEY_BYTES)
        filled = tuple(
            replace(
                delivery,
                document_keys=(DocumentKey(key.encrypt(document_key, _OAEP)),),
                mac_key=key.encrypt(mac_key, _OAEP),
            )
            for delivery, key in zip(deliveries, public, strict=True)
        )
        sealed = {kid: _seal(key, document_key, mac_key) for kid, key in keys.items()}
        return Envelope(filled, sealed)

    def _public_key(self, der: bytes, now: datetime) -> rsa.RSAPublicKey:
        certificate = self._known.get(_fingerprint(der))
        if certificate is None:
            raise SealedKeysRefused("the recipient's certificate is not on the list")
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise SealedKeysRefused("the recipient's certificate is not valid now")
        return _rsa_key(certificate)


class Identity:
    """A certificate of ours and its private key: opens what was sealed for it."""

    def __init__(self, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> None:
        _require_strong(certificate, SPEKE_BITS)
        if key.public_key() != certificate.public_key():
            raise SealedKeysRefused("the private key is not the certificate's")
        self.certificate = certificate.public_bytes(_DER)
        self._key = key

    @classmethod
    def from_pem(cls, certificate: bytes, key: bytes) -> Self:
        """Read both. SealedKeysRefused if they are not a certificate and its RSA key."""
        try:
            read = x509.load_pem_x509_certificate(certificate)
            private = serialization.load_pem_private_key(key, password=None)
        except (ValueError, TypeError):
            raise SealedKeysRefused("not a PEM certificate and its private key") from None
        if not isinstance(private, rsa.RSAPrivateKey):
            raise SealedKeysRefused("the private key is not an RSA key")
        return cls(read, private)

    def __repr__(self) -> str:
        """Show whose it is."""
        return f"Identity({_fingerprint(self.certificate).hex()})"

    def open(self, document: Document) -> Document:
        """The same document with its keys in the clear.

        SealedKeysRefused, in the same words, whatever is wrong: no delivery for us, a key that
        was wrapped otherwise, a MAC, a length or a padding. Every MAC is checked first.
        """
        delivery = self._own(document)
        mac_key = self._unwrap(delivery.mac_key or b"", _MAC_KEY_BYTES)
        sealed = [key for key in document.keys if key.sealed is not None]
        good = [_mac_holds(key, mac_key) for key in sealed]
        document_keys = [
            (self._unwrap(one.wrapped, _DOCUMENT_KEY_BYTES), frozenset(one.encrypts))
            for one in delivery.document_keys
        ]
        if not all(good):
            raise SealedKeysRefused(_DOES_NOT_OPEN)
        opened = {key.kid: _opened(key, _for_key(key.kid, document_keys)) for key in sealed}
        keys = tuple(opened.get(key.kid, key) for key in document.keys)
        return replace(document, keys=keys, deliveries=())

    def _own(self, document: Document) -> Delivery:
        for delivery in document.deliveries:
            if delivery.certificate == self.certificate:
                return delivery
        raise SealedKeysRefused(_DOES_NOT_OPEN)

    def _unwrap(self, wrapped: bytes, size: int) -> bytes:
        """Decrypt; something random where that fails, so that it fails later, at the MAC."""
        try:
            key = self._key.decrypt(wrapped, _OAEP)
        except ValueError:
            return secrets.token_bytes(size)
        return key if len(key) == size else secrets.token_bytes(size)


def seal_document(document: Document, recipients: Recipients, now: datetime) -> Document:
    """The same document with its keys encrypted to all recipients of the list."""
    keys = {key.kid: key.key for key in document.keys if key.key is not None}
    deliveries = [Delivery(certificate) for certificate in recipients.certificates()]
    envelope = recipients.seal(keys, deliveries, now)
    return replace(
        document,
        deliveries=envelope.deliveries,
        keys=tuple(
            replace(key, key=None, sealed=envelope.keys.get(key.kid)) for key in document.keys
        ),
    )


_DER = serialization.Encoding.DER


def _fingerprint(der: bytes) -> bytes:
    return sha256(der).digest()


def _rsa_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise SealedKeysRefused("a recipient's key is not an RSA key")
    return key


def _require_strong(certificate: x509.Certificate, minimum_bits: int) -> None:
    bits = _rsa_key(certificate).key_size
    if bits < minimum_bits:
        raise SealedKeysRefused(f"a recipient's key has {bits} bits, {minimum_bits} are needed")
    if isinstance(certificate.signature_hash_algorithm, _WEAK_HASHES):
        raise SealedKeysRefused("a recipient's certificate is signed with a broken hash")


def _seal(key: bytes, document_key: bytes, mac_key: bytes) -> SealedKey:
    iv = secrets.token_bytes(_BLOCK_BYTES)
    padder = padding.PKCS7(_BLOCK_BYTES * 8).padder()
    encryptor = Cipher(algorithms.AES256(document_key), modes.CBC(iv)).encryptor()
    padded = padder.update(key) + padder.finalize()
    cipher = iv + encryptor.update(padded) + encryptor.finalize()
    return SealedKey(cipher, hmac.digest(mac_key, cipher, "sha512"))


def _mac_holds(key: KeyEntry, mac_key: bytes) -> bool:
    sealed = key.sealed or SealedKey(b"", b"")
    return hmac.compare_digest(hmac.digest(mac_key, sealed.cipher, "sha512"), sealed.mac)


def _for_key(kid: Kid, document_keys: list[tuple[bytes, frozenset[Kid]]]) -> bytes:
    for key, encrypts in document_keys:
        if not encrypts or kid in encrypts:
            return key
    raise SealedKeysRefused(_DOES_NOT_OPEN)


def _opened(entry: KeyEntry, document_key: bytes) -> KeyEntry:
    """Decrypt a key whose MAC held; a document whose author errs still may not open."""
    cipher = b"" if entry.sealed is None else entry.sealed.cipher
    if len(cipher) != _CIPHER_BYTES:
        raise SealedKeysRefused(_DOES_NOT_OPEN)
    iv, data = cipher[:_BLOCK_BYTES], cipher[_BLOCK_BYTES:]
    decryptor = Cipher(algorithms.AES256(document_key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(_BLOCK_BYTES * 8).unpadder()
    try:
        padded = decryptor.update(data) + decryptor.finalize()
        key = unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise SealedKeysRefused(_DOES_NOT_OPEN) from None
    if len(key) != _CONTENT_KEY_BYTES:
        raise SealedKeysRefused(_DOES_NOT_OPEN)
    return replace(entry, key=key, sealed=None)
