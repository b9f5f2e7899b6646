"""`python -m tests.pictures`: take the README's pictures anew; `--record`: after running the training run anew."""

from __future__ import annotations

import asyncio
import sys

from tests.pictures import recording, taking

if "--record" in sys.argv[1:] or not recording.FILE.exists():
    recording.record()
taking.FOLDER.mkdir(parents=True, exist_ok=True)
for name in taking.PICTURES:
    taking.place(name).write_text(asyncio.run(taking.taken(name)), encoding="utf-8")
    sys.stdout.write(f"{taking.place(name)}\n")
