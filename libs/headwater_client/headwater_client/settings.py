"""Where the platform is."""

from headwater_kit.settings import CallerSettings, peer


class ClientSettings(CallerSettings):
    """Addresses and credentials of a caller; read from the same variables as the services'."""

    ingest_target: str = peer("ingest")
    index_target: str = peer("index")
    retrieve_target: str = peer("retrieve")
    generate_target: str = peer("generate")
    feedback_target: str = peer("feedback")
