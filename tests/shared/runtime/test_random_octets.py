"""Nobody is given an octet twice."""

from shared.runtime.random_octets import RandomOctets


def test_every_octet_is_given_once() -> None:
    random = RandomOctets()
    taken = [random.take(count) for count in (8, 10, 300) * 200]
    assert [len(each) for each in taken] == [8, 10, 300] * 200
    assert len(set(taken)) == len(taken)
    eights = {each[start : start + 8] for each in taken for start in range(0, len(each) - 7, 8)}
    assert len(eights) == sum(len(each) // 8 for each in taken)
