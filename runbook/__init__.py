"""Restoration Runbook: restores a small health-tech platform, layer by layer, and proves that it did.

A procedure (data, in `steps`) is walked by an engine (no I/O of its own) against an estate (adapters to the real
systems); what happens is recorded (append-only) and shown (screens, or plain lines).  One direction, no circles:

    __main__, cli      parse the command line
    commands           a file a command: the composition root, the only place that sees every room
    screens            the Textual app (a package of its own; the only one that knows Textual)
    steps              the five stages in the policy's order (a package of its own)
    plain              the line-by-line front end
    training           the practice estate: its servers, its sample data, its faults and scenarios
    estate             adapters, one system each, behind the Protocols of `estate.ports`; an in-memory estate too
    records            journal, evidence, report, log: what must survive
    safety             the interlock in front of every adapter, and the one door for outside text
    config, policy     what a run is told; the policy's figures
    views, toml_file   what front ends are handed; how a file's mistakes are told
    engine             nouns and rules, standard library only: procedure, run, checkpoint, conductor

Who may import whom is a contract in pyproject.toml, run by the tests.
"""

__version__ = "0.1.0"
