"""An unseal share as custodians have it: hexadecimal or base64, with whatever white space came along."""

from __future__ import annotations

import base64
import binascii


def share_bytes(text: str) -> bytes | None:
    """The share's bytes; None when the text is neither hexadecimal nor base64.  Tried in the server's own order."""
    bare = "".join(text.split())
    try:
        return bytes.fromhex(bare)
    except ValueError:
        pass
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
