"""Did it work: measures over the panel, with their numerators, denominators and exclusions."""
