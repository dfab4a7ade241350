"""Checks that a request was sent by Callout and not changed on its way (Standard Webhooks).

Give `verify` the body as the bytes that came, before anything parses them.
In Flask: verify(request.get_data(), request.headers, secrets); in Django: verify(request.body, request.headers, secrets)
"""
import base64
import hashlib
import hmac
import re
import sys
import time

TOLERANCE_S = 5 * 60


def verify(body: bytes, headers, secrets, now=None) -> bool:
    """`headers` is looked into with names in small letters; `secrets` are `whsec_…`: one, or several
    of which any will do; `now` is in seconds since 1970."""
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split(" ")
    now = time.time() if now is None else now
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > TOLERANCE_S:
        return False
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    for secret in secrets:
        digest = hmac.new(_key_of(secret), signed, hashlib.sha256).digest()
        expected = b"v1," + base64.b64encode(digest)
        if any(hmac.compare_digest(given.encode(), expected) for given in signatures):
            return True
    return False


def _key_of(secret: str) -> bytes:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    # An empty key would let anybody sign.
    if not secret.startswith("whsec_") or len(key) < 24:
        raise ValueError("a secret is whsec_ and base64")
    return key


# To try it: python3 verify.py ID TIMESTAMP SIGNATURE SECRET… < body
if __name__ == "__main__":
    webhook_id, timestamp, signature, *secrets = sys.argv[1:]
    headers = {"webhook-id": webhook_id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    is_valid = verify(sys.stdin.buffer.read(), headers, secrets)
    print("valid" if is_valid else "not valid")
    sys.exit(0 if is_valid else 1)
