"""The primary site of topology aws-azure with names, checks and edges before it: real machines, the real cadence."""

import json
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator

import pytest

from lab.paths import TREE
from lab.scenes.aws_azure import SCENE, primary

from .conftest import Provisioned
from .one_lab import OneLab
from .whole_box import PATHS, lab, must, needs_a_box

pytestmark = needs_a_box

NAMES = """
    import pulumi_aws as aws
    zone, alb = "ZONE", {"name": "ALB", "zone_id": "ALB_ZONE"}
    certificate = aws.acm.Certificate("certificate", domain_name="app.DOMAIN", validation_method="DNS")
    option = certificate.domain_validation_options[0]
    proof = aws.route53.Record("proof", zone_id=zone, name=option.resource_record_name,
        type=option.resource_record_type, ttl=300, records=[option.resource_record_value])
    validated = aws.acm.CertificateValidation("validated", certificate_arn=certificate.arn,
        validation_record_fqdns=[proof.fqdn])
    mark = aws.cloudfront.Function("mark", runtime="cloudfront-js-2.0", code=\"\"\"
        function handler(event) {
            event.response.headers['x-marked'] = {value: event.request.method};
            return event.response;
        }\"\"\")
    edge = aws.cloudfront.Distribution("edge", enabled=True, aliases=["app.DOMAIN"],
        origins=[{"origin_id": "primary", "domain_name": "HOST", "custom_origin_config": {
            "http_port": 80, "https_port": 443, "origin_protocol_policy": "https-only",
            "origin_ssl_protocols": ["TLSv1.2"]}}],
        default_cache_behavior={"target_origin_id": "primary", "viewer_protocol_policy": "redirect-to-https",
            "allowed_methods": ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
            "cached_methods": ["GET", "HEAD"], "cache_policy_id": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "origin_request_policy_id": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
            "function_associations": [{"event_type": "viewer-response", "function_arn": mark.arn}]},
        restrictions={"geo_restriction": {"restriction_type": "none"}},
        viewer_certificate={"acm_certificate_arn": validated.certificate_arn, "ssl_support_method": "sni-only"})
    aws.route53.Record("app", zone_id=zone, name="app", type="A", aliases=[
        {"name": edge.domain_name, "zone_id": edge.hosted_zone_id, "evaluate_target_health": False}])
    page = aws.route53.HealthCheck("page", type="HTTPS_STR_MATCH", fqdn="HOST", resource_path="/petclinic/",
        search_string="served by site aws", request_interval=10, failure_threshold=1)
    aws.route53.Record("primary", zone_id=zone, name="moving", type="A", set_identifier="aws",
        health_check_id=page.id, failover_routing_policies=[{"type": "PRIMARY"}],
        aliases=[{**alb, "evaluate_target_health": True}])
    aws.route53.Record("secondary", zone_id=zone, name="moving", type="A", set_identifier="elsewhere",
        failover_routing_policies=[{"type": "SECONDARY"}], ttl=60, records=["192.0.2.1"])
"""

JOB = """
    import pulumi_kubernetes as kubernetes
    where = {"namespace": "petclinic"}
    account = kubernetes.core.v1.ServiceAccount("account", metadata={"name": "look", **where})
    told = kubernetes.core.v1.ConfigMap("told", metadata=where, data={"look.sh": \"\"\"
        set -eu
        id -u; cat /etc/look/word; echo
        cut -d. -f2 /var/run/tokens/azure | python3 -c 'import base64, json, sys; print(json.loads(
        base64.urlsafe_b64decode(sys.stdin.read().strip() + "=="))["sub"])'
        touch /usr/forbidden 2>/dev/null && echo writable || echo read-only
        echo row | zstd -q | zstd -qd >/tmp/row; cat /tmp/row
        mysql --version >/dev/null && echo "$JOB"
    \"\"\"})
    word = kubernetes.core.v1.Secret("word", metadata=where, string_data={"word": "open"})
    pod = {"restart_policy": "Never", "service_account_name": account.metadata.name,
        "security_context": {"run_as_user": 65532, "run_as_group": 65532},
        "containers": [{"name": "look", "image": "look:1", "command": ["/bin/sh", "/etc/look/look.sh"],
            "security_context": {"read_only_root_filesystem": True},
            "env": [{"name": "JOB", "value_from": {"field_ref": {"field_path": "metadata.labels['job-name']"}}}],
            "volume_mounts": [{"name": "told", "mount_path": "/etc/look", "read_only": True},
                {"name": "token", "mount_path": "/var/run/tokens", "read_only": True},
                {"name": "work", "mount_path": "/tmp", "sub_path": "tmp"}]}],
        "volumes": [{"name": "told", "projected": {"default_mode": 0o440, "sources": [
                {"config_map": {"name": told.metadata.name}}, {"secret": {"name": word.metadata.name}}]}},
            {"name": "token", "projected": {"sources": [{"service_account_token": {
                "audience": "api://AzureADTokenExchange", "expiration_seconds": 3600, "path": "azure"}}]}},
            {"name": "work", "empty_dir": {}}]}
    kubernetes.batch.v1.CronJob("job", metadata={"name": "look", **where}, spec={"schedule": "* * * * *",
        "concurrency_policy": "Forbid", "job_template": {"spec": {"backoff_limit": 0, "template": {"spec": pod}}}})
"""

ASK = """
import sys
from dnslib import DNSRecord
answer = DNSRecord.parse(DNSRecord.question(sys.argv[1]).send(sys.argv[2], 53, timeout=3))
print(",".join(str(one.rdata) for one in answer.rr))
"""


class Site(Provisioned):
    """The box with the primary site in it, and a stack of names."""

    def page(self, url: str, *words: str, seconds: float = 10) -> tuple[int, str]:
        """(status, headers and body) as a user at the desk gets it; status 0: no answer."""
        done = self.run("curl", "-sS", "-m", str(seconds), "-i", *words, url)
        if done.returncode != 0:
            return 0, done.stderr
        return int(done.stdout.split()[1]), done.stdout

    def answer(self, name: str, server: str = "198.51.100.53") -> str:
        return self.must("python", "-c", ASK, name, server).strip()

    def wait(self, seen: Callable[[], bool], seconds: float, what: str) -> float:
        """Seconds until it is seen."""
        began = time.monotonic()
        while not seen():
            assert time.monotonic() - began < seconds, f"{what} did not happen within {seconds:g} s"
            time.sleep(0.3)
        return time.monotonic() - began


LOGIN = f"sudo mysql -h {primary.DATABASE_HOST} -u petclinic --password=$(sudo cat /etc/petclinic.password)"


@pytest.fixture(scope="module")
def site(one_lab: OneLab) -> Iterator[Site]:
    one_lab.up(SCENE.topology, without="names")
    one_lab.uses.add("names")
    made = Site()
    folder = PATHS.desk / "names"
    folder.mkdir()
    program = textwrap.dedent(NAMES) + textwrap.dedent(JOB)
    for word, value in (
        ("ALB_ZONE", primary.ALB.zone_id), ("ALB", primary.ALB.name), ("ZONE", primary.ZONE_ID),
        ("DOMAIN", primary.DOMAIN), ("HOST", primary.HOST),
    ):  # fmt: skip
        program = program.replace(word, value)
    (folder / "__main__.py").write_text(program)
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(TREE / ".venv")}}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "names", "runtime": runtime}))
    made.must("sh", "-c", f"cd {folder} && pulumi stack init names && pulumi config set aws:region us-east-1")
    made.must("sh", "-c", f"cd {folder} && pulumi up --yes --skip-preview --non-interactive")
    yield made
    # The site is the next module's as this one found it.
    made.must("sh", "-c", f"cd {folder} && pulumi destroy --yes --skip-preview --non-interactive")
    made.on("ubuntu@aws-application", f"""{LOGIN} -e "DELETE FROM petclinic.owners WHERE last_name = 'Lee'" """)


def test_the_application_reads_and_writes_through_the_load_balancer(site: Site) -> None:
    url = f"https://{primary.HOST}/petclinic"
    status, said = site.page(f"{url}/")
    assert (status, "served by site aws" in said) == (200, True)
    form = "firstName=Ann&lastName=Lee&address=1+Road&city=Seoul&telephone=0212345678"
    status, said = site.page(f"{url}/owners", "-d", form)
    assert status == 303
    where = next(line.split()[1] for line in said.splitlines() if line.lower().startswith("location:"))
    assert "Lee" in site.page(f"https://{primary.HOST}{where}")[1]
    assert site.page(f"http://{primary.HOST}/petclinic/")[0] == 301


def test_the_database_gives_sql_and_nothing_else(site: Site) -> None:
    trust = "--ssl-mode=VERIFY_IDENTITY --ssl-ca=/etc/ssl/certs/ca-certificates.crt"
    count = site.on("ubuntu@aws-application", f'{LOGIN} {trust} -N -e "SELECT COUNT(*) FROM petclinic.types"')
    assert int(count) > 0
    assert lab("shell", "ubuntu@aws-database", "--", "true").returncode != 0
    port = "timeout 3 bash -c '</dev/tcp/10.30.2.20/22' && echo open || echo closed"
    assert site.on("ubuntu@aws-application", port).strip() == "closed"


def test_an_edge_serves_the_application_under_its_alias(site: Site) -> None:
    status, said = site.page(f"https://app.{primary.DOMAIN}/petclinic/", seconds=30)
    assert (status, "served by site aws" in said) == (200, True), said
    low = said.lower()
    assert "x-cache: miss from cloudfront" in low
    assert "x-marked: get" in low
    assert "x-amz-cf-id:" in low
    status, said = site.page("https://d0000000000000.cloudfront.net/")
    assert status == 0, "no such distribution: its name does not resolve"


def test_a_cron_jobs_container_runs_as_written_on_schedule_and_by_hand(site: Site) -> None:
    site.must("kubectl", "create", "job", "by-hand", "--from=cronjob/look", "-n", "petclinic")

    def ended() -> list[str]:
        jobs = site.json("kubectl", "-n", "petclinic", "get", "jobs", "-o", "json")["items"]
        return [one["metadata"]["name"] for one in jobs if "conditions" in one["status"]]

    site.wait(lambda: "by-hand" in ended(), 30, "the end of the job")
    said = site.must("kubectl", "-n", "petclinic", "logs", "job/by-hand").split("\n")
    subject = "system:serviceaccount:petclinic:look"
    pods = site.must("kubectl", "-n", "petclinic", "get", "pods", "-o", "json")
    assert said == ["65532", "open", subject, "read-only", "row", "by-hand", ""], pods
    site.wait(lambda: any(name.startswith("look-") for name in ended()), 75, "the run of this minute")
    assert "/run/pods" not in site.on("ubuntu@aws-application", "ls -d /run/pods/* 2>/dev/null || true"), "tidied up"


def test_a_hanging_application_moves_the_name_at_the_real_cadence_and_back(site: Site) -> None:
    name = f"moving.{primary.DOMAIN}"
    assert site.answer(name) == "198.51.100.80"
    assert site.answer(name, "198.51.100.54") == "198.51.100.80"
    site.on("ubuntu@aws-application", "sudo systemctl kill -s STOP tomcat11")
    moved = site.wait(lambda: site.answer(name) == "192.0.2.1", 30, "the move to the secondary")
    assert moved < 10 * 1 + 6 + 4, "interval x threshold, the time limits of a check, and this machine's slowness"
    assert site.answer(name, "198.51.100.54") == "198.51.100.80", "users keep the old answer for its 60 s"
    site.on("ubuntu@aws-application", "sudo systemctl kill -s CONT tomcat11")
    site.wait(lambda: site.answer(name) == "198.51.100.80", 90, "the move back to the primary by itself")


def test_a_dark_aws_takes_apis_load_balancer_and_machines_and_gives_them_back_with_their_data(site: Site) -> None:
    must("dark", "on")
    try:
        assert site.page(f"https://{primary.HOST}/petclinic/", seconds=3)[0] == 0
        assert site.run("curl", "-sS", "-m", "5", "https://sts.us-east-1.amazonaws.com/").returncode != 0
        assert (
            lab("shell", "ubuntu@aws-application", "--", "-o", "ConnectTimeout=3", "true", timeout=60).returncode != 0
        )
        assert site.answer(primary.HOST) == "198.51.100.80", "Route 53 answers on"
        assert site.page(f"https://app.{primary.DOMAIN}/petclinic/", seconds=3)[0] == 0, "the edge waits for its origin"
        done = site.run("sh", "-c", f"cd {PATHS.desk}/names && pulumi refresh --yes --skip-preview --non-interactive")
        assert done.returncode != 0
        assert "AWS is dark in this lab" in done.stdout + done.stderr
        assert "Unable to connect to the server" in site.run("kubectl", "get", "jobs", "-n", "petclinic").stderr
    finally:
        must("dark", "off")
    site.wait(lambda: site.page(f"https://{primary.HOST}/petclinic/", seconds=3)[0] == 200, 40, "the return")
    assert "Lee" in site.page(f"https://{primary.HOST}/petclinic/owners")[1], "what was written is still there"
    assert json.loads(must("status", "--json"))["problems"] == []


def test_a_second_up_of_the_names_changes_nothing(site: Site) -> None:
    done: subprocess.CompletedProcess[str] = site.run(
        "sh", "-c", f"cd {PATHS.desk}/names && pulumi up --yes --skip-preview --non-interactive --expect-no-changes"
    )
    assert done.returncode == 0, done.stdout


def test_a_box_of_another_topology_is_not_mixed_in(site: Site) -> None:
    done = lab("up", "--topology", "onprem-aws")
    assert done.returncode == 2
    assert "the lab is up with the sites of aws-azure" in done.stderr
