"""Mail that comes back, as the plugin `email` reads it: bounces, complaints and answers."""
