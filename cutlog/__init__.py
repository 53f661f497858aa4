"""The library that every service uses. It holds no business rule and never imports a service."""

__version__ = "0.1.0"
