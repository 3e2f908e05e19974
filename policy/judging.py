"""How a policy judges: what it reads of a resource, and what becomes of a value that it cannot read.

The SDK turns a policy that touches an unknown into advice, and the update goes on. Here such a policy has failed, and
says which value it lacks: no rule stays undecided. The same of a secret that is not shown and of a text that is not
the document it should be.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

from pulumi_policy import (
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from .kinds import kind_of

HIDDEN = "[secret]"
"""What `pulumi policy analyze --file` shows of a secret where it cannot decrypt the state."""

_AFTER_UP = "judge the state after an `up`, `pulumi stack export --file FILE` and `pulumi policy analyze --file FILE`"
_WITH_SECRETS = "run it where Pulumi can decrypt the state, with PULUMI_CONFIG_PASSPHRASE or the stack's key service"


class CannotDecideError(Exception):
    """A policy lacks what it needs. The text is the reason and, after a colon, the way out."""


@dataclass(frozen=True)
class Resource:
    """One resource, or a part of one, as a policy sees it; properties have the provider's names."""

    type: str
    name: str
    props: Mapping[str, Any]
    protect: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    """Of the policy that judges it."""
    provider: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the provider that makes it."""
    within: str = ""
    """Path of this part, with a dot at the end."""
    fed: Collection[str] | None = None
    """Properties that come of other resources; None where a resource has what the program gives, and nothing else."""

    def get(self, path: str, default: Any = None, *, hidden: bool = False) -> Any:
        """The value at a path like `metadataOptions.httpTokens`; `default` where a part is missing. What is read must
        be known, and nothing beside it. A secret that is not shown is one only for who asks for it with `hidden`."""
        value = self._at(path)
        found = default if value is None else plain(value)
        if not hidden and HIDDEN in _leaves(found):
            self._hidden(path)
        return found

    def given(self, path: str) -> bool:
        """Whether the program sets it, be it to what is not known yet."""
        try:
            return self._at(path) is not None
        except UnknownValueError:
            # What is not known and comes of no resource is what the provider fills in.
            return self.fed is None or path.partition(".")[0] in self.fed

    def if_known(self, path: str) -> Any:
        """The value, or None where it is not set or not known yet."""
        try:
            return self.get(path)
        except UnknownValueError:
            return None

    def number(self, path: str, default: float) -> float:
        """A number, also one that is written as a text."""
        found = self.get(path, default)
        try:
            return float(found)
        except (TypeError, ValueError):
            raise CannotDecideError(f"{self.within}{path} is {found!r} and no number: give it one") from None

    def part(self, path: str) -> "Resource":
        """The object at a path; an empty one where there is none."""
        found = self._at(path)
        return self._part(path, {} if found is None else found)

    def parts(self, path: str) -> "list[Resource]":
        """The objects in a list; each is read by itself, so that a secret in one hides nothing of the others."""
        found = self._at(path)
        if found == HIDDEN:
            self._hidden(path)
        parts = [] if found is None else found
        if not _is_list(parts):
            raise CannotDecideError(f"{self.within}{path} is no list: write it as the provider takes it")
        return [self._part(f"{path}.{at}", one) for at, one in enumerate(parts)]

    def entries(self, path: str) -> dict[str, Any]:
        """An object that has names of the program's own; a value that is a secret is HIDDEN in it."""
        return {name: plain(value) for name, value in self.part(path).props.items()}

    def document(self, path: str, *, among: str | None = None) -> "Resource":
        """What a text in JSON says; empty where there is none. `among`: it is a list, and is found at this path."""
        found = self.get(path, hidden=True)
        try:
            told = json.loads(found) if isinstance(found, str) and found != HIDDEN else found
        except ValueError:
            raise CannotDecideError(f"{self.within}{path} is no JSON: mend the text") from None
        if among is not None and told != HIDDEN:
            told = {among: told}
        return self._part(path, {} if told is None else told)

    def _at(self, path: str) -> Any:
        """The value itself, of which parts may be unknown; None where it is missing."""
        value: Any = self.props
        for name in path.split("."):
            if value == HIDDEN:
                self._hidden(path)
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _part(self, path: str, props: Any) -> "Resource":
        if props == HIDDEN:
            self._hidden(path)
        if not isinstance(props, Mapping):
            raise CannotDecideError(f"{self.within}{path} is no object: write it as the provider takes it")
        return Resource(self.type, self.name, props, within=f"{self.within}{path}.")

    def _hidden(self, path: str) -> NoReturn:
        raise CannotDecideError(f"{self.within}{path} is a secret that is not shown: {_WITH_SECRETS}")


Problems = Callable[[Resource], Iterable[str]]
"""Sentences that name the value found, why it harms, and the fix; the resource's name is put before each."""

GraphProblems = Callable[[Sequence[Resource]], Iterable[str]]
"""The same of several resources together; each sentence names its resource."""

AmongProblems = Callable[[Resource, Sequence[Resource]], Iterable[str]]
"""The same of one resource, beside all that the policy reads; its name is put before each."""


def plain(value: Any) -> Any:
    """Lists and dicts in place of the SDK's proxies. UnknownValueError when something in it is not known."""
    if isinstance(value, Mapping):
        return {key: plain(value[key]) for key in value}
    return [plain(one) for one in value] if _is_list(value) else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def each(
    name: str,
    severity: Severity,
    why: str,
    kinds: Mapping[str, Problems] | Problems,
    schema: PolicyConfigSchema | None = None,
) -> ResourceValidationPolicy:
    """A policy over single resources. `kinds` says for each type, or for all, what is wrong with one."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        kind = kind_of(args.resource_type)
        problems = kinds.get(kind) if isinstance(kinds, Mapping) else kinds
        if problems is None:
            return
        settings = {} if args.provider is None else args.provider.props
        one = Resource(kind, args.name, args.props, args.opts.protect, args.get_config(), settings)
        for sentence in _told(partial(problems, one)):
            report(f"{one.name}: {sentence}", None)

    return ResourceValidationPolicy(name, why, validate, severity=severity, config_schema=schema)


def together(
    name: str, severity: Severity, why: str, reads: Mapping[str, Sequence[str]], problems: GraphProblems
) -> StackValidationPolicy:
    """A policy over what resources are to each other. `reads` has by type the paths that it reads; a path goes through
    lists, as `origins.domainName`. A resource of which one cannot be read is said to be undecided, and left out."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        known = []
        for one in args.resources:
            seen = _seen(one)
            if seen.type not in reads:
                continue
            props, lacking = _read(seen, reads[seen.type])
            for sentence in lacking:
                report(sentence, one.urn)
            if not lacking:
                known.append(Resource(seen.type, seen.name, props, seen.protect))
        for sentence in _told(partial(problems, known)):
            report(sentence, None)

    return StackValidationPolicy(name, why, validate, severity=severity)


def among(
    name: str, severity: Severity, why: str, kinds: Mapping[str, AmongProblems], beside: Sequence[str] = ()
) -> StackValidationPolicy:
    """A policy over single resources that has to look at others: those of `kinds` and of the types `beside`. Each is
    read when it is asked, so what nobody asks may be unknown."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        found = {one.urn: _seen(one) for one in args.resources}
        all_of_them = [one for one in found.values() if one.type in kinds or one.type in beside]
        for urn, one in found.items():
            if one.type in kinds:
                for sentence in _told(partial(kinds[one.type], one, all_of_them)):
                    report(f"{one.name}: {sentence}", urn)

    return StackValidationPolicy(name, why, validate, severity=severity)


def called(name: Any, found: Sequence[Resource], keys: Sequence[str], kind: str = "") -> Resource | None:
    """The resource (of a type) that has this value in one of these properties. UnknownValueError when none has, and one
    has a value there that is not known."""
    lacking: UnknownValueError | None = None
    for one in found:
        for key in keys if name is not None and kind in ("", one.type) else ():
            try:
                if one.get(key) == name:
                    return one
            except UnknownValueError as unknown:
                lacking = unknown
    if lacking is not None:
        raise lacking
    return None


def _seen(one: PolicyResource) -> Resource:
    fed = {name for name, of in one.property_dependencies.items() if of}
    return Resource(kind_of(one.resource_type), one.name, one.props, one.opts.protect, fed=fed)


def _told(problems: Callable[[], Iterable[str]]) -> Iterator[str]:
    """What was found before a value was lacking, and then that it was."""
    try:
        yield from problems()
    except UnknownValueError as unknown:
        yield undecided(_unknown(unknown))
    except CannotDecideError as reason:
        yield undecided(str(reason))
    except (AttributeError, LookupError, TypeError, ValueError) as odd:  # a traceback would end the whole review
        yield undecided(f"a value is of another shape than its provider takes ({odd}): look at `pulumi stack export`")


def _read(one: Resource, paths: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The properties as far as the paths go, and what is said of those that cannot be read."""
    wanted: dict[str, Any] = {}
    for path in paths:
        place = wanted
        for step in path.split("."):
            place = place.setdefault(step, {})
    props: dict[str, Any] = {}
    unknown, hidden = [], []
    for key in sorted(set(one.props) & set(wanted)):
        try:
            props[key] = _as_far_as(one.props[key], wanted[key])
        except UnknownValueError as lacking:
            unknown.append(lacking)
            continue
        if HIDDEN in _leaves(props[key]):
            hidden.append(key)
    reasons = [_unknown(*unknown)] if unknown else []
    reasons += [f"{', '.join(hidden)} is a secret that is not shown: {_WITH_SECRETS}"] if hidden else []
    return props, [f"{one.name}: {undecided(reason)}" for reason in reasons]


def _as_far_as(value: Any, wanted: Mapping[str, Any]) -> Any:
    if wanted and isinstance(value, Mapping):
        return {key: _as_far_as(value[key], wanted[key]) for key in value if key in wanted}
    if wanted and _is_list(value):
        return [_as_far_as(one, wanted) for one in value]
    return plain(value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    else:
        yield value


def _unknown(*unknown: UnknownValueError) -> str:
    lacking = ", ".join(sorted(".".join(one.props) for one in unknown))
    return f"{lacking} is not known before it is made: {_AFTER_UP}"


def undecided(reason: str) -> str:
    """What a policy says that lacks something. The reason has the way out after a colon."""
    return f"could not decide, because {reason}"
