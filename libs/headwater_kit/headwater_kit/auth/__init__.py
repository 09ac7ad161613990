"""Who calls: credentials in, a principal out. What it may do is decided by `rpc.doorkeeper`."""
