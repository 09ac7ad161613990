"""Every span: its name, its kind, what it must carry."""
