"""Who they are: names, contact points, consent, and the words Medium and Purpose."""
