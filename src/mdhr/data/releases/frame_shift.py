"""Check for labels that are shifted against the frames of their video, which would train on wrong labels."""

from mdhr.data.problems import Problem
from mdhr.data.releases.contents import ReleaseContents, ReleaseVideo


def shifted_videos(release: ReleaseContents) -> list[Problem]:
    """Return one problem per video whose frame numbers and labels are shifted against each other.

    Numbers are shifted if they differ by the same amount at both ends (up to one frame), if the first label precedes
    the first frame by the same amount in all videos, or if a label has a negative number. Frames that are missing at one
    end of a video are no shift.
    """
    labeled = release.labels.groupby(["subject", "task"])["frame"].agg(["min", "max"])
    ranges = {key: (int(low), int(high)) for key, low, high in labeled.itertuples(name=None)}
    videos = [video for video in release.videos if (video.subject, video.task) in ranges]
    starts = {ranges[video.subject, video.task][0] - int(video.numbers[0]) for video in videos}
    all_equal = len(videos) > 1 and len(starts) == 1 and min(starts) < 0
    problems = []
    for video in videos:
        low, high = ranges[video.subject, video.task]
        first, last = int(video.numbers[0]), int(video.numbers[-1])
        start, end = low - first, high - last
        at_both_ends = start * end > 0 and abs(start - end) <= 1
        if at_both_ends or all_equal or low < 0:
            what = f"the labels are shifted: frames are numbered {first} to {last}, labels {low} to {high}"
            problems.append(Problem(video.name, what, count=len(video.numbers), fix=_fix(video, first_label=low)))
    return problems


def _fix(video: ReleaseVideo, *, first_label: int) -> str:
    if first_label < 0:
        return "number the frames from 1 in the label files"
    if not video.first_setting:
        return "correct the frame numbers of the labels or the images"
    shift = first_label - int(video.numbers[0])
    # The number of an image decreases by the setting, that of a frame in a video file increases by it.
    return f"set {video.first_setting}={video.first + (shift if video.images is None else -shift)}"
