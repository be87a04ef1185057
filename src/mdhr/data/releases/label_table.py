"""Label columns of the manifest from the labels of a release."""

import numpy as np
import pandas as pd

from mdhr.action_units import MISSING
from mdhr.data.prepared.manifest import KEY
from mdhr.data.releases.contents import ReleaseContents


def label_table(release: ReleaseContents) -> pd.DataFrame:
    """Return one row per labeled frame that has an image: subject, task, frame, then the labels as int8.

    Values other than 0 and 1, including BP4D's 9, become ``MISSING``. Intensities are kept. If a frame is labeled
    twice, the first line counts. ``check_release`` reports all of this as problems.
    """
    labels = release.labels
    available = pd.MultiIndex.from_tuples(
        [(video.subject, video.task, number) for video in release.videos for number in video.numbers.tolist()],
        names=KEY,
    )
    selected = pd.MultiIndex.from_frame(labels[KEY]).isin(available) & ~labels.duplicated(KEY).to_numpy()
    labels = labels[selected].sort_values(KEY, ignore_index=True)
    columns = [column for column in labels.columns if column not in (*KEY, "file")]
    numbers = labels[columns].apply(pd.to_numeric, errors="coerce")
    occurrence = list(release.au_set.columns)
    numbers[occurrence] = numbers[occurrence].where(numbers[occurrence].isin([0, 1]))
    return pd.concat([labels[KEY], numbers.fillna(MISSING).astype(np.int8)], axis="columns")
