"""Monitoring: who is told, from where, when something that recovery rests on is not right.

Here: alarms in AWS on Route 53's checks and certificates (Alarms), and the observer in the standby's cloud that still
speaks when AWS is dark (Observer). Not here: refusals (rules/traffic.py), what operations measure themselves.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .alarms import Alarms, AlarmsArgs, WatchedCheck
    from .observer import Observer, ObserverArgs

_HOME = {
    "Alarms": ".alarms",
    "AlarmsArgs": ".alarms",
    "Observer": ".observer",
    "ObserverArgs": ".observer",
    "WatchedCheck": ".alarms",
}

__all__ = ["Alarms", "AlarmsArgs", "Observer", "ObserverArgs", "WatchedCheck"]

__getattr__ = lazily(__name__, _HOME)
