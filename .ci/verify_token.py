"""Verifies the token on stdin with pyjwt: KEY AUDIENCE LIFETIME CLAIMS-AS-JSON. Fails loudly."""

import json
import sys
import time

import jwt

key, audience, lifetime, expected = sys.argv[1:]
token = sys.stdin.read().strip()
claims = jwt.decode(
    token,
    key.encode(),
    algorithms=["HS256"],
    audience=audience,
    options={"require": ["exp", "iat", "aud"]},
)
assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}, jwt.get_unverified_header(token)
assert claims.pop("aud") == audience, claims
issued, expires = claims.pop("iat"), claims.pop("exp")
assert expires - issued == int(lifetime), (issued, expires)
assert abs(time.time() - issued) < 60, issued
assert claims == json.loads(expected), claims
for other in ["another key of more than thirty-two bytes", key + "x"]:
    try:
        jwt.decode(token, other, algorithms=["HS256"], audience=audience)
    except jwt.InvalidSignatureError:
        continue
    raise AssertionError("a wrong key verifies the token")
print("verified:", ", ".join(sorted(claims)))
