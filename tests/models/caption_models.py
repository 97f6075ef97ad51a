"""Captioning models with random weights for the tests."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from sarvlm_models.architectures import open_clip_offline
from sarvlm_models.caption_decoder import CaptionDecoder, DecoderConfig, WordList
from sarvlm_models.captioner import decoder_metadata

SENTENCES = (
    "a bright ship at sea.",
    "there are 3 ships and 14 vehicles in the upper left, and 1 bridge in the middle.",
    "mostly forest; a t-72 and a zsu-23-4 near 2 storage tanks.",
)
TINY_COCA = {
    "embed_dim": 24,
    "vision_cfg": {
        "image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16,
        "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True,
    },
    "text_cfg": {
        "context_length": 76, "vocab_size": 49408, "width": 24, "heads": 2, "layers": 2,
        "embed_cls": True, "output_tokens": True,
    },
    "multimodal_cfg": {
        "context_length": 76, "vocab_size": 49408, "width": 24, "heads": 2, "layers": 2, "attn_pooler_heads": 2,
    },
}  # fmt: skip


def random_decoder(seed: int = 0, **sizes: int) -> tuple[CaptionDecoder, WordList]:
    """A small decoder that is sure of its nonsense, and its words."""
    torch.manual_seed(seed)
    words = WordList.from_texts(SENTENCES)
    decoder = CaptionDecoder(DecoderConfig(len(words), **{"dim": 16, "depth": 2, "heads": 2, "hidden": 24, **sizes}))
    for value in decoder.parameters():
        torch.nn.init.normal_(value, std=0.5)
    return decoder.eval(), words


def write_decoder(path: Path, tower_sha256: str, seed: int = 0) -> Path:
    """The random decoder as a weight file of the compact model."""
    decoder, words = random_decoder(seed)
    state = {name: value.detach().half() for name, value in decoder.state_dict().items()}
    save_file(state, str(path), decoder_metadata(decoder.config, words, tower_sha256))
    return path


def random_coca(seed: int = 0, vocabulary: int = 49408) -> torch.nn.Module:
    """open_clip's CoCa, tiny, with random weights."""
    torch.manual_seed(seed)
    config = json.loads(json.dumps(TINY_COCA))
    config["text_cfg"]["vocab_size"] = config["multimodal_cfg"]["vocab_size"] = vocabulary
    network: torch.nn.Module = open_clip_offline().CoCa(**config)
    for value in network.parameters():
        torch.nn.init.normal_(value, std=0.3)
    return network.eval()
