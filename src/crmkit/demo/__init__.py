"""A generated practice to try everything on. All people in it are made up."""
