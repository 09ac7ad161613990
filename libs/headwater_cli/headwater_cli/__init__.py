"""The headwater command: the laptop platform and the everyday verbs."""
