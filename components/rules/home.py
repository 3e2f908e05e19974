"""Where recovery itself lives: a stack's state, its secrets' key, the runner of `pulumi`, what a standby fetches.

With data from backups, raising the mode runs Pulumi while the primary's cloud is dead. So none of it may need that
cloud (K51). Pure: `Home` holds what the program could see of itself; what it could not see is "", and is not judged.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Home:
    """What a program sees of the place that it runs in."""

    backend: str = ""
    """URL of the state backend, for instance azblob://state or s3://bucket?region=…."""

    secrets_provider: str = ""
    """Of the stack file, for instance awskms://…; "" for a passphrase or Pulumi Cloud's own."""

    runner: str = ""
    """What says that the machine that runs this is inside AWS, for instance "AWS CodeBuild"; "" otherwise."""

    skips_sts: bool = False
    """Whether AWS's provider starts without asking who it is: skipCredentialsValidation, skipRequestingAccountId."""

    skips_cluster: bool = False
    """Whether Kubernetes' provider passes over a cluster that does not answer (skipUpdateUnreachable)."""

    context: str = ""
    """kubernetes:context; "" takes the current one of whoever runs this."""

    contexts: frozenset[str] = frozenset()
    """Those of this desk's kubeconfig; empty when it has none, or the setting brings one of its own."""


def home_problems(home: Home, accepted: bool = False) -> tuple[str, ...]:
    """Why this stack could not be raised while AWS is dead. `accepted`: state and runner inside AWS were accepted."""
    problems = []
    if not accepted:
        if in_aws(home.backend):
            problems.append(
                f"the stack's state is in AWS ({home.backend}), and is out of reach when it is needed: "
                "`pulumi stack export`, `pulumi login azblob://CONTAINER`, `pulumi stack import`, or another backend "
                "outside AWS"
            )
        if home.secrets_provider.startswith("awskms://"):
            problems.append(
                f"the stack's secrets are encrypted with a key in AWS ({home.secrets_provider}): "
                "`pulumi stack change-secrets-provider azurekeyvault://VAULT.vault.azure.net/keys/KEY`, or passphrase"
            )
        if home.runner:
            problems.append(
                f"this runs inside AWS ({home.runner}), which would be down as well: run it elsewhere; to rehearse "
                "from here all the same, `pulumi config set home_in_aws accept`"
            )
    if not home.skips_sts:
        problems.append(
            "AWS's provider asks AWS who it is before anything else, and would stop `pulumi up` while AWS is dead: "
            "`pulumi config set aws:skipCredentialsValidation true` and "
            "`pulumi config set aws:skipRequestingAccountId true`"
        )
    if not home.skips_cluster:
        problems.append(
            "Kubernetes' provider asks the primary's cluster, and would stop `pulumi up` while it is dead: "
            "`pulumi config set kubernetes:skipUpdateUnreachable true`"
        )
    return tuple(problems)


def context_problem(context: str, contexts: frozenset[str], setting: str = "kubernetes:context") -> str:
    """Why the primary's cluster would be passed over for ever; "" when it would not, or nobody here can tell.

    `contexts` are those of this desk's kubeconfig; empty when it has none.

    Kubernetes' provider calls a context that is not in kubeconfig an unreachable cluster, and skipUpdateUnreachable
    passes over those with a warning, as it must while AWS is dead.
    """
    if context and contexts and context not in contexts:
        return (
            f"{setting} {context} is not in this desk's kubeconfig, which has "
            f"{', '.join(sorted(contexts))}: the cluster would be passed over as if it were dead, at each `up`: "
            f"`pulumi config set {setting} CONTEXT`, or `aws eks update-kubeconfig --alias {context} --name CLUSTER`"
        )
    return ""


def artefact_problems(artefact: str) -> tuple[str, ...]:
    """Why a standby could not fetch its application while AWS is dead. `artefact` is a URL or a blob's name."""
    if artefact.startswith("https://") and _is_aws_host(urlsplit(artefact).hostname or ""):
        return (
            f"application_artefact {artefact} is in AWS, where the standby cannot fetch it when it is needed: upload "
            "it to container guests of the backup account, "
            "`pulumi config set application_artefact artefacts/NAME.war`",
        )
    if not artefact.startswith("https://") and "://" in artefact:
        return (
            f"application_artefact {artefact} is neither an https URL nor the name of a blob in container guests: "
            "`pulumi config set application_artefact …`",
        )
    return ()


def in_aws(backend: str) -> bool:
    """Whether a backend URL is a bucket of AWS; an S3 interface of somebody else is not."""
    parts = urlsplit(backend)
    if parts.scheme != "s3":
        return False
    endpoint = parse_qs(parts.query).get("endpoint", [""])[0]
    host = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}").hostname or ""
    return not endpoint or _is_aws_host(host)


def _is_aws_host(host: str) -> bool:
    return re.search(r"(^|\.)(amazonaws\.com(\.cn)?|cloudfront\.net|awsstatic\.com)$", host.lower()) is not None
