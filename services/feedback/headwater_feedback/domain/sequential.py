"""Tests that may be looked at as often as one likes."""


def evidence(wins: int, losses: int) -> float:
    """How much likelier the wins are if there is a better chance than even for each than if it is even.

    The likelihood ratio, averaged over all chances from 1/2 to 1 (a mixture
    sequential test: Robbins 1970). Where no win is likelier than a loss, it is
    ever above 1/alpha with a probability of alpha at most, however often one
    looks (Ville 1939).
    """
    # The integral in closed form, twice a tail of the Beta distribution, which for whole numbers is the sum of
    # C(n+1, k) / ((n+1) C(n, wins)) over k up to the wins, n being all of them; here from the last term down.
    count = wins + losses
    term = total = 1.0 / (count + 1 - wins)
    for k in range(wins, 0, -1):
        term *= k / (count + 2 - k)
        total += term
    return total
