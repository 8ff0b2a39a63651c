"""What to type into which product: the mail host's own greeting says which one it is."""

from __future__ import annotations

from diag.api import Configure, Look

PRODUCTS = {"Postfix": "postfix", "Exim": "exim", "Exchange": "microsoft esmtp"}
"""Products we know settings for, by the word that gives each away in a greeting, in lower case."""


def settings(look: Look, **by_product: str) -> tuple[Configure, ...]:
    """The settings for the product that the greeting names; all of them where it names none we know."""
    session = look.session
    said = session.greeting.reply.text.lower() if session.greeting and session.greeting.reply else ""
    named = [product for product, word in PRODUCTS.items() if word in said and product in by_product]
    return tuple(Configure(look.probe.host, by_product[product], product) for product in named or by_product)
