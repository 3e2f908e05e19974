"""Upstream's defaults, in the words of the role programs' configuration, to be compared with."""

from typing import Any

GATEWAY: dict[str, Any] = {
    "retransmit_timeout_seconds": 4.0,
    "retransmit_base": 1.8,
    "retransmit_tries": 5,
    # strongSwan's own default is no detection at all; 30 s is what its documentation's examples and AWS use.
    "dpd_delay_seconds": 30,
}
"""charon.retransmit_* of strongSwan (docs, config/retransmission): gives up after 165 s. The actions stay the
product's: with upstream's (start_action none, keyingtries 1) nothing would ever come back."""

DATABASE: dict[str, Any] = {
    "net_timeout_seconds": 60,
    # Upstream: half of the net timeout; the role refuses exactly half.
    "heartbeat_period_seconds": 29.9,
    "connect_retry_seconds": 60,
    "retry_count": 10,
}
"""MySQL 8.4 (manual, CHANGE REPLICATION SOURCE TO)."""

WORDS = "upstream's timers (retransmission 4 s × 1.8^n × 5, DPD 30 s; net timeout 60 s, retry 10 × 60 s)"
