"""Whose a receipt is."""

from dataclasses import replace

from headwater_kit.core.documents import ANONYMOUS, Principal
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.readers import may_read, names_of


def may_see(principal: Principal, answer: AnswerGenerated) -> bool:
    """True for who asked, and for whoever in the tenant may read all that is cited.

    Readers are those of the versions that were cited. Nobody knows which of the
    anonymous asked.
    """
    if answer.tenant != principal.tenant:
        return False
    if answer.user == principal.user != ANONYMOUS:
        return True
    names = names_of(principal)
    # Where nothing is cited there is nothing to go by: a refusal is the asker's, if that is known.
    if not answer.citations and answer.user != ANONYMOUS:
        return False
    return all(may_read(citation.passage.info.readers, names) for citation in answer.citations)


def as_seen(principal: Principal, answer: AnswerGenerated) -> AnswerGenerated:
    """The receipt as this reader gets it: what else was searched may hold titles that only the asker may read."""
    return answer if answer.user == principal.user else replace(answer, rewriting=None)
