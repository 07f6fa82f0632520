"""What this CPU gains from."""

from __future__ import annotations

from rag.settings import Precision


def use_bf16(precision: Precision) -> bool:
    """Whether to compute in bfloat16. 'auto' does where the CPU multiplies it in hardware
    (AVX512-BF16 or AMX); elsewhere it is slower than float32."""
    if precision != "auto":
        return precision == "bf16"
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
