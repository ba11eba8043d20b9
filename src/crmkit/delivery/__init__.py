"""Claim, guards again, render, hand over, and write down what came of it: intent before effect."""
