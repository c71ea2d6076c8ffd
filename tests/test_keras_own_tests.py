"""Keras' own tests of `layers.Embedding`, from the installed wheel, with ours in its place: all pass but those named.

Its file of tests runs on every backend; what other files test through `layers.Embedding` (masks, saving, export,
callbacks, optimizers, quantization of whole models) on TensorFlow.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OWN = "keras.src.layers.core.embedding_test"
OTHERS = [
    f"keras.src.{name}_test"
    for name in (
        "callbacks.orbax_checkpoint",
        "callbacks.tensorboard",
        "export.saved_model",
        "layers.attention.grouped_query_attention",
        "layers.attention.multi_head_attention",
        "layers.layer",
        "layers.normalization.spectral_normalization",
        "layers.preprocessing.text_vectorization",
        "layers.rnn.time_distributed",
        "optimizers.adam",
        "optimizers.muon",
        "quantizers.awq",
        "quantizers.gptq",
        "quantizers.gptq_core",
        "saving.saving_lib",
    )
]
FLOATS = "it gives the layer fractions for ids, which ours refuses"
# The tests that do not pass, and why: all of them, on the backend that is named or on TensorFlow.
OWN_FAIL = {
    "tensorflow": {
        "EmbeddingTest.test_quantize_lora_integration_int4": FLOATS,
        "EmbeddingTest.test_quantize_lora_integration_int8": FLOATS,
    },
    "jax": {},
    "torch": {},
}
OTHERS_FAIL = {
    "SpectralNormalizationTest.test_basic_spectralnorm": FLOATS,
    "TimeDistributedTest.test_with_mask_zero": FLOATS,
}
# Those that need what need not be installed.
NEED = {
    "keras.src.layers.preprocessing.text_vectorization_test": "grain",
    "OrbaxCheckpointTest.test_checkpoint_with_assets0": "orbax-checkpoint",
    "OrbaxCheckpointTest.test_checkpoint_with_assets1": "orbax-checkpoint",
}


def outcomes(backend: str, modules: list[str], folder: Path) -> dict[str, str]:
    out, judge = folder / f"{backend}.json", Path(__file__).with_name("keras_judge.py")
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(judge.parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, str(judge), str(out), *modules]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    assert out.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, str] = json.loads(out.read_text())
    return found


def failures(found: dict[str, str]) -> dict[str, str]:
    return {name: said for name, said in found.items() if said.startswith("failed")}


@pytest.mark.parametrize("backend", OWN_FAIL)
def test_the_tests_of_keras_own_layer_pass(backend: str, tmp_path: Path) -> None:
    found = outcomes(backend, [OWN], tmp_path)
    failed = failures(found)
    assert len(found) >= 51
    assert failed.keys() == OWN_FAIL[backend].keys(), failed  # one that passes and is named is wrong too
    assert all("`ids` must be" in said for said in failed.values()), failed


def test_what_keras_tests_through_its_layer_elsewhere_passes(tmp_path: Path) -> None:
    found = outcomes("tensorflow", OTHERS, tmp_path)
    failed = failures(found)
    assert sum(said == "passed" for said in found.values()) >= 19
    assert set(NEED) <= found.keys()
    assert failed.keys() - NEED.keys() == OTHERS_FAIL.keys(), failed
    assert all(NEED[name] in failed[name] for name in NEED.keys() & failed.keys()), failed
