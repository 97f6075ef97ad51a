"""Models in a process of their own: the window stays small and is never held up by torch.

`Engine` hands out stand-ins for encoder, captioner and detector that keep the
Protocols of `sarvlm_models.api`; what they are asked is answered by a child
process, which is started with the first of them. Nothing here imports torch.
"""

from __future__ import annotations

from sarvlm_models.engine.client import Engine

__all__ = ["Engine"]
