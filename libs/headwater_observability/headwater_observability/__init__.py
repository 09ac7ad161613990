"""What operators watch: objectives, alerts and dashboards, made from the metrics that are declared."""
