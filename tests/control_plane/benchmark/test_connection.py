"""What the generator reads of an answer: its status, once all of it is there."""

import pytest

from control_plane.benchmark.connection import status_of

_WHOLE = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 4\r\n\r\n"ok"'
_CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n"ok"\r\n0\r\n\r\n'


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(_WHOLE, 200, id="length"),
        pytest.param(_CHUNKED, 200, id="chunks"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n", 304, id="304-has-no-body"),
        pytest.param(b"HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n", 429, id="empty"),
    ],
)
def test_a_whole_answer_has_a_status(answer: bytes, status: int) -> None:
    assert status_of(answer) == status


@pytest.mark.parametrize("answer", [_WHOLE, _CHUNKED], ids=["length", "chunks"])
def test_no_part_of_an_answer_is_taken_for_the_whole(answer: bytes) -> None:
    assert {status_of(answer[:length]) for length in range(len(answer))} == {0}
