"""Comparison of `mdhr predict` on videos with the evaluation on prepared frames: `python benchmarks/known_videos.py`.

The videos contain the rendered faces of test subjects with known labels, enlarged three times and with a border, so
that the faces must be detected and cropped again. The benchmark compares F1 and AUC with the predictions of the run on
the same frames. It requires the outputs of `make demo`.
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


def write_enlarged(video: Video, manifest: Manifest, path: Path) -> None:
    """Write the frames of a prepared video as a video file, enlarged and with a border."""
    with write_video(path) as add:
        for frame, image in enumerate(video.paths):
            large = cv2.resize(read_frame(image, manifest.size), None, fx=SCALE, fy=SCALE)
            bordered = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
            add(frame / manifest.fps, bordered)


def main() -> None:
    """Print F1 and AUC of both predictions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/demo"))
    parser.add_argument("--data", type=Path, default=Path("data/synthetic"))
    parser.add_argument("--subjects", type=int, default=6, help="number of subjects of the test fold")
    arguments = parser.parse_args()
    predictor = mdhr.load(arguments.run)
    manifest = read_manifest(arguments.data, au_set=predictor.model.au_set)
    predictions = pd.read_parquet(arguments.run / "predictions.parquet")
    subjects = sorted(predictions["subject"].unique())[: arguments.subjects]
    by_video, by_frames, labels = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for video in manifest.videos():
            if video.subject not in subjects:
                continue
            write_enlarged(video, manifest, Path(folder) / "video.mp4")
            table = predictor(Path(folder) / "video.mp4")
            first = table[table["track"] == 1].set_index("frame").reindex(range(len(video)))
            by_video.append(first.filter(regex="^score_").to_numpy(np.float32))
            chosen = (predictions["subject"] == video.subject) & (predictions["task"] == video.task)
            scores, truth = scores_and_labels(predictions[chosen].sort_values("frame"))
            by_frames.append(scores)
            labels.append(truth)
    found = ~np.isnan(np.concatenate(by_video)).any(1)
    all_labels = torch.from_numpy(np.concatenate(labels)[found])
    print(f"{len(by_video)} videos, face found in {found.sum()} of {len(found)} frames")
    for name, scores in (("mdhr predict", by_video), ("mdhr.training.evaluation", by_frames)):
        table = torch.from_numpy(np.concatenate(scores)[found])
        metrics = action_unit_metrics(table, all_labels, threshold=predictor.model.description.threshold)
        print(f"{name}: mean F1 {metrics.f1_mean:.3f}, mean AUC {metrics.auc_mean:.3f}")


if __name__ == "__main__":
    main()
