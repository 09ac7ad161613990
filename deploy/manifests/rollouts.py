"""What a new version is watched by while it takes over: the calls that end in a fault of the platform."""

from headwater_kit.telemetry import names
from headwater_kit.telemetry.exposition import family, label
from headwater_kit.telemetry.faults import FAULTS_PATTERN

from manifests.documents import Resource, as_yaml
from manifests.scaling import PROMETHEUS

WINDOW = "2m"
WORST_SHARE = 0.01


def analysis() -> str:
    """The file of the template that steps of a roll-out name, with the `service` of the contract that is called."""
    return as_yaml("A version whose calls fail is taken back.", [_template()])


def _template() -> Resource:
    prometheus = {"address": PROMETHEUS, "query": f"{_rate(faults=True)} / {_rate(faults=False)}"}
    metric = {
        "name": "failed-share",
        "interval": "1m",
        "count": 3,
        # No calls, no failures: what nobody called is not held back.
        "successCondition": f"len(result) == 0 || isNaN(result[0]) || result[0] <= {WORST_SHARE}",
        "failureLimit": 0,
        "provider": {"prometheus": prometheus},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "calls-succeed"},
        "spec": {"args": [{"name": "service"}], "metrics": [metric]},
    }


def _rate(*, faults: bool) -> str:
    where = f'{label(names.RPC_METHOD)}=~".*{{{{args.service}}}}/.*"'
    if faults:
        where += f',{label(names.RPC_STATUS_CODE)}=~"{FAULTS_PATTERN}"'
    return f"sum(rate({family(names.RPC_SERVER_DURATION)}_count{{{where}}}[{WINDOW}]))"
