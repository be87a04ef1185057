"""The labels of a release as numbers: what becomes the label columns of a manifest."""

import numpy as np
import pandas as pd

from mdhr.action_units import MISSING
from mdhr.data.prepared.manifest import KEY
from mdhr.data.releases.release import RawRelease


def coded_frames(release: RawRelease) -> pd.DataFrame:
    """One row for every coded frame that has a picture: subject, task, frame, then the labels as int8.

    Whatever is no 0 or 1 (BP4D's 9 among it) becomes ``MISSING``; intensities are kept where a release has them. Of a
    frame that is labeled twice the first line counts. What of this is wrong with a release the check says.
    """
    labels = release.labels
    pictures = pd.MultiIndex.from_tuples(
        [(video.subject, video.task, number) for video in release.videos for number in video.numbers.tolist()],
        names=KEY,
    )
    seen = pd.MultiIndex.from_frame(labels[KEY]).isin(pictures) & ~labels.duplicated(KEY).to_numpy()
    labels = labels[seen].sort_values(KEY, ignore_index=True)
    columns = [column for column in labels.columns if column not in (*KEY, "file")]
    numbers = labels[columns].apply(pd.to_numeric, errors="coerce")
    occurrence = list(release.au_set.columns)
    known = numbers[occurrence].isin([0, 1])
    numbers[occurrence] = numbers[occurrence].where(known)
    return pd.concat([labels[KEY], numbers.fillna(MISSING).astype(np.int8)], axis="columns")
