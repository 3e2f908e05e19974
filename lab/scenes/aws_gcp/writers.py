"""What the story shows of who may write: registers and agents, an agent that is killed, a site that returns.

Here: looks, and what a person does to an agent. Not here: moves (story.py), the rule and the agents themselves
(components/guest/writer).
"""

import json
import time
from typing import Any

from lab.client import Client, LabError
from lab.operator.desk import Desk
from lab.paths import Paths
from lab.scenes.aws_gcp import primary, standby
from lab.scenes.aws_gcp.application import AGENT, ALB, NAMESPACE
from lab.scenes.aws_gcp.users import Customers
from lab.story import StepFailed, Tour, desk, lab, say

STACK = "gcp"
SITES = (primary.SITE, standby.SITE)
CLOSES_SECONDS = 40.0
"""A lease, and what a transaction that began within it may take to its end (ADR 44, 65)."""
SAID_SECONDS = 120.0
"""At the longest, until agents have said what they are to say: they do when it changes."""
SHUT_SECONDS = 10.0
"""For so long it is seen that nothing opens: two turns of an agent."""
OWNERS_WRITE = "UPDATE customers SET name = name WHERE id = (SELECT min(id) FROM customers)"


def seen(tour: Tour, writer: str, above: int, silent: str = "") -> int:
    """Wait until `twinsite status` has one site as the writer and the other as a reader, in an epoch above `above`
    that two registers name; the epoch. `silent`: a site of which nothing is expected. StepFailed."""
    deadline = time.monotonic() + SAID_SECONDS
    while True:
        text = tour.quietly("status", desk("twinsite", "--stack", STACK, "status", "--json"), allowed=(0, 1))
        found: dict[str, Any] = json.loads(text)
        decided, roles = found["writer"], {one["site"]: one["role"] for one in found["agents"]}
        wanted = {site: "writer" if site == writer else "reader" for site in SITES if site != silent}
        there = decided["site"] == writer and decided["epoch"] > above
        if there and all(roles.get(site) == role for site, role in wanted.items()):
            break
        if time.monotonic() > deadline:
            raise StepFailed(f"{writer} is not seen as the writer above epoch {above}: {found['agents']}, {decided}")
        time.sleep(1.0)
    for one in found["agents"]:
        said = "not heard" if one["role"] is None or one["site"] == silent else f"{one['role']}, epoch {one['epoch']}"
        say(f"- agent at {one['site']}: {said}")
    for one in decided["registers"]:
        said = "not read" if one["epoch"] is None else f"{one['site']}, epoch {one['epoch']}"
        say(f"- {one['place']}: {said}")
    return int(decided["epoch"])


def taken_at_aws(tour: Tour, client: Client) -> dict[str, bool]:
    """Whether AWS serves whoever goes there past Cloudflare: says of itself that it may write, takes a customer, takes
    a write of its tables' owner in the database."""
    customer = ("--data", f"key=straight-{time.time_ns()}&name=straight&email=straight@example.com")
    found = {
        "/writer": at_alb(tour, "/writer") == 200,
        "a customer": at_alb(tour, "/customers", *customer) in (200, 201),
        "the tables' owner": not refusal(client),
    }
    say("- at AWS: " + ", ".join(f"{who} {'yes' if taken else 'no'}" for who, taken in found.items()))
    return found


def returned(tour: Tour, client: Client, users: Customers, epoch: int) -> None:
    """AWS is back, and serves nobody: its agent has read the higher epoch. StepFailed."""
    began = time.time()
    seen(tour, standby.SITE, epoch - 1)
    taken = taken_at_aws(tour, client)
    if any(taken.values()):
        raise StepFailed(f"AWS came back and serves: {taken}")
    say(f"- RDS to its tables' owner: {refusal(client)}")
    answered = users.sites(began)
    if answered != {standby.SITE}:
        raise StepFailed(f"since AWS is back users' writes were taken at {sorted(answered)}")


def killed(tour: Tour, client: Client, users: Customers) -> float:
    """AWS' agent gets a SIGKILL, and nobody starts it anew: seconds until RDS refuses its tables' owner, at most. The
    agent is started again in the end. StepFailed when writes go on, or begin anew."""
    kubectl = ("kubectl", f"--context={primary.CONTEXT}", f"--namespace={NAMESPACE}")
    pods = json.loads(tour.quietly("pods", desk(*kubectl, "get", "pods", "--output=json")))["items"]
    (pod,) = [one["metadata"]["name"] for one in pods if one["metadata"]["name"].startswith(f"{AGENT}-")]
    began = time.time()
    kill = ("sudo", "systemctl", "kill", "--signal=KILL", f"pod-{pod}")
    tour.step("kill -9 the agent at aws", lab("shell", primary.NODE, "--", *kill))
    tour.step("let nobody start it", desk(*kubectl, "scale", "deployment", AGENT, "--replicas=0"))
    while not (words := refusal(client)):
        if time.time() - began > CLOSES_SECONDS:
            raise StepFailed(f"RDS takes its tables' owner's writes {CLOSES_SECONDS:g} s after the agent was killed")
        time.sleep(0.25)
    closed = time.time()
    say(f"- shut {closed - began:.1f} s after the kill: {words}")
    time.sleep(SHUT_SECONDS)
    if not refusal(client) or users.last() > closed:
        raise StepFailed("a gate that shut without an agent takes writes again")
    last = users.last() - began
    say(f"- nothing was written in the {SHUT_SECONDS:g} s after that; users' last write: {last:.1f} s after the kill")
    tour.step("start it again", desk(*kubectl, "scale", "deployment", AGENT, "--replicas=1"))
    return closed - began


def refusal(client: Client) -> str:
    """RDS' words to its tables' owner who writes; "" where the write is taken."""
    try:
        client.call(
            "postgres",
            machine=primary.SERVER,
            user=primary.OWNER,
            password=Desk(Paths(), live=True).passwords()["owner"],
            statements=[OWNERS_WRITE],
            database=primary.DATABASE,
        )
    except LabError as refusal:
        return str(refusal).splitlines()[0]
    return ""


def at_alb(tour: Tour, path: str, *more: str) -> int:
    """Status of one request to AWS' load balancer, past Cloudflare."""
    host = f"crm-aws.{primary.DOMAIN}"
    words = ("curl", "--silent", "--max-time", "20", "--output", "/dev/null", "--write-out", "%{http_code}", *more)
    return int(tour.quietly(path, desk(*words, "--resolve", f"{host}:443:{ALB.v4}", f"https://{host}{path}")))
