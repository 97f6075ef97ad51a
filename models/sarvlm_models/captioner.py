"""SARCap: captions from the compact encoder's features by the captioning decoder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from sarvlm_app.errors import ModelError

from .api import Captioner, DenseEncoder
from .beam_search import SearchOptions, beam_search
from .caption_decoder import Cache, CaptionDecoder, DecoderConfig, WordList, facts_text, prefix_tokens
from .caption_text import display_text
from .caption_words import BOS, EOS, PAD, SEP, UNKNOWN
from .clip_encoder import OpenClipEncoder
from .coca_captioner import CocaCaptioner
from .compact import CompactEncoder
from .locations import weights_dir
from .pictures import prepare_picture
from .said_counts import agrees, other_numbers
from .types import Caption, Float32, SceneStats

ARCHITECTURE: Final = "sarcap-compact"
WEIGHTS_FILE: Final = "sarcap-compact.safetensors"
TRAINED_FILE: Final = "captioner.safetensors"
"""Name of the decoder that a training run leaves beside its image tower."""
BEAMS: Final = 3
LENGTH_PENALTY: Final = 0.8
NO_REPEAT: Final = 6
"""Words in a row that do not come twice in a caption ("in the upper left" may)."""
SHORTEST: Final = 5
CHIP_PX: Final = 256
"""Pictures up to this edge are chips of one target or one kind of ground; larger ones are pieces of scenes."""


class _Words:
    """`Decoding` of one picture by the compact decoder."""

    def __init__(self, decoder: CaptionDecoder, memory: Tensor) -> None:
        self._decoder = decoder
        self._memory = memory

    def step(self, tokens: Tensor, state: Cache | None) -> tuple[Tensor, Cache]:
        logits, cache = self._decoder.step(tokens, self._memory, state)
        return logits[:, -1], cache

    def select(self, state: Cache, rows: Tensor) -> Cache:
        return state.select(rows)


class CompactCaptioner:
    """`Captioner` over the compact encoder; thread-safe for one caller at a time.

    Parameters
    ----------
    encoder : CompactEncoder
        Whose image tower the decoder was trained on.
    decoder : CaptionDecoder
    words : WordList
    digest : str
        SHA-256 of the decoder's weights.
    """

    def __init__(self, encoder: CompactEncoder, decoder: CaptionDecoder, words: WordList, digest: str) -> None:
        self._encoder = encoder
        self._decoder = decoder.to(encoder.device).eval()
        self._words = words
        self._model_id = f"{ARCHITECTURE}@{digest[:12]}"

    @property
    def model_id(self) -> str:
        """Name and hash of the decoder."""
        return self._model_id

    @property
    def uses_counts(self) -> bool:
        """Yes: they stand before the caption."""
        return True

    @torch.inference_mode()
    def caption(
        self,
        intensity: Float32,
        stats: SceneStats,
        spacing_m: float | None,
        counts: Mapping[str, int] | None = None,
        beams: int | None = None,
    ) -> Caption:
        """The caption of a chip; `counts` are told to the decoder before it speaks.

        It is the most probable of those found that state the counts. Where
        none does, the search is done again without any other number; where
        that does not help either, it is the most probable of the first.
        """
        fused = self._encoder.fused_features(intensity, stats, spacing_m)
        whole = torch.from_numpy(self._encoder.encode_chips([intensity], stats, spacing_m)).to(fused.device)
        decoding = _Words(self._decoder, self._decoder.memory(fused, whole))
        prefix = prefix_tokens(self._words, facts_text(_worth_telling(counts)))
        options = SearchOptions(
            end=EOS,
            beams=beams or BEAMS,
            longest=self._decoder.config.most_tokens - len(prefix) + 1,
            shortest=SHORTEST,
            length_penalty=LENGTH_PENALTY,
            no_repeat=NO_REPEAT,
            barred=(PAD, BOS, SEP, UNKNOWN),
        )
        found = self._search(decoding, prefix, options)
        if not counts:
            return self._caption(found[0], None)
        right = next((each for each in found if agrees(each[0], counts)), None)
        if right is None:
            barred = (*options.barred, *other_numbers(self._words, counts))
            again = self._search(decoding, prefix, replace(options, barred=barred, beams=3 * options.beams))
            right = next((each for each in again if agrees(each[0], counts)), None)
        return self._caption(right or found[0], right is not None)

    def _search(self, decoding: _Words, prefix: Sequence[int], options: SearchOptions) -> list[tuple[str, float]]:
        """Raw text and log-probability of the captions found, the best first."""
        found = beam_search(decoding, prefix, options, self._encoder.device)
        return [(self._words.decode(each.tokens), each.logprob) for each in found]

    def _caption(self, found: tuple[str, float], agreeing: bool | None) -> Caption:
        raw, logprob = found
        return Caption(display_text(raw), raw, logprob, None, self._model_id, agreeing)

    def caption_picture(
        self,
        amplitude: Float32,
        spacing_m: float | None = None,
        counts: Mapping[str, int] | None = None,
        beams: int | None = None,
    ) -> Caption:
        """The caption of a picture by its own statistics; chips are prepared as those of the training were."""
        if max(amplitude.shape) <= CHIP_PX:
            amplitude = prepare_picture(amplitude, spacing_m)
        return self.caption(amplitude * amplitude, SceneStats.of_picture(amplitude), spacing_m, counts, beams)


def _worth_telling(counts: Mapping[str, int] | None) -> Mapping[str, int] | None:
    """What was found; or that nothing was, where it is so for every kind (the training tells few zeros beside)."""
    return {key: number for key, number in (counts or {}).items() if number} or counts


def decoder_metadata(config: DecoderConfig, words: WordList, tower_sha256: str) -> dict[str, str]:
    """Safetensors metadata of a decoder's weights.

    Parameters
    ----------
    config : DecoderConfig
    words : WordList
        `config.words` long.
    tower_sha256 : str
        Of the weight file of the image tower that the decoder was trained on.
    """
    return {
        "sarvlm_arch": ARCHITECTURE,
        "config": json.dumps(asdict(config)),
        "words": words.to_json(),
        "tower": tower_sha256,
    }


def load_decoder(path: Path, tower_sha256: str) -> tuple[CaptionDecoder, WordList]:
    """The decoder and word list of `path`, held against the image tower in use.

    Raises
    ------
    ModelError
        The file is missing, damaged, no captioning decoder, or belongs to another tower.
    """
    if not path.is_file():
        raise ModelError(
            f"The compact captioner is not installed, “{path}” is missing: install a version of SARVLM Desktop that "
            "has it, or name a CoCa checkpoint as the model."
        )
    try:
        with safe_open(str(path), "pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("sarvlm_arch") != ARCHITECTURE:
            raise ModelError(f"“{path}” is no captioning decoder: choose a file of the architecture {ARCHITECTURE}.")
        words = WordList.from_json(metadata["words"])
        decoder = CaptionDecoder(DecoderConfig(**json.loads(metadata["config"])))
        decoder.load_state_dict({key: value.float() for key, value in load_file(str(path)).items()}, strict=True)
        if len(words) != decoder.config.words:
            raise ValueError("word list of another length")
    except ModelError:
        raise
    except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, KeyError) as fault:
        raise ModelError(f"“{path}” is damaged or of another version: install it again.") from fault
    if metadata.get("tower") != tower_sha256:
        raise ModelError(
            f"The captioning decoder “{path}” was trained on another image tower than {tower_sha256[:12]}: "
            "use the two weight files of one release."
        )
    return decoder.requires_grad_(False), words


def captioner_of(encoder: DenseEncoder, decoder: Path | None = None) -> Captioner:
    """The captioner that shares the image tower of `encoder`.

    Parameters
    ----------
    encoder : DenseEncoder
        Of `registry.load_encoder`.
    decoder : Path, optional
        Weights of the compact decoder; default: those beside the encoder's own, else the shipped ones.

    Raises
    ------
    ModelError
        The model cannot caption, or the decoder does not belong to it.
    """
    if isinstance(encoder, CompactEncoder):
        from .checkpoints import file_sha256

        beside = encoder.source.with_name(TRAINED_FILE) if encoder.source else None
        path = decoder or (beside if beside and beside.is_file() else weights_dir() / WEIGHTS_FILE)
        network, words = load_decoder(path, encoder.spec.weights_sha256)
        return CompactCaptioner(encoder, network, words, file_sha256(path))
    if isinstance(encoder, OpenClipEncoder) and encoder.can_caption:
        return CocaCaptioner(encoder)
    raise ModelError(f"The model “{encoder.spec.model_id}” cannot caption: use the compact model or a CoCa checkpoint.")
