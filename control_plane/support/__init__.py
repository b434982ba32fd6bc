"""The support app: an application of its own, for our staff, with a database login of its own."""
