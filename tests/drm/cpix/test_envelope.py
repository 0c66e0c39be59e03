"""The encrypted document mode: only who is meant reads it, and an alteration says nothing."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drm.cpix import Document, Identity, Recipients, read, seal_document, write
from drm.cpix.errors import SealedKeysRefused
from drm.cpix.model import Delivery, DocumentKey, KeyEntry, SealedKey, Version
from packager.model import Kid
from tests.support.certificates import NOW, Pair, ec_pair, rsa_pair

KEYS = {Kid(bytes([n] * 16)): bytes([n + 100] * 16) for n in range(3)}
PLAIN = Document(
    Version.V2_4, "c", keys=tuple(KeyEntry(kid, "cbcs", key) for kid, key in KEYS.items())
)
SHA1_OAEP = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)


def identity(pair: Pair) -> Identity:
    return Identity.from_pem(pair.pem, pair.key_pem)


def recipients(*pairs: Pair) -> Recipients:
    return Recipients([pair.certificate for pair in pairs], minimum_bits=2048)


def sealed(*pairs: Pair) -> Document:
    return seal_document(PLAIN, recipients(*pairs), NOW)


def opened(document: Document) -> dict[Kid, bytes | None]:
    plain = identity(rsa_pair()).open(read(write(document)))
    return {key.kid: key.key for key in plain.keys}


def test_what_was_sealed_opens_after_a_journey_as_xml() -> None:
    assert opened(sealed(rsa_pair())) == KEYS


def test_each_recipient_opens_it() -> None:
    other = rsa_pair(3072, "other")
    document = read(write(sealed(rsa_pair(), other)))
    for pair in (rsa_pair(), other):
        assert identity(pair).open(document).keys == PLAIN.keys


def test_sealing_twice_gives_nothing_that_is_the_same() -> None:
    one, other = sealed(rsa_pair()), sealed(rsa_pair())
    assert one.deliveries[0].mac_key != other.deliveries[0].mac_key
    assert {key.sealed for key in one.keys}.isdisjoint(key.sealed for key in other.keys)


def test_the_bytes_are_those_of_the_text() -> None:
    """IV || AES-256-CBC(key || 16 bytes of padding), a MAC over both: opened here by hand."""
    document = sealed(rsa_pair())
    private = rsa_pair().key
    assert isinstance(private, rsa.RSAPrivateKey)
    delivery = document.deliveries[0]
    document_key = private.decrypt(delivery.document_keys[0].wrapped, SHA1_OAEP)
    mac_key = private.decrypt(delivery.mac_key or b"", SHA1_OAEP)
    for entry in document.keys:
        assert entry.sealed is not None
        cipher = entry.sealed.cipher
        assert (len(document_key), len(cipher)) == (32, 48)
        assert entry.sealed.mac == hmac.digest(mac_key, cipher, "sha512")
        decryptor = Cipher(algorithms.AES(document_key), modes.CBC(cipher[:16])).decryptor()
        assert decryptor.update(cipher[16:]) == KEYS[entry.kid] + bytes([16] * 16)


class Sender:
    """Somebody who knows our certificate, and makes any document at all for it."""

    def __init__(self) -> None:
        self.document_key = secrets.token_bytes(32)
        self.mac_key = secrets.token_bytes(64)

    def document(self, plain: bytes, **changes: bytes) -> Document:
        cipher = changes.get("cipher") or self.encrypt(plain)
        mac = changes.get("mac") or hmac.digest(self.mac_key, cipher, "sha512")
        public = rsa_pair().key.public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        wrapped = changes.get("wrapped") or public.encrypt(self.document_key, SHA1_OAEP)
        mac_key = changes.get("mac_key") or public.encrypt(self.mac_key, SHA1_OAEP)
        return Document(
            Version.V2_4,
            "c",
            deliveries=(Delivery(rsa_pair().der, (DocumentKey(wrapped),), mac_key),),
            keys=(KeyEntry(Kid(bytes(16)), "cbcs", sealed=SealedKey(cipher, mac)),),
        )

    def encrypt(self, plain: bytes) -> bytes:
        iv = secrets.token_bytes(16)
        encryptor = Cipher(algorithms.AES(self.document_key), modes.CBC(iv)).encryptor()
        return iv + encryptor.update(plain) + encryptor.finalize()

    def wrap(self, key: bytes, padding: OAEP | PKCS1v15) -> bytes:
        public = rsa_pair().key.public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        return public.encrypt(key, padding)


SENDER = Sender()
GOOD = bytes(range(16)) + bytes([16] * 16)
SHA256_OAEP = OAEP(mgf=MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def test_the_senders_documents_are_good_before_they_are_spoiled() -> None:
    assert opened(SENDER.document(GOOD)) == {Kid(bytes(16)): bytes(range(16))}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a wrong MAC", lambda: SENDER.document(GOOD, mac=bytes(64))),
        ("a cut MAC", lambda: SENDER.document(GOOD, mac=bytes(63))),
        (
            "a MAC by another hash",
            lambda: SENDER.document(GOOD, mac=hmac.digest(SENDER.mac_key, GOOD, "sha256")),
        ),
        ("a MAC of another cipher", lambda: SENDER.document(GOOD, mac=_mac(SENDER.encrypt(GOOD)))),
        ("no block", lambda: SENDER.document(b"")),
        ("one block", lambda: SENDER.document(bytes(16))),
        ("half a block", lambda: SENDER.document(GOOD, cipher=SENDER.encrypt(GOOD)[:-8])),
        ("a block too many", lambda: SENDER.document(GOOD + bytes([16] * 16))),
        ("no padding", lambda: SENDER.document(bytes(32))),
        ("padding of 17", lambda: SENDER.document(bytes(15) + bytes([17] * 17))),
        ("uneven padding", lambda: SENDER.document(bytes(16) + bytes([16] * 15) + b"\x0f")),
        ("a key of 15 bytes", lambda: SENDER.document(bytes(15) + bytes([17] * 17))),
        ("a key of 31 bytes", lambda: SENDER.document(bytes(31) + b"\x01")),
        ("a wrapped key of zeros", lambda: SENDER.document(GOOD, wrapped=bytes(256))),
        ("a wrapped key cut short", lambda: SENDER.document(GOOD, wrapped=bytes(100))),
        ("a wrapped MAC key of zeros", lambda: SENDER.document(GOOD, mac_key=bytes(256))),
        (
            "a document key of 16 bytes",
            lambda: SENDER.document(GOOD, wrapped=SENDER.wrap(bytes(16), SHA1_OAEP)),
        ),
        (
            "a document key padded as PKCS 1.5",
            lambda: SENDER.document(GOOD, wrapped=SENDER.wrap(SENDER.document_key, PKCS1v15())),
        ),
        (
            "a MAC key wrapped with SHA-256",
            lambda: SENDER.document(GOOD, mac_key=SENDER.wrap(SENDER.mac_key, SHA256_OAEP)),
        ),
        ("for somebody else", lambda: sealed(rsa_pair(2048, "stranger"))),
        ("for nobody", lambda: replace(sealed(rsa_pair()), deliveries=())),
        (
            "a document key for other keys",
            lambda: _with_document_keys(sealed(rsa_pair()), (Kid(b"x" * 16),)),
        ),
    ],
)
def test_a_spoiled_document_is_refused_in_the_same_words(
    name: str, make: Callable[[], Document]
) -> None:
    with pytest.raises(SealedKeysRefused) as caught:
        identity(rsa_pair()).open(make())
    assert str(caught.value) == "the document's encrypted keys do not open"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def _mac(cipher: bytes) -> bytes:
    return hmac.digest(SENDER.mac_key, cipher, "sha512")


def _with_document_keys(document: Document, encrypts: tuple[Kid, ...]) -> Document:
    delivery = document.deliveries[0]
    key = replace(delivery.document_keys[0], encrypts=encrypts)
    return replace(document, deliveries=(replace(delivery, document_keys=(key,)),))


def test_one_altered_key_keeps_all_of_them_shut() -> None:
    document = sealed(rsa_pair())
    last = document.keys[-1]
    assert last.sealed is not None
    cipher = bytearray(last.sealed.cipher)
    cipher[20] ^= 1
    altered = replace(last, sealed=SealedKey(bytes(cipher), last.sealed.mac))
    with pytest.raises(SealedKeysRefused):
        opened(replace(document, keys=(*document.keys[:-1], altered)))


def test_every_flipped_byte_is_noticed() -> None:
    document = SENDER.document(GOOD)
    entry = document.keys[0]
    assert entry.sealed is not None
    for position in range(len(entry.sealed.cipher)):
        cipher = bytearray(entry.sealed.cipher)
        cipher[position] ^= 0x80
        spoiled = replace(entry, sealed=SealedKey(bytes(cipher), entry.sealed.mac))
        with pytest.raises(SealedKeysRefused):
            identity(rsa_pair()).open(replace(document, keys=(spoiled,)))


def test_several_document_keys_each_open_their_own() -> None:
    senders = (Sender(), Sender())
    documents = [sender.document(GOOD) for sender in senders]
    mac_key = documents[0].deliveries[0].mac_key
    kids = (Kid(b"a" * 16), Kid(b"b" * 16))
    entries, document_keys = [], []
    for kid, sender, document in zip(kids, senders, documents, strict=True):
        cipher = sender.encrypt(GOOD)
        mac = hmac.digest(senders[0].mac_key, cipher, "sha512")
        entries.append(KeyEntry(kid, sealed=SealedKey(cipher, mac)))
        wrapped = document.deliveries[0].document_keys[0].wrapped
        document_keys.append(DocumentKey(wrapped, (kid,)))
    delivery = Delivery(rsa_pair().der, tuple(document_keys), mac_key)
    document = Document(Version.V2_4, "c", deliveries=(delivery,), keys=tuple(entries))
    assert opened(document) == dict.fromkeys(kids, bytes(range(16)))


@pytest.mark.parametrize(
    ("pair", "bits", "problem"),
    [
        (lambda: rsa_pair(1024, "weak"), 2048, "1024 bits, 2048 are needed"),
        (lambda: rsa_pair(2048), 3072, "2048 bits, 3072 are needed"),
        (ec_pair, 2048, "not an RSA key"),
    ],
)
def test_a_weak_certificate_is_no_recipient(
    pair: Callable[[], Pair], bits: int, problem: str
) -> None:
    with pytest.raises(SealedKeysRefused, match=problem):
        Recipients([pair().certificate], minimum_bits=bits)


def test_the_recommended_size_is_the_default() -> None:
    assert Recipients.from_pem([rsa_pair(3072).pem]).certificates() == (rsa_pair(3072).der,)
    with pytest.raises(SealedKeysRefused, match="3072 are needed"):
        Recipients.from_pem([rsa_pair(2048).pem])
    with pytest.raises(ValueError, match="2048"):
        Recipients([], minimum_bits=1024)


def test_keys_go_only_to_certificates_of_the_list() -> None:
    """A certificate in a request is anybody's, even one with the same name."""
    stranger = Delivery(rsa_pair(2048, "stranger").der)
    with pytest.raises(SealedKeysRefused, match="not on the list"):
        recipients(rsa_pair()).seal(KEYS, [stranger], NOW)
    with pytest.raises(SealedKeysRefused, match="not on the list"):
        recipients(rsa_pair()).seal(KEYS, [Delivery(rsa_pair().der), stranger], NOW)
    with pytest.raises(SealedKeysRefused, match="not on the list"):
        recipients(rsa_pair()).seal(KEYS, [Delivery(b"")], NOW)
    with pytest.raises(SealedKeysRefused, match="no recipient"):
        recipients(rsa_pair()).seal(KEYS, [], NOW)


@pytest.mark.parametrize("days", [-3651, 3651])
def test_a_certificate_has_its_time(days: int) -> None:
    with pytest.raises(SealedKeysRefused, match="not valid now"):
        seal_document(PLAIN, recipients(rsa_pair()), NOW + timedelta(days=days))


def test_an_identity_is_a_certificate_and_its_key() -> None:
    with pytest.raises(SealedKeysRefused, match="not the certificate's"):
        Identity.from_pem(rsa_pair().pem, rsa_pair(2048, "stranger").key_pem)
    with pytest.raises(SealedKeysRefused, match="not a PEM certificate"):
        Identity.from_pem(b"", rsa_pair().key_pem)
    with pytest.raises(SealedKeysRefused, match="not an RSA key"):
        Identity.from_pem(rsa_pair().pem, ec_pair().key_pem)
    with pytest.raises(SealedKeysRefused, match="1024 bits"):
        identity(rsa_pair(1024, "weak"))
    with pytest.raises(SealedKeysRefused, match="not a PEM certificate"):
        Recipients.from_pem([b"-----BEGIN CERTIFICATE-----"])
    assert "PRIVATE" not in repr(identity(rsa_pair()))
