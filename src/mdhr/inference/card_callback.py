"""Callback that writes the description and the card of a trained model into its run folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdhr.data.prepared.manifest import Manifest
from mdhr.files.atomic import write_text
from mdhr.inference.model_card import MODEL_CARD_FILE, run_card
from mdhr.inference.model_description import describe_training, write_description
from mdhr.training.run_record import RecordCallback


class ModelCardWriter(RecordCallback):
    """Callback that writes ``model.yaml`` and ``model_card.md`` after the test of a training run."""

    def check(self, settings: Mapping[str, Any], manifest: Manifest) -> None:
        """Raise ``InputError`` if the model cannot be described, for example because the data have 0 frames per second."""
        describe_training(settings, fps=manifest.fps, preparation=manifest.settings)

    def on_record(self, run: Path, settings: Mapping[str, Any], record: Mapping[str, Any], manifest: Manifest) -> None:
        """Write both files."""
        description = describe_training(
            settings, fps=manifest.fps, preparation=manifest.settings, thresholds=record.get("thresholds")
        )
        write_description(run, description)
        write_text(run / MODEL_CARD_FILE, run_card(description, settings, record, name=str(record["name"])))
