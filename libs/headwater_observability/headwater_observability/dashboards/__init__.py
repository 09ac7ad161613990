"""The dashboards: what each panel shows, and how that becomes a file for Grafana."""

from headwater_observability.dashboards.answers import ANSWERS
from headwater_observability.dashboards.board import Board
from headwater_observability.dashboards.learning import LEARNING
from headwater_observability.dashboards.overview import OVERVIEW
from headwater_observability.dashboards.pipeline import PIPELINE
from headwater_observability.dashboards.retrieval import RETRIEVAL
from headwater_observability.dashboards.services import SERVICES

BOARDS: tuple[Board, ...] = (OVERVIEW, PIPELINE, RETRIEVAL, ANSWERS, LEARNING, *SERVICES)
