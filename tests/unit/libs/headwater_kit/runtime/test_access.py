"""Who is let in: the whole matrix, over one service of all methods."""

from pathlib import Path

from headwater_kit.testing.authorization import matrix


async def test_nobody_comes_in_who_must_not_and_everybody_who_may(tmp_path: Path) -> None:
    async with matrix(tmp_path) as every_case:
        report = await every_case.run()
    assert report.leaks == []
    assert report.wrongly_refused == []
    assert report.wrong_reasons == []
    assert report.methods >= 25
    assert report.refused > 30 * report.methods
