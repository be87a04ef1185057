"""Order of the samplers, for one process and for several."""

import pytest

from mdhr.data.sampler import EpochSampler, SegmentSampler


def test_every_epoch_has_another_order_of_all_clips() -> None:
    sampler = EpochSampler(range(20), seed=1)  # type: ignore[arg-type]
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        pairs = list(sampler)
        assert {e for e, _ in pairs} == {epoch}
        orders.append([index for _, index in pairs])
        assert sorted(orders[-1]) == list(range(20))
    assert orders[0] != orders[1] != orders[2]
    again = EpochSampler(range(20), seed=1, epoch=2)  # type: ignore[arg-type]
    assert [index for _, index in again] == orders[2]


@pytest.mark.parametrize("num_clips", [24, 23])
def test_processes_together_sample_the_batches_of_one(num_clips: int) -> None:
    alone = list(EpochSampler(range(num_clips), seed=1))  # type: ignore[arg-type]
    ranks = [list(EpochSampler(range(num_clips), seed=1, rank=rank, world_size=2)) for rank in range(2)]  # type: ignore[arg-type]
    assert len(ranks[0]) == len(ranks[1]) == len(EpochSampler(range(num_clips), seed=1, rank=1, world_size=2)) == 12  # type: ignore[arg-type]
    for batch in range(3):
        together = {pair for rank in ranks for pair in rank[4 * batch : 4 * batch + 4]}
        if batch < 2 or num_clips == 24:
            assert together == set(alone[8 * batch : 8 * batch + 8])
        else:  # one clip is repeated to equalize the number of steps
            assert together == {*alone[16:], alone[0]}


def test_used_clips_are_skipped_once_in_their_epoch() -> None:
    complete = list(EpochSampler(range(9), seed=1, epoch=4))  # type: ignore[arg-type]
    sampler = EpochSampler(range(9), seed=1, epoch=4, num_skipped=6)  # type: ignore[arg-type]
    assert len(sampler) == 9
    assert list(sampler) == complete[6:]
    assert list(sampler) == complete
    sampler = EpochSampler(range(9), seed=1, epoch=4, num_skipped=6)  # type: ignore[arg-type]
    sampler.set_epoch(5)
    assert len(list(sampler)) == 9


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
def test_segments_are_not_repeated(world_size: int) -> None:
    samplers = [SegmentSampler(range(7), rank=rank, world_size=world_size) for rank in range(world_size)]  # type: ignore[arg-type]
    assert sorted(index for sampler in samplers for index in sampler) == list(range(7))
    for sampler in samplers:
        assert len(sampler) == len(list(sampler))


def test_a_process_without_segments_repeats_the_first_one() -> None:
    samplers = [SegmentSampler(range(2), rank=rank, world_size=4) for rank in range(4)]  # type: ignore[arg-type]
    assert [list(sampler) for sampler in samplers] == [[0], [1], [0], [0]]
    assert [len(sampler) for sampler in samplers] == [1, 1, 1, 1]
