"""What runs, in which order, under which name and parameters."""

import logging
import os

from flows.logs import Harmless, Mendable

# Prefect reads its settings once, when it is first imported. Steps log to `encore`, without knowing Prefect; this sends
# those lines to the run's log in the UI. Lines from outside a run have nowhere to go there, and that is fine.
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "encore")
os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
logging.getLogger("encore").addFilter(Harmless())
logging.getLogger("prefect.flow_runs").addFilter(Mendable())
# A run whose process is killed cannot say so; what stops to give signs of life can be found out (automations/run-lost).
os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")
