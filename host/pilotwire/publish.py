"""`pilotwire publish`: a bundle goes where chargers fetch it, and one of them may be told to.

    url = put(data, "pilotwire-0.1.0.pwb", "https://relay.example/firmware/")      # HTTP PUT
    url = put(data, name, "/srv/firmware")                                         # a directory
    url = put(data, name, "s3://bucket/firmware")                                  # an object store; the URL is signed
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from pilotwire import build, bundle, keys
from pilotwire.csms import CentralSystem
from pilotwire.csms.charger import Charger
from pilotwire.csms.frames import CallError
from pilotwire.errors import PilotwireError
from pilotwire.flash.firmware_image import FirmwareImage
from pilotwire.timeline import Timeline

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

VALID_FOR = datetime.timedelta(days=7)  # of a signed URL: the longest that S3 takes
_TIMEOUT_S = 60
_TOLD = ("FirmwareStatusNotification", "SignedFirmwareStatusNotification")
_ENDS = ("Installed", "InstallationFailed", "DownloadFailed", "InvalidSignature", "InstallVerificationFailed")
_REGISTERS_S = 10.0
_OVER_S = 900.0  # without a word of the charger


def make(
    board: str | None, image: Path | None, *, key: Path | None, unsigned: bool, version: str | None, lines: bool = False
) -> bytes:
    """The bytes of a bundle of the present sources; see `pilotwire build --help`."""
    from pilotwire import boards

    files = build.files(lines=lines)
    if version is not None:
        files = bundle.relabelled(files, version)
    signer = None if unsigned else keys.private(key)
    found = None if board is None else boards.find(board)
    carried = None
    if image is not None:
        if found is None:
            raise PilotwireError("an image is for one chip", "no board was named", "name the board the bundle is for")
        try:
            carried = FirmwareImage.read(image.read_bytes(), boards.CHIPS[found.chip], image.name)
        except OSError as error:
            raise PilotwireError(f"cannot read {image}", (error.strerror or str(error)).lower())
    return bundle.make(files, key=signer, board_ids=None if found is None else [found.id], image=carried)


def name_of(data: bytes) -> str:
    """File name of a bundle."""
    return f"pilotwire-{bundle.read(data).version}.pwb"


def put(data: bytes, name: str, where: str) -> str:
    """Store a bundle; returns the URL for chargers.

    Args:
        data: its bytes.
        name: of the file, where `where` is a folder.
        where: a folder; the URL of a relay or any server that takes PUT; the URL of a place in an object store.

    Raises:
        PilotwireError: it was not taken.
    """
    scheme = urlsplit(where).scheme
    if scheme in ("http", "https"):
        return _put_http(data, where + name if where.endswith("/") else where)
    if scheme and scheme != "file":
        return _put_store(data, name, where)
    folder = Path(unquote(urlsplit(where).path) if scheme else where)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        build.replace(folder / name, data)
    except OSError as error:
        raise PilotwireError(f"cannot write {folder / name}", (error.strerror or str(error)).lower())
    return (folder / name).resolve().as_uri()


def _put_http(data: bytes, url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host)), data=data, method="PUT")
    request.add_header("Content-Type", "application/octet-stream")
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    shown = f"{parts.scheme}://{host}{parts.path}"  # without secrets
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):
            return url
    except urllib.error.HTTPError as error:
        raise PilotwireError(f"{shown} does not take the bundle", f"it answers {error.code} {error.reason}")
    except (OSError, ValueError) as error:
        raise PilotwireError(f"cannot reach {shown}", str(getattr(error, "reason", error)).lower())


def _put_store(data: bytes, name: str, where: str) -> str:
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    try:
        store = from_url(where)
        obstore.put(store, name, data)
        return obstore.sign(store, "GET", name, VALID_FOR)  # type: ignore[arg-type]
    except (BaseError, OSError, ValueError, TypeError) as error:  # a missing bucket is a FileNotFoundError
        raise PilotwireError(
            f"cannot store the bundle at {urlsplit(where).scheme}://{urlsplit(where).netloc}",
            str(error).split("\n")[0][:200],
            "credentials come from the environment, as the store's own tools read them",
        )


@dataclass(frozen=True)
class Signer:
    """Who vouches for a bundle to a charger: a certificate (PEM) right below one of its maker's roots, and its key."""

    certificate: str
    key: RSAPrivateKey | EllipticCurvePrivateKey

    @classmethod
    def read(cls, certificate: Path, key: Path) -> Signer:
        """Of two files in PEM; PilotwireError if they are not that, or do not belong together."""
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        path = certificate
        try:
            text = certificate.read_text("ascii")
            public = x509.load_pem_x509_certificate(text.encode()).public_key()
            path = key
            private = load_pem_private_key(key.read_bytes(), None)
        except OSError as error:
            raise PilotwireError(f"cannot read {path}", (error.strerror or str(error)).lower())
        except (ValueError, TypeError):  # what is in a key is not for an error to tell
            raise PilotwireError(f"cannot use {path}", "it is no PEM, or is encrypted")
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) or private.public_key() != public:
            raise PilotwireError(f"cannot sign with {key}", f"it is not the key of {certificate}")
        return cls(text, private)

    def firmware(self, url: str, now: str, data: bytes) -> dict[str, Any]:
        """The `firmware` of SignedUpdateFirmware; RSA with PKCS#1 v1.5, which every charger takes."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding

        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            signature = self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        else:
            signature = self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        signed = base64.b64encode(signature).decode()
        return {"location": url, "retrieveDateTime": now, "signingCertificate": self.certificate, "signature": signed}


async def update(
    url: str, identity: str, host: str, port: int, as_json: bool, data: bytes = b"", signer: Signer | None = None
) -> None:
    """Run a central system until the charger has told how its update ended.

    Args:
        data: the bundle at `url`, which `signer` signs for SignedUpdateFirmware; without one UpdateFirmware is sent.

    Raises:
        PilotwireError: it ended otherwise than by Installed, or the charger did not come, or refuses.
    """
    timeline = Timeline(form="json" if as_json else None)
    async with CentralSystem(host, port, on_event=timeline) as central:
        try:
            charger = await central.charger(identity, timeout=_OVER_S)
            await _registered(charger)
            await _tell(charger, url, data, signer)
            status = await charger.wait_for(_end, timeout=_OVER_S)
        except TimeoutError as error:
            raise PilotwireError(f"{identity} did not update itself", str(error).split("\n")[0])
    if status != "Installed":
        raise PilotwireError(f"{identity} did not update itself", f"it says {status}", "its log says why")


async def _registered(charger: Charger) -> None:
    """One that has only lost its connection does not register by itself: it is asked to."""
    with contextlib.suppress(TimeoutError):
        await charger.wait_for(lambda c: c.registration == "Accepted", timeout=_REGISTERS_S)
        return
    with contextlib.suppress(CallError, TimeoutError):
        await charger.call("TriggerMessage", {"requestedMessage": "BootNotification"})
    await charger.wait_for(lambda c: c.registration == "Accepted", timeout=_OVER_S)


async def _tell(charger: Charger, url: str, data: bytes, signer: Signer | None) -> None:
    now = datetime.datetime.now(datetime.UTC)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if signer is None:
        try:
            await charger.call("UpdateFirmware", {"location": url, "retrieveDate": stamp, "retries": 2})
        except CallError as error:
            if error.code != "NotSupported":
                raise
            why = "from security profile 1 on it takes signed updates only"
            raise PilotwireError(f"{charger.id} takes no UpdateFirmware", why, "give --signer and --signer-key")
        return
    firmware = signer.firmware(url, stamp, data)
    request = {"requestId": int(now.timestamp()), "retries": 2, "firmware": firmware}
    status = (await charger.call("SignedUpdateFirmware", request))["status"]
    if not status.startswith("Accepted"):
        raise PilotwireError(f"{charger.id} refuses the update", f"it answers {status}", "its log says why")


def statuses(charger: Charger) -> list[str]:
    """Status notifications of updates, signed or not, of a charger, in order."""
    return [f.payload["status"] for f in charger.frames if f.direction == "in" and f.type == 2 and f.action in _TOLD]


def _end(charger: Charger) -> str | None:
    """How it ended; a DownloadFailed counts when no further try has begun."""
    told = statuses(charger)
    return told[-1] if told and told[-1] in _ENDS and (told[-1] != _ENDS[2] or told.count(_ENDS[2]) > 2) else None


def say(data: bytes, url: str, as_json: bool) -> None:
    """Print URL and SHA-256."""
    digest = hashlib.sha256(data).hexdigest()
    if as_json:
        print(json.dumps({"url": url, "sha256": digest, "bytes": len(data)}), flush=True)
    else:
        print(f"{url}\nsha256 {digest}", flush=True)
