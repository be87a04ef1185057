"""Does `mdhr predict` see in a video what `mdhr.training.evaluation` sees in its frames? `python benchmarks/known_videos.py`

Makes videos of the demo's test people, whose action units are known: every rendered face, three times as large, in a
frame with a border around it, so that it has to be found and cut out again. Compares F1 with the run's own predictions
on the same frames. Needs what `make demo` leaves.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch

import mdhr
from mdhr.data.prepared.manifest import Manifest, Video, read_manifest
from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame_images import read_frame
from mdhr.reporting.figures.labeled_timeline import scores_and_labels
from mdhr.training.metrics import action_unit_metrics

SCALE, BORDER = 3, 96


def film(video: Video, manifest: Manifest, path: Path) -> None:
    """Write the frames of a prepared video as a file."""
    with write_video(path) as add:
        for frame, image in enumerate(video.paths):
            large = cv2.resize(read_frame(image, manifest.size), None, fx=SCALE, fy=SCALE)
            bordered = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
            add(frame / manifest.fps, bordered)


def main() -> None:
    """Print F1 and AUC of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/demo"))
    parser.add_argument("--data", type=Path, default=Path("data/synthetic"))
    parser.add_argument("--people", type=int, default=6, help="how many of the test fold")
    asked = parser.parse_args()
    predictor = mdhr.load(asked.run)
    manifest = read_manifest(asked.data, au_set=predictor.model.au_set)
    predictions = pd.read_parquet(asked.run / "predictions.parquet")
    people = sorted(predictions["subject"].unique())[: asked.people]
    by_video, by_frames, labels = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for video in manifest.videos():
            if video.subject not in people:
                continue
            film(video, manifest, Path(folder) / "video.mp4")
            table = predictor(Path(folder) / "video.mp4")
            first = table[table["track"] == 1].set_index("frame").reindex(range(len(video)))
            by_video.append(first.filter(regex="^score_").to_numpy(np.float32))
            chosen = (predictions["subject"] == video.subject) & (predictions["task"] == video.task)
            scores, known = scores_and_labels(predictions[chosen].sort_values("frame"))
            by_frames.append(scores)
            labels.append(known)
    seen = ~np.isnan(np.concatenate(by_video)).any(1)
    truth = torch.from_numpy(np.concatenate(labels)[seen])
    print(f"{len(by_video)} videos, a face found in {seen.sum()} of {len(seen)} frames")
    for name, scores in (("mdhr predict", by_video), ("mdhr.training.evaluation", by_frames)):
        table = torch.from_numpy(np.concatenate(scores)[seen])
        metrics = action_unit_metrics(table, truth, threshold=predictor.model.description.threshold)
        print(f"{name}: mean F1 {metrics.f1_mean:.3f}, mean AUC {metrics.auc_mean:.3f}")


if __name__ == "__main__":
    main()
