"""What is said: message types, templates, rendering and links."""
