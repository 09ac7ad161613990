"""Makes the part of deploy/k8s that follows from the code: `make manifests` writes it, a test says if it is current.

Settings come from the services' settings, network policies from whom they
call, topics and users of the broker from `headwater_kit.bus`, scaling from
their consumer groups. What is chosen rather than derived is written by hand,
beside it.
"""
