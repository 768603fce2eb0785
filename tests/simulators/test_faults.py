from hypothesis import given
from hypothesis import strategies as some

from simulators.kit.faults import BadLine, Faults
from tests.vectors import astm

FRAMES = list(astm.MESSAGE_FRAMES) * 20


class Recorder:
    """A good line into a list; it answers every read with an acknowledgement."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def read(self, seconds: float) -> bytes:
        return astm.ACK

    async def write(self, sent: bytes) -> None:
        self.pieces.append(sent)


async def sent_over(faults: Faults, seed: int = 1) -> list[bytes]:
    recorder = Recorder()
    line = BadLine(recorder, faults, seed)
    for frame in FRAMES:
        await line.write(frame)
    return recorder.pieces


async def test_a_line_without_faults_changes_nothing() -> None:
    assert await sent_over(Faults()) == FRAMES


async def test_the_same_seed_gives_the_same_trouble() -> None:
    faults = Faults(corrupt=0.5, drop=0.2, noise=0.3, split=True)

    assert await sent_over(faults, seed=5) == await sent_over(faults, seed=5)


async def test_another_seed_gives_other_trouble() -> None:
    faults = Faults(corrupt=0.5)

    assert await sent_over(faults, seed=5) != await sent_over(faults, seed=6)


async def test_corruption_changes_exactly_one_byte_and_makes_no_control_byte_of_it() -> None:
    for frame, came in zip(FRAMES, await sent_over(Faults(corrupt=1)), strict=True):
        ((_, new),) = [pair for pair in zip(frame, came, strict=True) if pair[0] != pair[1]]

        assert new >= 0x20


async def test_a_drop_loses_exactly_one_byte() -> None:
    came = await sent_over(Faults(drop=1))

    assert [len(one) for one in came] == [len(frame) - 1 for frame in FRAMES]


async def test_noise_comes_before_an_unharmed_frame() -> None:
    for frame, came in zip(FRAMES, await sent_over(Faults(noise=1)), strict=True):
        noise = came.removesuffix(frame)

        assert 1 <= len(noise) <= 12
        assert min(noise) >= 0x20


async def test_splitting_loses_nothing() -> None:
    pieces = await sent_over(Faults(split=True))

    assert b"".join(pieces) == b"".join(FRAMES)
    assert max(map(len, pieces)) <= 16


async def test_a_spoilt_answer_is_no_answer_at_all() -> None:
    line = BadLine(Recorder(), Faults(repeat=1), seed=1)

    assert await line.read(1) == b"F"


@given(seed=some.integers(), chance=some.floats(0, 1))
async def test_a_rate_is_kept_roughly(seed: int, chance: float) -> None:
    came = await sent_over(Faults(corrupt=chance), seed)
    harmed = sum(one != frame for one, frame in zip(came, FRAMES, strict=True))

    assert abs(harmed / len(FRAMES) - chance) < 0.35
