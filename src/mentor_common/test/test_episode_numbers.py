"""Episodes are numbered without a clock, and without an order between two servers."""

from __future__ import annotations

import pytest

from mentor_common.messages.episode_numbers import EpisodeNumbers, follows, session_of


def test_a_server_counts_up_from_one_behind_its_session() -> None:
    numbers = EpisodeNumbers(session=5)
    first, second = numbers.next(), numbers.next()
    assert (first, second) == ((5 << 32) + 1, (5 << 32) + 2)
    assert follows(second, first) and not follows(first, second)
    assert session_of(first) == session_of(second) == 5


def test_a_server_that_is_started_again_repeats_no_number() -> None:
    sessions = {session_of(EpisodeNumbers().next()) for _ in range(1000)}
    assert len(sessions) > 990 and max(sessions) < 2**31 and min(sessions) > 0


def test_the_last_of_one_server_is_not_followed_by_the_first_of_the_next() -> None:
    assert not follows(6 << 32, (6 << 32) - 1)


@pytest.mark.parametrize("session", [0, -1, 2**31])
def test_a_session_out_of_range_is_refused(session: int) -> None:
    with pytest.raises(ValueError, match=f"session is {session}"):
        EpisodeNumbers(session)
