"""The plan of the laptop platform: Kafka, Milvus Lite, the topics, the weights, the seven services."""

from collections.abc import Mapping, Sequence
from functools import partial

from headwater_inference.download import Progress
from headwater_inference.registry import known
from headwater_kit.settings.access import TRUSTING

from headwater_cli.platform import engines, prometheus
from headwater_cli.platform.blocking import Report, beside
from headwater_cli.platform.broker import create_topics
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.peers import model_env, peer_env
from headwater_cli.platform.ports import PortLeases
from headwater_cli.platform.process import Program
from headwater_cli.platform.secrets import pseudonym_key
from headwater_cli.platform.services import pick_ports, service_programs
from headwater_cli.platform.supervisor import Engines
from headwater_cli.settings import PlatformSettings

# An engine of the platform's own has no security to speak of, whatever the
# shell's environment says of others.
_OWN_BROKER = {
    "HEADWATER_KAFKA_SECURITY_PROTOCOL": "plaintext",
    "HEADWATER_KAFKA_TLS_CA": "",
    # Each service is the one member of its groups, so a restarted one is known again and need not wait until
    # the killed one is missed.
    "HEADWATER_KAFKA_GROUP_INSTANCE_ID": "laptop",
}
_OWN_STORE = {"HEADWATER_MILVUS_TOKEN": "", "HEADWATER_MILVUS_TLS_CA": ""}


class LaptopPlan:
    """All of it on this machine, less the engines that the settings name."""

    def __init__(self, layout: Layout, settings: PlatformSettings, leases: PortLeases) -> None:
        self._layout = layout
        self._settings = settings
        self._leases = leases
        self._engines = Engines(settings.kafka_bootstrap, settings.milvus_uri, ())

    async def engines(self, report: Report) -> Engines:
        """Fetches and verifies jars and weights, and picks the engines' ports."""
        self._engines = await beside(self._make_engines, report)
        await beside(partial(fetch_weights, self._settings), report)
        return self._engines

    async def services(self, report: Report) -> Sequence[Program]:
        """Creates the topics and picks the services' ports."""
        report("creating topics", None)
        await create_topics(self._settings, self._engines.kafka_bootstrap)
        ports = pick_ports(self._leases)
        peers = {} if self._settings.auth == TRUSTING else peer_env(self._layout, list(ports))
        models = model_env(self._layout)
        own = {name: {**peers.get(name, {}), **models.get(name, {})} for name in ports}
        programs = service_programs(self._layout, ports, self._service_env(), own)
        return (*programs, *self._observers(programs)) if self._settings.observe else programs

    def _observers(self, services: Sequence[Program]) -> Sequence[Program]:
        targets = {service.name: service.metrics for service in services}
        if (found := prometheus.find()) is None:
            prometheus.write(self._layout, targets)
            return ()
        return (prometheus.program(found, self._layout, self._leases, targets),)

    def _make_engines(self, report: Report) -> Engines:
        settings, programs = self._settings, []
        bootstrap, uri = settings.kafka_bootstrap, settings.milvus_uri
        if settings.own_broker:
            progress = partial(_jar_progress, report)
            programs.append(engines.broker(self._layout, self._leases, settings.java_home, progress))
            bootstrap = programs[-1].address
        if settings.own_store:
            programs.append(engines.store(self._layout, self._leases))
            uri = f"http://{programs[-1].address}"
        return Engines(bootstrap, uri, programs)

    def _service_env(self) -> Mapping[str, str]:
        return {
            **(_OWN_BROKER if self._settings.own_broker else {}),
            **(_OWN_STORE if self._settings.own_store else {}),
            "HEADWATER_KAFKA_BOOTSTRAP": self._engines.kafka_bootstrap,
            "HEADWATER_MILVUS_URI": self._engines.milvus_uri,
            "HEADWATER_ENCODER": self._settings.encoder,
            "HEADWATER_ENCODERS_BESIDE": self._settings.encoders_beside,
            "HEADWATER_TRACE_FILE_MB": str(self._settings.trace_file_mb),
            **({} if self._settings.pseudonyms().is_on else {"HEADWATER_PSEUDONYM_KEY": pseudonym_key(self._layout)}),
        }


def fetch_weights(settings: PlatformSettings, report: Report) -> None:
    """Fetches and verifies the encoders' weights. Raises Unavailable or Misconfigured."""
    store = settings.model_store()
    for spec in (settings.model_spec(), *map(known(store.root).get, settings.beside)):
        store.ensure(spec, partial(_weights_progress, report))


def _jar_progress(report: Report, done: int, total: int) -> None:
    report(f"Kafka's jars fetched or checked: {done} of {total}", done / total)


def _weights_progress(report: Report, progress: Progress) -> None:
    share = progress.done_bytes / progress.total_bytes if progress.total_bytes else None
    report(f"encoder's weights: {progress.step}", share)
