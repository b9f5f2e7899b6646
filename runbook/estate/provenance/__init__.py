"""Who built an image, and from what: the provenance attestations that GitHub keeps (SLSA, in Sigstore's bundles).

`verifier` is the port.  `bundle` tells which of the two Sigstore instances made a bundle, `stored` unpacks one that is
kept in a blob store; `public_good` verifies on this machine, `github_cli` has GitHub's own command do it where only it
can; `statement` judges what was signed.  `wanted` is what an attestation has to say, and how a refusal is worded.
"""
