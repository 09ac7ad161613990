"""`headwater top`: what the services show of themselves, live."""
