"""DMS's API about one task, and CloudWatch's about its latencies, in the documented shapes.

Here: calls by their names. Not here: signatures and HTTP; who may ask.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from .task import RESUME, Fault, Task

_REBOOTS = 3
"""Looks at a rebooted instance that find it away, but for the last."""
REGION_ACCOUNT = "arn:aws:dms:ap-northeast-2:123456789012"


class Api:
    """`reaches`: side → why the instance does not get in; "" when it does."""

    def __init__(
        self, task: Task, reaches: Callable[[str], str] = lambda side: "", instance_class: str = "dms.t3.medium"
    ) -> None:
        self.task, self._reaches, self._class = task, reaches, instance_class
        self.again: Callable[[], Task] | None = None
        """Makes the task that a rebooted instance starts, over the same storage."""
        self._away = 0
        """Looks until a rebooted instance is there."""
        self._tried: dict[str, str] = {}
        self.calls: list[str] = []
        """Those that change something, in their order."""

    def ask(self, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fault with AWS's code and words."""
        found = getattr(self, f"_{operation}", None)
        if found is None:
            raise Fault("UnknownOperationException", operation)
        answer: dict[str, Any] = found(given)
        if not operation.startswith(("Describe", "Get")):
            self.calls.append(operation)
        return answer

    @property
    def arn(self) -> str:
        """The task's."""
        return f"{REGION_ACCOUNT}:task:{self.task.identifier}"

    def _DescribeReplicationTasks(self, given: Mapping[str, Any]) -> dict[str, Any]:
        ends = {f"{side.title()}EndpointArn": f"{REGION_ACCOUNT}:endpoint:{side}" for side in ("source", "target")}
        told = self.task.told
        texts = {
            "TableMappings": told["tableMappings"],
            "ReplicationTaskSettings": json.dumps(self.task.whole_settings),
        }
        about = {"ReplicationTaskArn": self.arn, "ReplicationInstanceArn": f"{REGION_ACCOUNT}:rep:lab"}
        return {"ReplicationTasks": [{**self.task.describe(), **ends, **texts, **about}]}

    def _RebootReplicationInstance(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if self.again is None:
            raise Fault("InvalidResourceStateFault", "the instance cannot be rebooted")
        self.task.kill()
        self.task, self._away = self.again(), _REBOOTS
        return {}

    def _DescribeReplicationInstances(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if self._away:
            self._away -= 1
            if not self._away and self.task.status != "running":
                # DMS starts what ran on it [user guide, working with a replication instance].
                self.task.start(RESUME)
        one = {
            "ReplicationInstanceIdentifier": "lab",
            "ReplicationInstanceStatus": "rebooting" if self._away else "available",
            "ReplicationInstanceClass": self._class,
        }
        return {"ReplicationInstances": [one]}

    def _DescribeTableStatistics(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"TableStatistics": self.task.statistics.rows()}

    def _GetMetricData(self, given: Mapping[str, Any]) -> dict[str, Any]:
        # A task that does not run tells nothing.
        last = self.task.latencies[-1] if self.task.latencies and self.task.status == "running" else None
        values = {"source": [last[1]] if last else [], "target": [last[2]] if last else []}
        at = [datetime.fromtimestamp(last[0], UTC)] if last else []
        return {"MetricDataResults": [{"Id": side, "Values": said, "Timestamps": at} for side, said in values.items()]}

    def _TestConnection(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self._tried[str(given["EndpointArn"])] = self._reaches(str(given["EndpointArn"]).rpartition(":")[2])
        return {"Connection": {"Status": "testing"}}

    def _DescribeConnections(self, given: Mapping[str, Any]) -> dict[str, Any]:
        (wanted,) = [one["Values"][0] for one in given["Filters"] if one["Name"] == "endpoint-arn"]
        if wanted not in self._tried:
            return {"Connections": []}
        why = self._tried[wanted]
        return {"Connections": [{"Status": "failed" if why else "successful", "LastFailureMessage": why}]}

    def _StartReplicationTask(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if len([why for why in self._tried.values() if not why]) < 2:
            words = "Test connection for replication instance and endpoint should be successful for starting the task"
            raise Fault("InvalidResourceStateFault", words)
        self.task.start(str(given["StartReplicationTaskType"]))
        return {}

    def _StopReplicationTask(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.task.stop()
        return {}

    def _ReloadTables(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.task.reload([(str(one["SchemaName"]), str(one["TableName"])) for one in given["TablesToReload"]])
        return {}
