"""The laptop platform: a broker, a store and seven services, started and watched as processes."""
