"""Which statuses of a call are the platform's fault: the one table of spans, objectives, dashboards and roll-outs."""

# What a caller did wrong, or is not allowed, is no fault, nor is a refusal for too much at once, which has an alert of
# its own. Method: OpenTelemetry semantic conventions for gRPC, errors of a server.
FAULTS = ("DATA_LOSS", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "UNIMPLEMENTED", "UNKNOWN")
# The same as a pattern for a label's value.
FAULTS_PATTERN = "|".join(FAULTS)
