"""Pulumi's language host for Python, over Pulumi's own gRPC stubs.

The engine starts it as `pulumi-language-python [flags] ENGINE_ADDRESS`, reads a port from its first line of output and
calls `LanguageRuntime` there. It exists because the Go module proxy does not have the host that Pulumi ships; a proper
installation of Pulumi brings its own, and ./scripts/setup prefers that. Programs run under Pulumi's own
`pulumi-language-python-exec`, which lies beside the launcher. Code generation, packing and Poetry are not here.
"""

import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
from google.protobuf import json_format

# The stubs are wanted, not the SDK around them: without this, `import pulumi` costs every command 0.3 s.
_sdk = importlib.util.find_spec("pulumi")
if _sdk is None or _sdk.origin is None:
    sys.exit("pulumi-language-python: the Pulumi SDK is not installed beside it: run ./scripts/setup again")
for _name, _folder in (("pulumi", "."), ("pulumi.runtime", "runtime")):
    sys.modules[_name] = ModuleType(_name)
    sys.modules[_name].__path__ = [str(Path(_sdk.origin).parent / _folder)]

from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

BAIL = 32  # exit code by which pulumi-language-python-exec says that the user has seen the error
GRACE_SECONDS = 3.0  # below the 5 s after which the engine kills this host
MESSAGE_LIMIT = 400 * 1024 * 1024  # bytes, as every Pulumi plugin allows


class Refused(Exception):
    """The request cannot be met; the text says why and what to do."""


class Child(subprocess.Popen[bytes]):
    """A process in a session of its own: the engine interrupts this host's group whenever an update fails, and a
    program that got that too would bury the error under its KeyboardInterrupt. `last_word` ends it."""

    running: set["Child"] = set()

    def __init__(
        self, argv: list[str], last_word: signal.Signals, context: grpc.ServicerContext, **options: Any
    ) -> None:
        try:
            super().__init__(argv, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        except OSError as error:
            raise Refused(f"cannot start {argv[0]}: {error}") from error
        self.last_word = last_word
        self.running.add(self)
        if not context.add_callback(self.end):  # the engine has already hung up
            self.end()

    def finish(self) -> int:
        code = self.wait()
        self.running.discard(self)
        return code

    def end(self) -> None:
        for number in (self.last_word, signal.SIGKILL):
            if self.poll() is None:
                os.killpg(self.pid, number)
            try:
                self.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                continue

    def output(self) -> Iterator[tuple[str, Any]]:
        """("stdout" | "stderr", bytes) as they come; at the end ("exitcode", int)."""
        pieces: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

        def pump(name: str, stream: Any) -> None:
            while piece := stream.read1(65536):
                pieces.put((name, piece))
            pieces.put((name, b""))

        for stream in ("stdout", "stderr"):
            threading.Thread(target=pump, args=(stream, getattr(self, stream)), daemon=True).start()
        still_open = 2
        while still_open:
            name, piece = pieces.get()
            if piece:
                yield name, piece
            else:
                still_open -= 1
        yield "exitcode", self.finish()


class Interpreter:
    """The Python that the runtime options of a project name, and the environment to start it in."""

    def __init__(self, info: Any, must_exist: bool = True) -> None:
        options = json_format.MessageToDict(info.options)
        self.toolchain = options.get("toolchain", "pip")
        if self.toolchain not in ("pip", "uv"):
            raise Refused(f"toolchain {self.toolchain!r} needs Pulumi's own language host; this one knows pip and uv")
        self.typechecker = options.get("typechecker", "")
        self.root = Path(info.root_directory or info.program_directory).absolute()
        self.program = os.path.join(info.program_directory, info.entry_point or ".")
        self.python = self.system_python = os.environ.get("PULUMI_PYTHON_CMD", "python3")
        self.activation: dict[str, str] = {}
        if name := options.get("virtualenv", ".venv" if self.toolchain == "uv" else ""):
            folder = self.root / name
            self.python = str(folder / "bin/python")
            self.activation = {"VIRTUAL_ENV": str(folder), "PATH": f"{folder}/bin:{os.environ.get('PATH', '')}"}
            if must_exist and not os.access(self.python, os.X_OK):
                raise Refused(
                    f"option virtualenv in Pulumi.yaml names {folder}, which has no bin/python: "
                    "run `pulumi install`, or in twinsite's own tree ./scripts/setup"
                )

    def ask(self, code: str) -> Any:
        """The JSON that `code` prints."""
        return json.loads(subprocess.run([self.python, "-c", code], check=True, stdout=subprocess.PIPE).stdout)

    def install_commands(self) -> list[list[str]]:
        if self.toolchain == "uv":
            return [["uv", "sync"]]
        commands = [[self.python, "-m", "pip", "install", "-r", "requirements.txt"]]
        if self.python != self.system_python:
            # Also brings pip into an environment that uv made without it.
            commands.insert(0, [self.system_python, "-m", "venv", str(Path(self.python).parents[1])])
        return commands


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """One method per call of the protocol, which describes them; a docstring here says only what is particular."""

    def __init__(self, engine: str, executor: str) -> None:
        self.engine, self.executor = engine, executor

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        """None up front: the engine fetches a provider when a resource first needs it, and so none that is not used."""
        return language_pb2.GetRequiredPackagesResponse()

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    def Template(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.TemplateResponse()

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        code = "import json, sys; print(json.dumps([sys.executable, sys.version.split()[0]]))"
        executable, version = Interpreter(request.info).ask(code)
        return language_pb2.AboutResponse(executable=executable, version=version)

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        code = (
            "import json, importlib.metadata as m; print(json.dumps([[d.name, d.version] for d in m.distributions()]))"
        )
        found = [language_pb2.DependencyInfo(name=n, version=v) for n, v in sorted(Interpreter(request.info).ask(code))]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        flags = {
            "monitor": request.monitor_address,
            "engine": self.engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
        }
        try:
            at = Interpreter(request.info)
            settings = {
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            }
            options = {"cwd": request.pwd, "env": {**os.environ, **at.activation, **settings}}
            argv = [at.python, "-u", self.executor, *(f"--{name}={value}" for name, value in flags.items() if value)]
            code = 0
            if at.typechecker:
                checker = [at.python, "-m", at.typechecker, at.program]
                code = Child(checker, signal.SIGTERM, context, **options).finish()
            # Its output is this host's own, which the engine shows line by line.
            code = code or Child([*argv, at.program, *request.args], signal.SIGTERM, context, **options).finish()
        except Refused as error:
            return language_pb2.RunResponse(error=str(error))
        how = f"exited with code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        return language_pb2.RunResponse(error=f"the program {how}" if code not in (0, BAIL) else "", bail=code == BAIL)

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            at = Interpreter(request.info)
            env = {**dict(entry.split("=", 1) for entry in request.env), **at.activation}
            # pulumi.policy is what runs a pack's __main__.py. -u: a pack does not flush the port that it prints.
            pack = ["-m", "pulumi.policy", *request.args, at.program]
            argv = [at.python, "-u", *(pack if request.kind == "analyzer" else [at.program, *request.args])]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            # SIGINT: policy packs and providers of the SDK end quietly on it.
            for name, value in Child(argv, signal.SIGINT, context, cwd=request.pwd, env=env, **pipes).output():
                yield language_pb2.RunPluginResponse(**{name: value})
        except Refused as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            at = Interpreter(request.info, must_exist=False)
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            for argv in at.install_commands():
                for name, value in Child(argv, signal.SIGTERM, context, cwd=at.root, **pipes).output():
                    if name != "exitcode":
                        yield language_pb2.InstallDependenciesResponse(**{name: value})
                    elif value:
                        raise Refused(f"`{' '.join(argv)}` exited with code {value}")
        except Refused as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def main() -> None:
    """Serve until a signal comes or the engine is gone; leave no child behind."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stop.set())
    engine_process = os.getppid()
    executor = str(Path(__file__).resolve().with_name("pulumi-language-python-exec"))
    limits = [("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)]
    # A policy pack or plugin keeps a thread for as long as it lives.
    server = grpc.server(ThreadPoolExecutor(max_workers=64), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(sys.argv[-1], executor), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    # An engine that was killed sends no signal, but its child then has another parent.
    while not stop.wait(1.0) and os.getppid() == engine_process:
        pass
    server.stop(None)  # cancels every call, and each cancelled call ends its child
    for child in list(Child.running):
        child.end()


if __name__ == "__main__":
    main()
