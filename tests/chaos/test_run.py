"""What the command makes of its words."""

from chaos.ordeal import Terms
from chaos.run import parsed, terms_of


def test_an_ordeal_is_made_of_what_the_command_was_told() -> None:
    words = ["--no-backfill", "--rate", "3", "--documents", "7", "--poison", "0.5", "--faults", "cut"]
    terms = terms_of(parsed(words), 4)
    usual = Terms(4, 60.0, ["cut"], terms.stories, terms.points)
    assert (terms.seed, terms.seconds, terms.faults, terms.fresh) == (4, 60.0, ["cut"], usual.fresh)
    assert (terms.per_second, terms.documents, terms.poison, terms.backfill) == (3.0, 7, 0.5, False)
