"""Which questions a stack has: from what it needs, in the order in which a person would mend things."""

import functools
import pathlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from twinsite.needs import Needs

from ..amazon import Amazon
from ..cloudflare import Cloudflare
from ..google import Google
from ..project import Project
from . import (
    certificates,
    clock,
    cloudflare_account,
    cloudflare_rights,
    database,
    delegation,
    dms,
    google_offers,
    google_quotas,
    google_services,
    identity,
    issuer,
    names,
    offers,
    policies,
    quotas,
    registrations,
    rights,
    state,
)
from .answers import Finding, Question, not_ok, ok
from .resource_manager import Azure


@dataclass(frozen=True)
class World:
    """Whom questions are put to."""

    aws: Amazon
    azure: Azure
    google: Google
    cloudflare: Cloudflare


def questions(project: Project, needs: Needs, world: World, who: str) -> list[Question]:
    """All of them. `who`: deployer or operator, whose rights are asked."""
    return [
        *_settings(project),
        *_desk(needs),
        *_identity(needs, world),
        *_rights(project, needs, world, who),
        *_aws(project, needs, world),
        *_azure(needs, world),
        *_google(needs, world),
        *_cloudflare(needs, world),
        *_world(project, needs, world),
    ]


def _settings(project: Project) -> Iterator[Question]:
    for problem in project.problems:
        words, fix = halves(problem)
        yield Question("settings", "", functools.partial(not_ok, words, fix))
    if not project.problems:
        yield Question("settings", "all", lambda: ok("the program refuses none"))


def halves(problem: str) -> tuple[str, str]:
    """A refusal's sentence and its fix, which begins with a command where there is one. Pure."""
    words, _, fix = problem.partition(": `")
    if fix:
        return words, f"`{fix}"
    words, _, fix = problem.partition(": ")
    return words, fix or "mend what it says"


def _desk(needs: Needs) -> Iterator[Question]:
    yield Question("desk", "pulumi", lambda: _tool("pulumi", "install Pulumi's CLI"))
    if needs.cluster is not None:
        yield Question(
            "desk", "kubectl", lambda: _tool("kubectl", "install it: operations reach the primary's cluster by it")
        )
    if needs.aws is not None and needs.aws.region:
        china = ".cn" if needs.aws.region.startswith("cn-") else ""
        host = f"sts.{needs.aws.region}.amazonaws.com{china}"
        yield Question("desk", "clock, AWS", lambda: clock.against(host))
    if needs.google is not None:
        for tool in ("gcloud", "gke-gcloud-auth-plugin"):
            fix = "install it: `pulumi up` and kubectl reach the cluster by it"
            yield Question("desk", tool, functools.partial(_tool, tool, fix))
        yield Question("desk", "clock, Google", lambda: clock.against("compute.googleapis.com"))
    if needs.azure is not None:
        yield Question("desk", "clock, Azure", lambda: clock.against("login.microsoftonline.com"))


def _tool(name: str, fix: str) -> Finding:
    found = shutil.which(name)
    return ok(found) if found else not_ok(f"`{name}` is not on PATH", fix)


def _identity(needs: Needs, world: World) -> Iterator[Question]:
    aws, azure, cluster = needs.aws, needs.azure, needs.cluster
    google, cloudflare = needs.google, needs.cloudflare
    if google is not None:
        yield Question("identity", "Google", lambda: identity.at_google(world.google, google.project))
    if cloudflare is not None:
        yield Question("identity", "Cloudflare", lambda: identity.at_cloudflare(world.cloudflare, cloudflare.account))
    if aws is not None:
        yield Question("identity", "AWS", lambda: identity.at_aws(world.aws))
    if azure is not None:
        yield Question("identity", "Azure", lambda: identity.at_azure(world.azure, azure.subscription))
    if cluster is not None:
        yield Question("identity", "cluster", lambda: identity.at_cluster(cluster))


def _rights(project: Project, needs: Needs, world: World, who: str) -> Iterator[Question]:
    aws, azure, cluster = needs.aws, needs.azure, needs.cluster
    words = {**needs.words, "stack": project.stack}

    def file(cloud: str, whose: str = who) -> pathlib.Path | None:
        return policies.path(cloud, needs.topology, needs.dr_mode, whose)

    if aws is not None:
        yield Question("rights", f"{who}, AWS", lambda: rights.at_aws(world.aws, file("aws"), who, words))
        for name in needs.further_rights.get(who, ()):
            list_of = file("aws", name)
            yield Question("rights", f"{name}, AWS", functools.partial(rights.at_aws, world.aws, list_of, name, words))
    if azure is not None:
        yield Question(
            "rights",
            f"{who}, Azure",
            lambda: rights.at_azure(world.azure, file("azure"), who, azure.subscription, azure.resource_group),
        )
    google, cloudflare = needs.google, needs.cloudflare
    if google is not None:
        yield Question(
            "rights", f"{who}, Google", lambda: rights.at_google(world.google, file("gcp"), who, google.project)
        )
    if cloudflare is not None:
        yield Question(
            "rights",
            f"{who}, Cloudflare",
            lambda: cloudflare_rights.ask(world.cloudflare, file("cloudflare"), who, cloudflare),
        )
    if cluster is not None:
        yield Question("rights", f"{who}, cluster", lambda: rights.at_cluster(cluster, file("kubernetes"), who, words))


def _aws(project: Project, needs: Needs, world: World) -> Iterator[Question]:
    aws = needs.aws
    task = aws.task if aws is not None else None
    if task is not None:
        yield Question("quotas", "DMS", lambda: dms.room(world.aws, task))
        yield Question("providers", "roles of DMS", lambda: dms.roles(world.aws, task))
    if aws is None or not aws.machines:
        return
    yield Question("quotas", "machines, AWS", lambda: quotas.cpus(world.aws, aws, project.stack))
    yield Question("quotas", "addresses, AWS", lambda: quotas.counted(world.aws, aws, project.stack))
    yield Question("offers", "zone and types", lambda: offers.in_zone(world.aws, aws))
    yield Question("offers", "images, AWS", lambda: offers.amis(world.aws, aws))


def _azure(needs: Needs, world: World) -> Iterator[Question]:
    azure = needs.azure
    if azure is None:
        return
    role = policies.path("azure", needs.topology, needs.dr_mode, "deployer")
    if role is not None:
        wanted = registrations.namespaces(role)
        yield Question("providers", "registered", lambda: registrations.ask(world.azure, azure.subscription, wanted))
    yield Question("quotas", "machines, Azure", lambda: quotas.at_azure(world.azure, azure))
    yield Question("quotas", "addresses, Azure", lambda: quotas.addresses_at_azure(world.azure, azure))
    yield Question("offers", "sizes, Azure", lambda: offers.azure_sizes(world.azure, azure))
    yield Question("offers", "images, Azure", lambda: offers.azure_images(world.azure, azure))
    server = azure.server
    if server is not None:
        yield Question("offers", "database, Azure", lambda: offers.mysql(world.azure, azure, server))
    yield Question("names", "storage accounts", lambda: names.accounts(world.azure, azure))
    yield Question("names", "vault", lambda: names.vault(world.azure, azure))


def _google(needs: Needs, world: World) -> Iterator[Question]:
    google = needs.google
    if google is None:
        return
    role = policies.path("gcp", needs.topology, needs.dr_mode, "deployer")
    if role is not None:
        wanted = google_services.services(role)
        yield Question(
            "providers", "services, Google", lambda: google_services.ask(world.google, google.project, wanted)
        )
    if google.tunnels:
        yield Question("quotas", "network, Google", lambda: google_quotas.parts(world.google, google))
    if google.nodes:
        yield Question("quotas", "nodes, Google", lambda: google_quotas.nodes(world.google, google))
        yield Question("offers", "zones, Google", lambda: google_offers.zones(world.google, google))
        yield Question("offers", "cluster, Google", lambda: google_offers.kubernetes(world.google, google))
    if google.database_tier:
        yield Question("offers", "database, Google", lambda: google_offers.database(world.google, google))


def _cloudflare(needs: Needs, world: World) -> Iterator[Question]:
    cloudflare = needs.cloudflare
    if cloudflare is None:
        return
    yield Question("offers", "load balancing", lambda: cloudflare_account.balancing(world.cloudflare, cloudflare))
    yield Question("names", "zone, Cloudflare", lambda: cloudflare_account.zone(world.cloudflare, cloudflare))


def _world(project: Project, needs: Needs, world: World) -> Iterator[Question]:
    if needs.names:
        yield Question("dns", "delegation", lambda: delegation.ask(world.aws, needs.domain, needs.zone_id))
    for page in needs.pages:
        yield Question("certificates", page.name, functools.partial(certificates.shown, page))
    for key, covered in needs.certificates.items():
        yield Question("certificates", key, functools.partial(certificates.configured, key, covered, project.stack))
    server = needs.database
    if server is not None:
        yield Question("database", "primary", lambda: database.primary(server, project.stack))
    cluster = needs.cluster
    believed = cluster.issuer if cluster is not None else None
    if believed is not None:
        yield Question("certificates", "cluster's issuer", lambda: issuer.ask(believed))
    yield Question("state", "backend", lambda: state.ask(needs.home, world.aws, world.azure, needs.azure, world.google))
