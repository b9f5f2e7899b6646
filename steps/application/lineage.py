"""Whether a commit belongs to a protected branch; each commit is asked for once within one look."""

from __future__ import annotations

from collections import deque
from typing import Final

from runbook.estate.ports import Branch, CodeHost, Commit

BOUND: Final = 100  # commits of the branch that are looked through, its head first: a call each, 5000 an hour


class Lineage:
    """Of one repository."""

    def __init__(self, code: CodeHost, repository: str) -> None:
        self.repository = repository
        self._code = code
        self._commits: dict[str, Commit | None] = {}
        self._branches: dict[str, Branch | None] = {}

    async def commit(self, sha: str) -> Commit | None:
        if sha not in self._commits:
            self._commits[sha] = await self._code.commit(self.repository, sha)
        return self._commits[sha]

    async def why_not_on(self, branch: str, sha: str) -> str:
        """Why the commit is not on that branch as it must be, or "": merged side branches belong to it."""
        found = await self._branch(branch)
        if found is None:
            return f"there is no branch {branch} in {self.repository}"
        if not found.protected:
            return f"the branch {branch} is not protected: anybody who may push could have put its commit there"
        return await self._search(branch, found.head, sha)

    async def _branch(self, name: str) -> Branch | None:
        if name not in self._branches:
            self._branches[name] = await self._code.branch(self.repository, name)
        return self._branches[name]

    async def _search(self, branch: str, head: str, sha: str) -> str:
        """Breadth first: what was merged last is met first."""
        met, waiting = {head}, deque([head])
        for _ in range(BOUND):
            if sha in met or not waiting:
                break
            commit = await self.commit(waiting.popleft())
            fresh = [parent for parent in (commit.parents if commit else ()) if parent not in met]
            met.update(fresh)
            waiting.extend(fresh)
        if sha in met:
            return ""
        within = f" within its newest {BOUND} commits" if waiting else ""
        return f"its commit is not on the protected branch {branch}{within}"
